"""A contract is honoured or refused, through the whole pipeline: what goes in comes out, or its row is told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from pipeline.executions import ExecutionOutcome
from tests.integration.conftest import Pipeline

KINDS: dict[str, Any] = {"label": "x", "copies": 1}


def run(pipeline: Pipeline, dataset: str, text: str, *, name: str = "data.csv", **parameters: Any) -> ExecutionOutcome:
    return pipeline.run(pipeline.put(text, name=name), dataset=dataset, parameters=parameters)


def succeeded(outcome: ExecutionOutcome) -> ExecutionOutcome:
    assert outcome.succeeded, (outcome.error, outcome.cause)
    return outcome


def lines(*documents: str) -> str:
    return "".join(f"{document}\n" for document in documents)


def test_values_of_json_are_those_of_the_text(pipeline: Pipeline) -> None:
    text = lines(
        '{"id":1,"note":1.10}',
        '{"id":2,"amount":99999999999999.99}',
        '{"id":3,"big":12345678901234567890123456789012345678}',
        '{"id":4,"note":1e5}',
        '{"id":5,"note":"a\\u0000b"}',
        '{"id":6,"note":"a","note":"b"}',
        '{"id":7,}',
        '{"ID":8}',
        '{"id":9007199254740993.0,"small":-3,"flag":true,"day":"2024-02-29","at":"2024-02-29T12:30:00Z","iso":"NOK"}',
    )
    label = "see s3://partner-bucket/readme.txt " + "x" * 20_000 + "ü" * 5_000
    outcome = succeeded(run(pipeline, "kinds", text, name="data.json", **{**KINDS, "label": label}))
    sql = "SELECT parameters FROM audit.job_run WHERE job_id = :job_id"
    (audit,) = pipeline.query(sql, job_id=outcome.output["job_id"])
    assert json.loads(audit["parameters"])["label"] == label
    sql = "SELECT * FROM analytics.kinds WHERE job_id = :job_id ORDER BY id"
    rows = {row["id"]: row for row in pipeline.query(sql, job_id=outcome.output["job_id"])}
    assert set(rows) == {1, 2, 3, 4, 9007199254740993}
    assert rows[1]["note"] == "1.10"
    assert Decimal(rows[2]["amount"]) == Decimal("99999999999999.99")
    assert Decimal(rows[3]["big"]) == Decimal("12345678901234567890123456789012345678")
    assert rows[4]["note"] == "1e5"
    assert (rows[9007199254740993]["flag"], rows[9007199254740993]["small"]) == (True, -3)
    assert str(rows[9007199254740993]["day"]).startswith("2024-02-29")
    rejected = {row["line_number"]: (row["column_name"], row["reason"]) for row in pipeline.rejected(outcome)}
    assert set(rejected) == {5, 6, 7, 8}
    assert rejected[5] == ("note", "has a NUL character")


def test_text_of_csv_is_kept_or_its_row_is_told(pipeline: Pipeline) -> None:
    header = "id,small,amount,big,ratio,flag,day,at,iso,code,note"
    text = lines(
        header,
        '1,2,3.10,4,0.5,true,2024-01-31,2024-01-31 23:59:59.5,ABC,x,"a, ""b"""',
        "2,2,3.1,4,0.5,true,2024-01-31,,né,x,char",
        "3,2,,3.10,4,0.5,true,2024-01-31,,ABC,x,",
        "4,2,3.1,4,0.5,true,2024-01-31,,ABC,123456789,long",
        "5,2,3.1,4,0.5,true,2024-01-31,,ABC",
    )
    outcome = succeeded(run(pipeline, "kinds", text, **KINDS))
    (row,) = pipeline.query("SELECT * FROM analytics.kinds WHERE job_id = :job_id", job_id=outcome.output["job_id"])
    assert (row["id"], Decimal(row["amount"]), row["note"]) == (1, Decimal("3.10"), 'a, "b"')
    assert [(row["line_number"], row["column_name"]) for row in pipeline.rejected(outcome)] == [
        (3, "iso"),
        (4, None),
        (5, "code"),
        (6, None),
    ]
    assert "single-byte" in pipeline.rejected(outcome)[0]["reason"]
    verdicts = pipeline.query(
        "SELECT rule, measured, passed FROM audit.rule_run WHERE job_id = :job_id ORDER BY rule",
        job_id=outcome.output["job_id"],
    )
    assert [(row["rule"], row["measured"], row["passed"]) for row in verdicts] == [
        ("few_negative", 0, True),
        ("some_rows", 1, True),
    ]
    sql = "SELECT contract_version FROM audit.stage_run WHERE job_id = :job_id AND stage = 'load'"
    (stage,) = pipeline.query(sql, job_id=outcome.output["job_id"])
    assert stage["contract_version"] == "1.0.0 of a version that is 41 characters"


def test_a_composite_key_with_any_names(pipeline: Pipeline) -> None:
    outcome = succeeded(run(pipeline, "order_lines", "order_id,position,note\n7,1,a\n7,2,b\n7,1,c\n"))
    assert outcome.output["counts"]["rows_staged"] == 2
    assert [(row["line_number"], row["reason"]) for row in pipeline.rejected(outcome)] == [(4, "duplicate key")]


def failed(pipeline: Pipeline, outcome: ExecutionOutcome, state: str, *said: str) -> dict[str, Any]:
    assert outcome.status == "FAILED"
    audit = pipeline.audit_of(outcome.arn)
    assert (audit["status"], audit["failed_state"]) == ("FAILED", state)
    for text in said:
        assert text in audit["cause"]
    return audit


def test_more_refused_rows_than_the_contract_allows(pipeline: Pipeline) -> None:
    outcome = run(pipeline, "order_lines", "order_id,position,note\n7,1,a\nx,2,b\n,3,c\n")
    audit = failed(pipeline, outcome, "CleanWithPython", "rejectedRows", "50 percent")
    assert (audit["rows_in"], audit["rows_rejected"]) == (3, 2)
    verdicts = pipeline.query("SELECT * FROM audit.rule_run WHERE job_id = :job_id", job_id=audit["job_id"])
    assert [(row["metric"], row["passed"]) for row in verdicts] == [("rejectedRows", False)]


def test_every_row_refused_is_a_failure_that_counts_the_reasons(pipeline: Pipeline) -> None:
    outcome = run(pipeline, "exact", "n\nx\ny\n1.5\n", part="none")
    audit = failed(pipeline, outcome, "CleanWithPython", "n: not an INTEGER (3)")
    assert (audit["rows_in"], audit["rows_staged"], audit["rows_rejected"]) == (3, 0, 3)


def test_a_reference_is_read_as_strictly_as_a_source(pipeline: Pipeline) -> None:
    s3, bucket, key = pipeline.clients.get("s3"), pipeline.outputs["raw_bucket"], "reference/prices/price_list/list.csv"
    s3.put_object(Bucket=bucket, Key=key, Body=b"sku,price,since\na,1.239,12:30\nb,2.00,2024-01-01\n")
    outcome = run(pipeline, "prices", "sku,pieces\na,2\n")
    failed(pipeline, outcome, "CleanWithPython", "price_list", "price", "1.239")
    s3.put_object(Bucket=bucket, Key=key, Body=b"sku,price,since\na,1.23,2024-01-01 12:30:00\nb,2.00,2024-01-01\n")
    outcome = succeeded(run(pipeline, "prices", "sku,pieces\na,2\n"))
    (row,) = pipeline.query("SELECT * FROM analytics.turnover WHERE job_id = :job_id", job_id=outcome.output["job_id"])
    assert Decimal(row["amount"]) == Decimal("2.46")


def test_a_value_that_its_type_cannot_hold_fails(pipeline: Pipeline) -> None:
    outcome = run(pipeline, "exact", "n\n1\n2\n", part="price")
    audit = failed(pipeline, outcome, "TransformWithSpark", "exact", "column price", "5.8951", "DECIMAL(10,2)")
    assert (audit["rows_in"], audit["rows_staged"]) == (2, 2)


def test_a_rule_of_an_output_halts_before_anything_is_loaded(pipeline: Pipeline) -> None:
    header = "id,small,amount,big,ratio,flag,day,at,iso,code,note"
    outcome = run(pipeline, "kinds", lines(header, "1,,,,,,,,,,"), **{**KINDS, "label": "nothing"})
    audit = failed(pipeline, outcome, "TransformWithSpark", "rowCount is 0", "some_rows")
    assert (audit["rows_staged"], audit["rows_curated"]) == (1, 0)
    verdicts = pipeline.query("SELECT rule, passed FROM audit.rule_run WHERE job_id = :job_id", job_id=audit["job_id"])
    assert {row["rule"]: row["passed"] for row in verdicts} == {"some_rows": False, "few_negative": True}
    loaded = pipeline.query("SELECT id FROM analytics.kinds WHERE job_id = :job_id", job_id=audit["job_id"])
    assert loaded == []


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "x" * 130},
        {"source_uri": "s3://bucket/" + "k" * 1200},
        {"source_uri": "s3://bucket/" + "ü" * 700},
        {"dataset": "kinds", "parameters": {}},
        {"dataset": "kinds", "parameters": {**KINDS, "label": "x" * 70_000}},
    ],
)
def test_an_input_that_is_refused_has_its_row(pipeline: Pipeline, change: dict[str, Any]) -> None:
    arn = pipeline.start(**{"source_uri": pipeline.put(pipeline.sample(1)), **change})
    assert pipeline.wait(arn).status == "FAILED"
    audit = pipeline.audit_of(arn)
    assert (audit["status"], audit["failed_state"]) == ("FAILED", "GenerateJobId")


def test_an_execution_whose_name_is_not_ascii_has_its_row(pipeline: Pipeline) -> None:
    arn = pipeline.start(pipeline.put(pipeline.sample(1)), dataset="nothing", name="ü" * 80)
    assert pipeline.wait(arn).status == "FAILED"
    assert pipeline.audit_of(arn)["execution_arn"] == arn

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aws_facts import redshift_data as facts
from dataset_contract import reading
from dataset_contract.manifests import PYTHON, SPARK
from dataset_contract.model import Contract
from lambda_generate_param import datasets, inlining, verdicts
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.verdicts import VerdictError
from tests.unit.lambda_generate_param.conftest import orders, verdict_documents


@pytest.fixture
def contract(sql: Path) -> Contract:
    return datasets.load(sql, "orders").contract


@pytest.fixture
def found(contract: Contract) -> list[dict[str, Any]]:
    return [*verdict_documents(contract, PYTHON), *verdict_documents(contract, SPARK)]


def test_verdicts_come_in_the_order_of_the_contract(contract: Contract, found: list[dict[str, Any]]) -> None:
    assert verdicts.complete(contract, found[::-1]) == found
    assert [verdict["rule"] for verdict in found] == ["orders.rowCount", "enough", "not_many"]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_rule_without_a_verdict_is_told(contract: Contract, found: list[dict[str, Any]], missing: int) -> None:
    rule = found.pop(missing)
    with pytest.raises(VerdictError, match=f"rule {rule['rule']} of {rule['object']} was not judged"):
        verdicts.complete(contract, found)


def test_the_verdict_of_another_rule_is_none(contract: Contract, found: list[dict[str, Any]]) -> None:
    found[1]["rule"] = "renamed"
    with pytest.raises(VerdictError, match="rule enough of clean_orders was not judged"):
        verdicts.complete(contract, found)


def test_a_rule_that_halts_and_did_not_pass_forbids_the_load(contract: Contract, found: list[dict[str, Any]]) -> None:
    found[2]["passed"] = False  # a warning
    assert verdicts.complete(contract, found) == found
    found[1]["passed"] = False
    with pytest.raises(VerdictError, match="rule enough of clean_orders did not pass"):
        verdicts.complete(contract, found)


def test_a_row_binds_every_text_and_each_text_once(found: list[dict[str, Any]], columns: AuditColumns) -> None:
    statements, bound = verdicts.insert(found, columns)
    delete, insert, number = statements
    assert number.startswith("UPDATE audit.rule_run SET attempt = (SELECT attempt FROM audit.job_attempt WHERE ")
    assert number.endswith(") WHERE job_id = :job_id AND attempt = 0")
    assert delete.startswith("DELETE FROM audit.rule_run WHERE job_id = :job_id AND attempt = ")
    assert insert.startswith(
        "INSERT INTO audit.rule_run (job_id, attempt, number, rule, object_name, column_names, metric, expected, "
        "severity, measured, passed) VALUES\n("
    )
    assert set(re.findall(r":(rule_\d+)", insert)) == set(bound)
    assert len(set(bound.values())) == len(bound)
    rows = insert.partition("VALUES\n")[2].split("\n")
    texts = [re.sub(r":(rule_\d+)", lambda match: bound[match[1]], row) for row in rows]
    assert texts[0] == (
        "(CAST(:job_id AS VARCHAR(56)), 0, 0, CAST(orders.rowCount AS VARCHAR(1024)), "
        "CAST(orders AS VARCHAR(127)), NULL, CAST(rowCount AS VARCHAR(32)), "
        "CAST(mustBeGreaterThan 0 rows AS VARCHAR(512)), CAST(error AS VARCHAR(16)), "
        "CAST(12 AS DOUBLE PRECISION), TRUE),"
    )
    assert "CAST(id, note AS VARCHAR(16384)), CAST(duplicateValues AS VARCHAR(32))" in texts[2]


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(None, "NULL"), ("1.5", "1.5"), ("1" + "0" * 400, "NULL"), ("NaN", "NULL"), ("many", "NULL"), (3, "3")],
)
def test_a_measurement_that_a_double_cannot_hold_is_null(
    found: list[dict[str, Any]], columns: AuditColumns, measured: Any, expected: str
) -> None:
    statements, bound = verdicts.insert([{**found[0], "measured": measured, "passed": False}], columns)
    row = re.sub(r":(rule_\d+)", lambda match: bound[match[1]], statements[1].partition("VALUES\n")[2])
    assert row.endswith(f"{'NULL' if expected == 'NULL' else f'CAST({expected} AS DOUBLE PRECISION)'}, FALSE)")


def test_a_text_that_could_be_sql_is_bound(found: list[dict[str, Any]], columns: AuditColumns) -> None:
    hostile = "a'); DROP TABLE t; --"
    statements, bound = verdicts.insert([{**found[0], "rule": hostile, "columns": [hostile]}], columns)
    assert not any("DROP" in statement for statement in statements)
    assert list(bound.values()).count(hostile) == 1


def test_a_document_that_is_no_verdict_has_no_row(columns: AuditColumns) -> None:
    assert verdicts.insert([{"number": "0; DROP TABLE t"}, {}], columns) == ([], {})


def test_what_a_verdict_does_not_say_is_bound_as_not_known(columns: AuditColumns) -> None:
    statements, bound = verdicts.insert([{"number": 0, "columns": "id"}], columns)
    assert len(statements) == 3
    assert set(bound.values()) == {"-"}
    assert "127)), NULL, CAST(:rule_1 AS VARCHAR(32))" in statements[1]


def test_two_hundred_rules_are_few_statements_within_the_limits(columns: AuditColumns) -> None:
    rules = [{"id": f"rule_{number}", "metric": "rowCount", "mustBeGreaterThan": number} for number in range(200)]
    document = orders()
    document["schema"][1]["quality"] = rules
    contract = reading.parse(document)
    statements, _ = verdicts.insert(verdict_documents(contract, SPARK), columns)
    assert len(statements) == 3
    assert max(map(len, statements)) < 100_000


@pytest.mark.parametrize("expected", ["mustBe 1", "it's \\ " * 64])
def test_rules_beyond_a_statement_go_on_in_the_next(columns: AuditColumns, expected: str) -> None:
    found = [{"number": number, "expected": expected} for number in range(500)]
    statements, bound = verdicts.insert(found, columns)
    assert len(statements) > 3
    assert sum(statement.count("\n(") for statement in statements) == 500
    values = {"job_id": "j" * 56, "execution_arn": "arn", "redrive_count": "1", **bound}
    sizes = [len(inlining.inlined(statement, values)) for statement in statements]
    assert all(95_000 < size <= facts.MOST_STATEMENT_BYTES for size in sizes[1:-2])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"id": "ü" * 513}, "^rule ü{200} of clean_orders: its rule takes 1,026 bytes; accepted: at most 1,024"),
        ({"bounds": (Decimal("9" * 600),)}, "its expected takes 623 bytes; accepted: at most 512"),
        ({"columns": ("a" * 60,) * 300}, "its column_names takes 18,598 bytes; accepted: at most 16,384"),
    ],
)
def test_a_rule_that_the_audit_table_cannot_hold_is_told(
    contract: Contract, columns: AuditColumns, change: dict[str, Any], what: str
) -> None:
    verdicts.check(contract, columns)
    rule = replace(contract.outputs[0].rules[0], **change)
    long = replace(contract, outputs=(replace(contract.outputs[0], rules=(rule,)),))
    with pytest.raises(VerdictError, match=what):
        verdicts.check(long, columns)


def test_more_rules_than_a_manifest_holds_are_told(contract: Contract, columns: AuditColumns) -> None:
    (rule, *_), output = contract.outputs[0].rules, contract.outputs[0]
    rules = tuple(replace(rule, id=f"{number}{'x' * 200}") for number in range(200))
    many = replace(contract, outputs=(replace(output, rules=rules),))
    with pytest.raises(VerdictError, match=r"^the contract's 201 set rules make verdicts of \d+,\d+ bytes; accepted: "):
        verdicts.check(many, columns)

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aws_facts import redshift_data as facts
from dataset_contract.manifests import PYTHON, SPARK, ManifestError
from lambda_generate_param import datasets, sql_batches
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.evidence import StageEvidence
from lambda_generate_param.failures import Failure
from lambda_generate_param.sql_batches import OF_THE_ATTEMPT, OF_THE_MOMENT, SqlBatch, SqlTemplateError
from tests.unit.lambda_generate_param.conftest import ARN, JOB, manifest, places


def bound_names(batch: SqlBatch) -> set[str]:
    """The parameters that the statements refer to, outside of comments and quoted texts."""
    return {
        name
        for text in batch.statements
        for name in re.findall(r"(?<!:):([a-z_0-9]+)", re.sub(r"--[^\n]*|'[^']*'", "", text))
    }


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';';SELECT \"a;b\";", ["SELECT ';'", 'SELECT "a;b"']),
        ("SELECT 'it''s;'; SELECT 2;", ["SELECT 'it''s;'", "SELECT 2"]),
        ("-- a; b\nSELECT 1 /* ; */; -- end;\n", ["-- a; b\nSELECT 1 /* ; */"]),
        ("/* only; a comment */ ; ;\n", []),
        ("CREATE PROCEDURE p() AS $$ BEGIN; x; END; $$ LANGUAGE plpgsql; SELECT 1",
         ["CREATE PROCEDURE p() AS $$ BEGIN; x; END; $$ LANGUAGE plpgsql", "SELECT 1"]),
        ("SELECT $body$ a; $$ b; $body$; SELECT 4 / 2 - 1", ["SELECT $body$ a; $$ b; $body$", "SELECT 4 / 2 - 1"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_file_is_cut_at_its_semicolons_alone(sql: str, expected: list[str]) -> None:
    assert sql_batches.split(sql) == expected


def test_register_and_finish_bind_all_but_the_attempt_and_each_is_used(sql: Path) -> None:
    batch = sql_batches.register(
        sql,
        places("flights"),
        execution_arn="arn",
        started_at="1970-01-01 00:00:00.000",
        source_uri="s3://raw-bucket/flights/",
        parameters='{"late_minutes": 15}',
        repeat=True,
    )
    assert bound_names(batch) == set(batch.parameters) | set(OF_THE_ATTEMPT)
    assert batch.parameters["parameters"] == '{"late_minutes": 15}'
    assert (batch.name, batch.parameters["repeat"]) == (f"{JOB} register", "true")
    finish = sql_batches.finish(sql, places("flights"), execution_arn="arn")
    assert bound_names(finish) == set(finish.parameters) | set(OF_THE_ATTEMPT)
    assert finish.name == f"{JOB} finish"


def test_a_job_that_repeats_and_replays_nothing_says_so(sql: Path) -> None:
    given = {"execution_arn": "arn", "started_at": "m", "source_uri": "s3://raw-bucket/a", "parameters": "{}"}
    bound = sql_batches.register(sql, places(), **given, repeat=False).parameters
    assert (bound["repeat"], bound["replays"]) == ("false", "-")
    bound = sql_batches.register(sql, places(), **given, repeat=True, replays=JOB).parameters
    assert (bound["repeat"], bound["replays"]) == ("true", JOB)


def test_registrations_and_failures_come_one_after_the_other(sql: Path, columns: AuditColumns) -> None:
    given = {"execution_arn": "arn", "started_at": "m", "source_uri": "s3://raw-bucket/a", "parameters": "{}"}
    for batch in (
        sql_batches.register(sql, places(), **given, repeat=False),
        sql_batches.finish(sql, places(), execution_arn="arn"),
        sql_batches.fail(sql, failure(), StageEvidence({}, {}), columns),
    ):
        assert batch.statements[0].endswith("LOCK audit.turn")


def test_fail_binds_every_value_and_each_is_used(sql: Path, columns: AuditColumns) -> None:
    dataset = datasets.load(sql, "orders")
    complete = {PYTHON: manifest(dataset, PYTHON)}
    failed = {SPARK: manifest(dataset, SPARK, error="orders: division by zero")}
    for known in (StageEvidence(complete, failed), StageEvidence({}, {})):
        batch = sql_batches.fail(sql, failure(), known, columns)
        assert bound_names(batch) == set(batch.parameters)
        assert all(batch.parameters.values())
        assert all(text.startswith(f"/* job_id={JOB} step=fail */ ") for text in batch.statements)


def test_fail_asks_last_what_became_of_the_job(sql: Path, columns: AuditColumns) -> None:
    document = manifest(datasets.load(sql, "orders"), PYTHON)
    without = sql_batches.fail(sql, failure(), StageEvidence({}, {}), columns)
    batch = sql_batches.fail(sql, failure(), StageEvidence({PYTHON: document}, {}), columns)
    *first, last = without.statements
    assert "AS outcome" in last
    assert last not in first
    assert batch.statements[: len(first)] == tuple(first)
    assert ["rule_run" in text for text in batch.statements[len(first) :]] == [True, True, True, False]
    assert batch.statements[-1] == last
    assert (without.parameters["repeat"], without.parameters["replays"]) == ("false", "-")


@pytest.mark.parametrize("rules", [220, 400])
def test_fail_leaves_the_verdicts_out_where_they_are_too_many(sql: Path, columns: AuditColumns, rules: int) -> None:
    document = manifest(datasets.load(sql, "orders"), PYTHON)
    document["rules"] = [{"number": number, "rule": f"{number}{'x' * 500}"} for number in range(rules)]
    batch = sql_batches.fail(sql, failure(), StageEvidence({PYTHON: document}, {}), columns)
    assert not any("rule_run" in text for text in batch.statements)
    assert (batch.name, batch.parameters["rows_in"]) == (f"{JOB} fail", "16")


@pytest.mark.parametrize("change", [{"started_at": None}, {"finished_at": "noon"}])
def test_fail_passes_over_a_manifest_that_is_not_whole(
    sql: Path, columns: AuditColumns, change: dict[str, Any]
) -> None:
    document = {**manifest(datasets.load(sql, "orders"), PYTHON), **change}
    batch = sql_batches.fail(sql, failure(), StageEvidence({PYTHON: document}, {}), columns)
    assert (batch.parameters["python_rows_in"], batch.parameters["rows_in"]) == ("-", "16")


@pytest.mark.parametrize(
    "name", ["rows_in", "files_out", "started_at", "finished_at", "code_version", "contract_version"]
)
def test_a_manifest_without_a_field_is_not_whole(sql: Path, columns: AuditColumns, name: str) -> None:
    document = manifest(datasets.load(sql, "orders"), PYTHON)
    del document[name]
    with pytest.raises(ManifestError, match=f"the manifest of stage python is not whole: '{name}'"):
        sql_batches.stage_parameters(PYTHON, document, columns)


def test_a_version_of_nothing_is_bound_as_not_known(sql: Path, columns: AuditColumns) -> None:
    document = {**manifest(datasets.load(sql, "orders"), PYTHON), "code_version": "\0"}
    assert sql_batches.stage_parameters(PYTHON, document, columns)["python_code_version"] == "-"


def failure() -> Failure:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    return Failure(JOB, ARN, 0, "FAILED", moment, moment, "-", "-", "-", "States.TaskFailed", "a cause")


def test_schema_may_run_again(sql: Path) -> None:
    batch = sql_batches.schema(sql, [datasets.load(sql, "flights")])
    assert (batch.name, batch.parameters) == ("schema", {})
    assert all(text.startswith("/* step=schema */ ") for text in batch.statements)
    assert [text for text in batch.statements if "loading." in text and "PROCEDURE" not in text][-2:] == [
        '/* step=schema */ CREATE TABLE IF NOT EXISTS loading."flights" (job_id VARCHAR(56) NOT NULL) DISTSTYLE ALL',
        "/* step=schema */ INSERT INTO loading.\"flights\" SELECT '-' "
        'WHERE NOT EXISTS (SELECT 1 FROM loading."flights")',
    ]
    for text in batch.statements:
        assert re.search(
            r"CREATE (SCHEMA IF NOT EXISTS|TABLE IF NOT EXISTS|OR REPLACE (PROCEDURE|VIEW)) "
            r"|INSERT .* WHERE NOT EXISTS",
            text,
        ), text


def test_who_loads_may_write_into_each_table_of_a_dataset(sql: Path) -> None:
    known = datasets.load(sql, "flights")
    plain, granted = (sql_batches.schema(sql, [known], user).statements for user in (None, "loader"))
    assert granted[: len(plain)] == plain
    assert granted[-3:] == (
        '/* step=schema */ GRANT SELECT, UPDATE ON loading."flights" TO "loader"',
        '/* step=schema */ GRANT SELECT, INSERT, DELETE ON analytics."enriched_flights" TO "loader"',
        '/* step=schema */ GRANT SELECT, INSERT, DELETE ON analytics."route_delays" TO "loader"',
    )


@pytest.mark.parametrize(("size", "counts"), [(10, [40, 40, 20]), (9_998, [20, 20, 20, 20, 20]), (90_000, [2] * 50)])
def test_the_schema_comes_in_portions_that_one_request_takes(size: int, counts: list[int]) -> None:
    texts = [f"{number:02}" + "x" * size for number in range(100)]
    portions = list(sql_batches.portions(texts))
    assert [len(portion) for portion in portions] == counts
    assert [text for portion in portions for text in portion] == texts
    assert max(sum(map(len, portion)) for portion in portions) <= facts.MOST_SQL_BYTES


def test_a_portion_is_full_when_it_is_and_never_empty() -> None:
    assert list(sql_batches.portions([])) == []
    half = "x" * (facts.MOST_SQL_BYTES // 2 - 2)  # without its quotes in JSON
    assert list(sql_batches.portions([half, half])) == [[half, half]]
    assert list(sql_batches.portions([half, half + "x"])) == [[half], [half + "x"]]
    escaped = "ü" * (facts.MOST_STATEMENT_BYTES // 2)  # which takes three times as much in JSON
    assert list(sql_batches.portions([escaped, escaped])) == [[escaped], [escaped]]


def test_a_statement_of_the_schema_that_is_too_long_is_told() -> None:
    texts = ["x" * facts.MOST_STATEMENT_BYTES, "CREATE TABLE t (" + "ü" * 60_000]
    with pytest.raises(SqlTemplateError, match=r"the statement 'CREATE TABLE t \(ü{44}'… takes 120,016 bytes"):
        list(sql_batches.portions(texts))


def test_a_statement_that_is_too_long_with_its_values_is_told(sql: Path) -> None:
    sized = {"a": "'" * 40_000}
    sql_batches.batch(JOB, "step", ["SELECT CAST(:a AS VARCHAR(9))"], sized)
    with pytest.raises(SqlTemplateError, match=r"statement 2 of step step takes 160,\d{3} bytes; the Data API takes"):
        sql_batches.batch(JOB, "step", ["SELECT 1", "SELECT CAST(:a AS VARCHAR(9)), CAST(:a AS VARCHAR(9))"], sized)
    with pytest.raises(SqlTemplateError, match=r"the statements of step step take 2\d\d,\d{3} bytes"):
        sql_batches.batch(JOB, "step", ["SELECT CAST(:a AS VARCHAR(9))"] * 3, sized)


def test_an_unknown_token_is_refused() -> None:
    with pytest.raises(SqlTemplateError, match=re.escape("load.sql: {{uri}} is unknown; known: a_uri, b")):
        sql_batches.render("COPY t FROM '{{uri}}'", {"b": "x", "a_uri": "y"}, where="load.sql")


@pytest.mark.parametrize("value", ["s3://bucket/a'; DROP TABLE t; --", "s3://a/b:c", "arn:aws:iam::1:role/x", ""])
def test_a_value_that_could_be_sql_is_refused(value: str) -> None:
    with pytest.raises(SqlTemplateError, match="accepted: an s3:// URI"):
        sql_batches.render("'{{uri}}'", {"uri": value}, where="load.sql")


def test_a_token_is_replaced_where_it_is_a_text_of_its_own_and_nowhere_else() -> None:
    tokens = {"uri": "s3://bucket/folder/"}
    kept = """COPY t ("{{uri}}", "a '{{uri}}' b") -- '{{uri}}'\n/* '{{uri}}' */ WHERE a = 'x {{uri}}' OR b = {{uri}} """
    kept += """OR c = '{{uri}}''s' """
    rendered = sql_batches.render(f"{kept}FROM '{{{{uri}}}}';", tokens, where="load.sql")
    assert rendered == f"{kept}FROM 's3://bucket/folder/';"


def test_more_than_the_data_api_takes_is_refused() -> None:
    with pytest.raises(SqlTemplateError, match="step load has 41 statements; the Data API takes 40"):
        sql_batches.batch(JOB, "load", ["SELECT 1"] * 41, {})


def test_more_than_step_functions_passes_on_is_refused() -> None:
    with pytest.raises(SqlTemplateError, match=r"step load takes 30\d,\d{3} bytes; Step Functions passes on 255,000"):
        sql_batches.batch(JOB, "load", ["SELECT :a"], {"a": "x" * 300_000})


def test_each_limit_of_a_batch_may_be_reached() -> None:
    assert len(sql_batches.batch(JOB, "step", ["SELECT 1"] * facts.MOST_STATEMENTS, {}).statements) == 40

    size = len(json.dumps(sql_batches.batch(JOB, "step", ["SELECT :a"], {"a": "x"}).document()))
    sql_batches.batch(JOB, "step", ["SELECT :a"], {"a": "x"}, most=size)
    with pytest.raises(SqlTemplateError, match="Step Functions passes on"):
        sql_batches.batch(JOB, "step", ["SELECT :a"], {"a": "x"}, most=size - 1)

    comment = len(f"/* job_id={JOB} step=step */ ")
    longest = "x" * (facts.MOST_STATEMENT_BYTES - comment)
    sql_batches.batch(JOB, "step", [longest, longest], {})
    for statements, said in (([longest + "x"], "statement 1 of"), ([longest, longest, "x"], "the statements of")):
        with pytest.raises(SqlTemplateError, match=f"{said} step step takes? .*; the Data API takes"):
            sql_batches.batch(JOB, "step", statements, {})


@pytest.mark.parametrize("name", OF_THE_MOMENT)
def test_room_is_left_for_what_the_moment_gives(name: str) -> None:
    left = facts.MOST_STATEMENT_BYTES - len(f"/* job_id={JOB} step=step */ ''")
    sql_batches.batch(JOB, "step", ["x" * (left - 32) + f":{name}"], {})
    with pytest.raises(SqlTemplateError, match="the Data API takes"):
        sql_batches.batch(JOB, "step", ["x" * (left - 31) + f":{name}"], {})

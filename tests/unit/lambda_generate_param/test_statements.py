from __future__ import annotations

import re
from pathlib import Path

import pytest

from lambda_generate_param import datasets, job_id, statements
from lambda_generate_param.layout import Layout
from lambda_generate_param.statements import Batch, SqlTemplateError

JOB = job_id.make("arn:aws:states:us-east-1:123456789012:execution:pipeline:run-1", 0)
LAYOUT = Layout(JOB, "flights", "raw-bucket", "lake-bucket", "artifacts-bucket")
ROLE = "arn:aws:iam::123456789012:role/copy"
STAGE_FIELDS = (
    *("rows_in", "rows_out", "rows_rejected", "bytes_in", "bytes_out", "files_out", "started_at", "finished_at"),
    *("code_version", "contract_version"),
)


def bound_names(batch: Batch) -> set[str]:
    """The parameters that the statements refer to, outside of comments and quoted texts."""
    return {
        name for text in batch.statements for name in re.findall(r":([a-z_]+)", re.sub(r"--[^\n]*|'[^']*'", "", text))
    }


def load(sql: Path) -> Batch:
    dataset = datasets.load(sql, "flights")
    return statements.load(sql, LAYOUT, dataset, copy_role_arn=ROLE, code_version="abc")


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
    assert statements.split(sql) == expected


def test_register_binds_all_but_the_attempt_and_each_is_used(sql: Path) -> None:
    batch = statements.register(
        sql,
        LAYOUT,
        execution_arn="arn",
        started_at="1970-01-01 00:00:00.000",
        source_uri="s3://raw-bucket/flights/",
        parameters={"late_minutes": 15},
    )
    assert bound_names(batch) == set(batch.parameters) | {"attempt"}
    assert batch.parameters["parameters"] == '{"late_minutes": 15}'
    assert batch.name == f"{JOB} register"


def test_load_binds_what_it_has_and_leaves_counts_and_attempt_to_the_state_machine(sql: Path) -> None:
    batch = load(sql)
    from_manifests = {f"{stage}_{field}" for stage in ("python", "spark") for field in STAGE_FIELDS}
    from_manifests |= {"load_started_at", "rows_enriched_flights", "rows_route_delays"}
    assert bound_names(batch) == set(batch.parameters) | from_manifests | {"attempt"}


def test_every_statement_of_a_job_says_which_job_it_is(sql: Path) -> None:
    batch = load(sql)
    assert all(text.startswith(f"/* job_id={JOB} step=load */ ") for text in batch.statements)
    assert len(batch.statements) <= statements.MOST_STATEMENTS


def test_copy_reads_the_jobs_own_files_by_the_copy_role(sql: Path) -> None:
    copies = [text for text in load(sql).statements if "COPY analytics" in text]
    assert [re.findall(r"FROM '([^']+)'", text) for text in copies] == [
        [f"s3://lake-bucket/curated/flights/enriched_flights/job_id={JOB}/"],
        [f"s3://lake-bucket/curated/flights/route_delays/job_id={JOB}/"],
    ]
    assert all(f"IAM_ROLE '{ROLE}'" in text for text in copies)


def test_every_output_table_is_checked_against_the_manifest(sql: Path) -> None:
    calls = [text for text in load(sql).statements if "CALL audit.check_table" in text]
    assert ["'enriched_flights', :rows_enriched_flights" in text for text in calls] == [True, False]
    assert ["'route_delays', :rows_route_delays" in text for text in calls] == [False, True]


def test_fail_binds_every_value_and_each_is_used(sql: Path) -> None:
    names = (
        "attempt",
        "execution_arn",
        "started_at",
        "finished_at",
        "dataset",
        "source_uri",
        "failed_state",
        "error",
        "cause",
    )
    batch = statements.fail(sql, JOB, **dict.fromkeys(names, "-"))
    assert bound_names(batch) == set(batch.parameters) == {"job_id", *names}


def test_schema_may_run_again(sql: Path) -> None:
    batch = statements.schema(sql, [datasets.load(sql, "flights")])
    assert batch.parameters == {}
    for text in batch.statements:
        assert re.search(r"CREATE (SCHEMA IF NOT EXISTS|TABLE IF NOT EXISTS|OR REPLACE PROCEDURE) ", text), text


def test_an_unknown_token_is_refused() -> None:
    with pytest.raises(SqlTemplateError, match=re.escape("load.sql: {{uri}} is unknown; known: a_uri, b")):
        statements.render("COPY t FROM '{{uri}}'", {"b": "x", "a_uri": "y"}, where="load.sql")


@pytest.mark.parametrize("value", ["s3://bucket/a'; DROP TABLE t; --", "arn:aws:iam::1:role/x", "text", ""])
def test_a_value_that_could_be_sql_is_refused(value: str) -> None:
    with pytest.raises(SqlTemplateError, match="accepted: an s3:// URI or the ARN of a role"):
        statements.render("{{uri}}", {"uri": value}, where="load.sql")


def test_more_statements_than_the_data_api_takes_are_refused(sql: Path) -> None:
    dataset = datasets.Dataset("flights", "1", ("t",), {}, "", "SELECT 1;" * 40)
    with pytest.raises(SqlTemplateError, match="the Data API takes 40"):
        statements.load(sql, LAYOUT, dataset, copy_role_arn=ROLE, code_version="abc")


def test_a_table_name_that_could_be_sql_is_refused(sql: Path) -> None:
    dataset = datasets.Dataset("flights", "1", ("t; DROP TABLE x",), {}, "", "SELECT 1;")
    with pytest.raises(SqlTemplateError, match="accepted: lower-case letters"):
        statements.load(sql, LAYOUT, dataset, copy_role_arn=ROLE, code_version="abc")

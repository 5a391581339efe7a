"""The SQL: a break in the real files is reported at its line."""

from __future__ import annotations

import pytest

from tests.unit.pipeline_tools.crosscheck.conftest import Copy

PIPELINE = "infra/state_machines/pipeline.asl.yaml"


@pytest.mark.parametrize(
    ("file", "after", "old", "new", "wrong"),
    [
        ("sql/audit/fail.sql", "UPDATE", "SET", "STE", "not redshift SQL"),
        ("sql/audit/schema.sql", "", "dataset VARCHAR(127),", "dataset VARCHAR(127", "not redshift SQL"),
        ("sql/audit/succeed.sql", "UPDATE", "SET", "STE", "not redshift SQL"),
        ("sql/audit/check.sql", "", "audit.check_equal(", "audit.check_equals(", "is not in sql/audit"),
        ("sql/audit/check.sql", "", "(\n    'rows read by Spark = rows_staged', ", "(", "takes 3 arguments, not 2"),
        ("sql/audit/check.sql", "", "CALL audit.check_equal(", "EXPLODE audit.check_equal(", "redshift SQL"),
    ],
)
def test_broken_sql_is_reported_where_it_is(
    project: Copy, file: str, after: str, old: str, new: str, wrong: str
) -> None:
    line = project.break_(file, old, new, after=after)
    found = [each for each in project.findings() if each.startswith(f"{file}:")]
    assert any(wrong in each and each.endswith("correct the statement") for each in found), found
    # A parser notices a mistake where it cannot go on: at the latest, one line further.
    assert any(each.startswith((f"{file}:{line}:", f"{file}:{line + 1}:")) for each in found), (line, found)


@pytest.mark.parametrize(
    ("file", "after", "old", "new", "state"),
    [
        ("sql/audit/fail.sql", "UPDATE", ":finished_at", ":ended_at", "RecordFailure"),
        ("sql/audit/register.sql", "", ":started_at", ":begun_at", "RegisterJob"),
        ("sql/audit/succeed.sql", "", ":spark_bytes_in", ":spark_size_in", "LoadAndRecord"),
        ("sql/audit/check.sql", "read by", ":spark_rows_in", ":spark_rows", "LoadAndRecord"),
    ],
)
def test_a_parameter_that_nothing_binds_is_reported(
    project: Copy, file: str, after: str, old: str, new: str, state: str
) -> None:
    line = project.break_(file, old, new, after=after)
    project.assert_found(file, line, f"{new} is not bound by state {state}", "bound are job_id")


@pytest.mark.parametrize(
    ("file", "after", "old", "new", "name"),
    [
        ("sql/audit/check.sql", "read by", "CAST(:spark_rows_in AS BIGINT)", ":spark_rows_in", "spark_rows_in"),
        ("sql/audit/check.sql", "", "CAST(:python_rows_in AS BIGINT)", "(:python_rows_in)", "python_rows_in"),
        ("sql/audit/register.sql", "", "CAST(:started_at AS TIMESTAMP)", ":started_at", "started_at"),
        ("sql/audit/attempt.sql", "", "CAST(:job_id AS VARCHAR(56))", ":job_id AS job_id", "job_id"),
        ("sql/audit/fail.sql", "UPDATE", "CAST(:error AS VARCHAR(256))", ":error", "error"),
        ("sql/audit/fail.sql", "UPDATE", "CAST(:dataset AS VARCHAR(127))", ":dataset", "dataset"),
        ("sql/audit/succeed.sql", "", "CAST(:spark_rows_in AS BIGINT)", ":spark_rows_in", "spark_rows_in"),
    ],
)
def test_a_parameter_that_nothing_gives_a_type_is_reported(
    project: Copy, file: str, after: str, old: str, new: str, name: str
) -> None:
    line = project.break_(file, old, new, after=after)
    project.assert_found(file, line, f"nothing gives the parameter :{name} a type", "write CAST")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'rows read by Spark = rows_staged'", "'rows read by :spark'"),
        ("CAST(:spark_rows_in AS BIGINT)\n", "CAST(:spark_rows_in AS BIGINT) /* 12:30 */\n"),
    ],
)
def test_what_may_be_taken_for_a_parameter_is_reported(project: Copy, old: str, new: str) -> None:
    project.break_("sql/audit/check.sql", old, new)
    (found,) = [each for each in project.findings() if "within a text may be taken for a parameter" in each]
    assert found.startswith("sql/audit/check.sql:") and found.endswith("write it without a colon")


def test_a_parameter_that_no_statement_uses_is_reported(project: Copy) -> None:
    project.break_("sql/audit/succeed.sql", ":python_code_version", "'1'")
    line = project.break_(PIPELINE, "{% $append($load.parameters", "{% $append($load.parameters")
    project.assert_found(
        PIPELINE, line, "LoadAndRecord binds python_code_version, which no statement uses", "delete it"
    )


def test_a_manifest_that_the_load_refuses_is_reported(project: Copy) -> None:
    line = project.break_(PIPELINE, 'spark: "{% $spark %}"', 'spark: "{% $python %}"')
    wrong = 'state PrepareLoad: the Lambda refuses the payload: ManifestError: .*spark.json has stage "python"'
    project.assert_found(PIPELINE, line - 7, wrong, "pass what lambda_generate_param reads")


def test_a_payload_that_the_lambda_refuses_is_reported(project: Copy) -> None:
    line = project.break_(PIPELINE, "start_time:", "started:")
    project.assert_found(PIPELINE, line - 2, "the Lambda refuses the payload: KeyError: 'start_time'", "pass what")


def test_a_setting_that_the_lambda_misses_is_reported(project: Copy) -> None:
    project.break_("infra/main.tf", "LAKE_BUCKET ", "LAKE ")
    line = project.break_("infra/main.tf", "environment = {", "environment = {")
    project.assert_found("infra/main.tf", line, "environment of module generate_param has no LAKE_BUCKET", "add it")

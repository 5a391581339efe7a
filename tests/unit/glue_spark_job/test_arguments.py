"""The command line: what is accepted, and what each mistake is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glue_spark_job.arguments import parse
from glue_spark_job.errors import ArgumentsError

GOOD = {
    "--job_id": "j1",
    "--attempt": "3fa9c1-0",
    "--dataset": "orders",
    "--staged_uri": "s3://lake/staged/orders/job_id=j1/",
    "--python_manifest_uri": "s3://lake/runs/j1/python.json",
    "--contract_uri": "s3://artifacts/sql/datasets/orders/contract.json",
    "--transform_uri": "s3://artifacts/sql/datasets/orders/transform.sql",
    "--staged_references_uri": "s3://lake/references/orders/job_id=j1/",
    "--curated_uris": '{"priced": "s3://lake/curated/orders/priced/job_id=j1/"}',
    "--parameters": '{"discount": 0.5}',
    "--manifest_uri": "s3://lake/runs/j1/spark.json",
    "--load_manifest_uri": "s3://lake/runs/j1/load.json",
    "--started_at": "2013-01-01T11:00:00.000+01:00",
}


def argv(**changes: str | None) -> list[str]:
    """The good arguments with some changed, or left out where None."""
    pairs = GOOD | {f"--{name}": value for name, value in changes.items()}
    return [text for name, value in pairs.items() if value is not None for text in (name, value)]


def test_all_arguments_are_read() -> None:
    arguments = parse([*argv(), "--code_version", "abc", "--JOB_NAME", "job-spark-param"])
    assert arguments.job_id == "j1"
    assert arguments.staged_uri == "s3://lake/staged/orders/job_id=j1/"
    assert arguments.curated_uris == {"priced": "s3://lake/curated/orders/priced/job_id=j1/"}
    assert arguments.parameters == {"discount": 0.5}
    assert arguments.started_at == datetime(2013, 1, 1, 10, tzinfo=UTC)
    assert (arguments.code_version, arguments.job_name) == ("abc", "job-spark-param")


def test_what_is_optional_has_a_default() -> None:
    arguments = parse(argv())
    assert (arguments.code_version, arguments.job_name) == ("unknown", "glue_spark_job")


def test_arguments_that_glue_adds_are_ignored_and_not_taken_for_abbreviations() -> None:
    arguments = parse([*argv(), "--JOB_ID", "j_0", "--job", "x", "--TempDir", "s3://tmp/", "true"])
    assert arguments.job_id == "j1"


def test_directories_end_in_a_slash_whether_given_or_not() -> None:
    arguments = parse(argv(staged_uri="/data/staged", curated_uris='{"priced": "/data/curated/j1"}'))
    assert (arguments.staged_uri, arguments.curated_uris["priced"]) == ("/data/staged/", "/data/curated/j1/")


@pytest.mark.parametrize("name", [name.removeprefix("--") for name in GOOD])
def test_each_argument_is_required(name: str) -> None:
    with pytest.raises(ArgumentsError, match=f"required: --{name}"):
        parse(argv(**{name: None}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"job_id": " "}, "--job_id is empty"),
        ({"dataset": ""}, "--dataset is empty"),
        ({"staged_uri": "staged/"}, '--staged_uri is "staged/"; pass s3://bucket/key, an absolute path or file:///'),
        ({"contract_uri": "http://example.com/c.json"}, '--contract_uri is "http://example.com/c.json"'),
        ({"manifest_uri": "s3://bucket"}, '--manifest_uri is "s3://bucket"'),
        ({"attempt": "../x"}, r'--attempt is "../x"; accepted: [0-9a-f]{6}-[0-9]{1,6}'),
        ({"started_at": "today"}, '--started_at is "today"; pass a moment as 2013-01-01T10:00:00.000Z'),
        ({"started_at": "2013-01-01T10:00:00"}, '--started_at is "2013-01-01T10:00:00"; pass'),
        ({"parameters": "late_minutes=15"}, "--parameters is not JSON"),
        ({"parameters": "[15]"}, "--parameters is not a JSON object, got: [15]"),
        ({"curated_uris": "{"}, "--curated_uris is not JSON"),
        ({"curated_uris": '{"priced": 1}'}, '--curated_uris, table "priced" is 1;'),
        ({"curated_uris": '{"priced": null}'}, '--curated_uris, table "priced" is null;'),
        ({"curated_uris": '{"priced": "s3://lake/curated/"}'}, "does not carry the job ID j1"),
        ({"curated_uris": '{"a": "s3://b/j1/", "c": "s3://b/j1/c/"}'}, 'table "c" (s3://b/j1/c/) overlaps'),
        ({"curated_uris": '{"a": "s3://b/j1/", "c": "s3://b/j1"}'}, 'overlaps --curated_uris, table "a"'),
        ({"curated_uris": '{"a": "s3://lake/staged/orders/job_id=j1/"}'}, "overlaps --staged_uri"),
        ({"curated_uris": '{"a": "s3://lake/runs/j1/"}'}, "overlaps --python_manifest_uri"),
        ({"curated_uris": '{"a": "s3://lake/runs/j1/spark.json/"}'}, "overlaps --manifest_uri"),
    ],
)
def test_a_wrong_argument_is_named_with_what_to_pass(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parse(argv(**changes))
    assert message in str(caught.value)


def test_an_argument_without_its_value_is_an_error() -> None:
    with pytest.raises(ArgumentsError, match=r"--job_id: expected one argument; run main\.py --help"):
        parse(["--job_id"])

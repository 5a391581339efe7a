from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from aws_facts import redshift_data as facts
from dataset_contract.manifests import PYTHON, SPARK, ManifestError
from lambda_generate_param import datasets, loading
from lambda_generate_param.sql_batches import OF_THE_MOMENT, SqlBatch
from lambda_generate_param.verdicts import VerdictError
from tests.unit.lambda_generate_param.conftest import ARN, JOB, STAGE_RUNS, manifest, orders, places, write_dataset
from tests.unit.lambda_generate_param.test_sql_batches import bound_names

NO_ROWS: list[Any] = [None, [], {"clean_orders": 9}, *({"clean_orders": {"rows": rows}} for rows in (True, -1, "9"))]


def load(sql: Path, dataset: str = "orders", **change: Any) -> SqlBatch:
    known = datasets.load(sql, dataset)
    found = {stage: manifest(known, stage) for stage in (PYTHON, SPARK)} | change
    return loading.load(sql, places(dataset), known, found, execution_arn=ARN, repeat=False, code_version="abc")


@pytest.mark.parametrize("dataset", ["orders", "flights"])
def test_load_binds_all_but_what_the_moment_gives(sql: Path, dataset: str) -> None:
    batch = load(sql, dataset)
    assert bound_names(batch) == set(batch.parameters) | set(OF_THE_MOMENT)
    assert all(batch.parameters.values())
    assert batch.parameters["source_files"] == "1"
    assert batch.name == f"{JOB} load"


def test_the_counts_are_those_of_the_manifests(sql: Path) -> None:
    bound = load(sql).parameters
    assert {name: bound[name] for name in sorted(bound) if name.startswith(("python_", "spark_rows", "rows_"))} == {
        "python_bytes_in": "100",
        "python_bytes_out": "100",
        "python_code_version": "abc",
        "python_contract_version": "2.0.0",
        "python_files_out": "1",
        "python_finished_at": "2026-01-31 12:36:00.000",
        "python_rows_in": "16",
        "python_rows_out": "10",
        "python_rows_rejected": "6",
        "python_started_at": "2026-01-31 12:35:00.000",
        "rows_clean_orders": "9",
        "spark_rows_in": "10",
        "spark_rows_out": "9",
        "spark_rows_rejected": "0",
    }


def test_a_manifest_may_be_text_and_without_the_files_that_were_read(sql: Path) -> None:
    python = manifest(datasets.load(sql, "orders"), PYTHON)
    assert load(sql, python=json.dumps(python)) == load(sql)


def test_every_statement_of_a_job_says_which_job_it_is(sql: Path) -> None:
    batch = load(sql, "flights")
    assert all(text.startswith(f"/* job_id={JOB} step=load */ ") for text in batch.statements)
    assert len(batch.statements) <= facts.MOST_STATEMENTS


def test_copy_reads_the_files_that_spark_listed_by_the_default_role(sql: Path) -> None:
    copies = [text for text in load(sql, "flights").statements if "COPY analytics" in text]
    assert [re.findall(r"FROM '([^']+)'", text) for text in copies] == [
        [f"s3://the-lake-bucket/runs/{JOB}/spark/{STAGE_RUNS['spark']}/copy/enriched_flights.manifest"],
        [f"s3://the-lake-bucket/runs/{JOB}/spark/{STAGE_RUNS['spark']}/copy/route_delays.manifest"],
    ]
    assert all(text.endswith("IAM_ROLE DEFAULT\nFORMAT AS PARQUET\nMANIFEST") for text in copies)


def test_what_copy_counted_is_compared_at_once(sql: Path) -> None:
    texts = load(sql, "flights").statements
    for number, text in enumerate(texts):
        if "COPY analytics" in text:
            assert "CALL audit.end_table" in texts[number + 1]


def test_loads_of_a_dataset_come_one_after_the_other(sql: Path) -> None:
    first, second, third, *_ = load(sql, "flights").statements
    # A lock alone precedes no snapshot: what comes after it sees what others have committed.
    assert first == f'/* job_id={JOB} step=load */ LOCK loading."flights"'
    # Whose job it is no longer reads nothing, and is in nobody's way.
    assert "CALL audit.check_load(" in second
    turn = "CALL audit.take_turn(CAST(:job_id AS VARCHAR(56)), CAST(:dataset AS VARCHAR(127)))"
    assert third == f"/* job_id={JOB} step=load */ {turn}"


def test_whose_job_it_is_is_asked_before_files_are_read_and_before_the_audit_is_written(sql: Path) -> None:
    def kind(text: str) -> str:
        kinds = ("audit.check_load(", "COPY ", "INSERT INTO audit.job_attempt", "UPDATE audit.job_run")
        return next((each for each in kinds if each in text), "")

    kinds = [kind for kind in map(kind, load(sql).statements) if kind]
    asked = [number for number, kind in enumerate(kinds) if kind == "audit.check_load("]
    assert len(asked) == 2
    assert (asked[0], kinds.index("COPY ")) == (0, 1)
    assert asked[1] < kinds.index("UPDATE audit.job_run")


@pytest.mark.parametrize(
    ("modes", "repeat", "expected"),
    [
        (["append"], False, "false"),
        (["append"], True, "true"),
        (["replace", "append"], False, "false"),
        (["replace"], False, "true"),
        (["replace"], True, "true"),
    ],
)
def test_files_may_be_repeated_where_nothing_is_appended(
    sql: Path, tmp_path: Path, modes: list[str], repeat: bool, expected: str
) -> None:
    document = orders()
    source, output = document["schema"]
    outputs = [{**output, "name": f"out_{number}", "quality": []} for number in range(len(modes))]
    for each, mode in zip(outputs, modes, strict=True):
        each["customProperties"] = [*each["customProperties"], {"property": "load", "value": {"mode": mode}}]
    dataset = write_dataset(tmp_path, {**document, "schema": [source, *outputs]})
    found = {stage: manifest(dataset, stage) for stage in (PYTHON, SPARK)}
    batch = loading.load(sql, places(), dataset, found, execution_arn=ARN, repeat=repeat, code_version="abc")
    assert batch.parameters["repeat"] == expected


@pytest.mark.parametrize("files", [None, 0, True, "3"])
def test_a_manifest_without_its_files_is_not_loaded(sql: Path, files: Any) -> None:
    python = {**manifest(datasets.load(sql, "orders"), PYTHON), "files_in": files}
    with pytest.raises(ManifestError, match=r"the manifest of stage python has files_in .*, expected 1 or more"):
        load(sql, python=python)


def test_the_verdicts_are_part_of_the_transaction_and_the_counts_are_its_last_result(sql: Path) -> None:
    texts = load(sql).statements
    assert sum("INSERT INTO audit.rule_run" in text for text in texts) == 1
    assert "SELECT table_name, rows_inserted + rows_updated AS rows_loaded" in texts[-1]
    assert not any("rule_run" in text for text in load(sql, "flights").statements)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"manifest_version": 1}, f"s3://the-lake-bucket/runs/{JOB}/spark.json has manifest_version 1, expected 5"),
        ({"job_id": "other"}, 'spark.json has job_id "other"'),
        ({"rows_out": None}, "spark.json has rows_out null"),
        ({"tables": {}}, "stage spark has no rows of table clean_orders"),
        *(({"tables": tables}, "stage spark has no rows of table clean_orders") for tables in NO_ROWS),
        ({"started_at": "noon"}, "the manifest of stage spark is not whole"),
    ],
)
def test_a_manifest_that_is_not_this_jobs_is_not_loaded(sql: Path, change: dict[str, Any], said: str) -> None:
    spark = {**manifest(datasets.load(sql, "orders"), SPARK), **change}
    with pytest.raises(ManifestError, match=re.escape(said)):
        load(sql, spark=spark)


@pytest.mark.parametrize("read", ["3fa9c1-0-ffffffff", None])
def test_rows_of_another_run_of_the_python_stage_are_not_loaded(sql: Path, read: str | None) -> None:
    spark = manifest(datasets.load(sql, "orders"), SPARK, python_stage_run=read)
    with pytest.raises(
        ManifestError, match=r"two runs of the Python stage were at work; start an execution with"
    ) as told:
        load(sql, spark=spark)
    assert f'{{"job_id": "{JOB}"}}' in str(told.value)


@pytest.mark.parametrize("stages", [(PYTHON,), (SPARK,), (PYTHON, SPARK)])
def test_a_stage_under_another_contract_than_that_of_the_load_is_not_loaded(sql: Path, stages: tuple[str, ...]) -> None:
    dataset = datasets.load(sql, "orders")
    changed: dict[str, Any] = {stage: {**manifest(dataset, stage), "contract_hash": "another"} for stage in stages}
    message = (
        rf'{stages[0]}\.json has contract_hash "another", the contract that is deployed has "{dataset.contract_hash}"'
    )
    with pytest.raises(ManifestError, match=message) as told:
        load(sql, **changed)
    assert f'start an execution with {{"job_id": "{JOB}"}}' in str(told.value)


def test_an_output_may_have_no_row(sql: Path) -> None:
    spark = {**manifest(datasets.load(sql, "orders"), SPARK), "tables": {"clean_orders": {"rows": 0}}}
    assert load(sql, spark=spark).parameters["rows_clean_orders"] == "0"


@pytest.mark.parametrize("rules", [None, 5, "none", ["none"]])
def test_rules_that_are_none_are_not_judged(sql: Path, rules: Any) -> None:
    spark = {**manifest(datasets.load(sql, "orders"), SPARK), "rules": rules}
    with pytest.raises(VerdictError, match="rule enough of clean_orders was not judged"):
        load(sql, spark=spark)


def test_a_rule_that_was_not_judged_is_not_loaded(sql: Path) -> None:
    spark = {**manifest(datasets.load(sql, "orders"), SPARK), "rules": []}
    with pytest.raises(VerdictError, match="rule enough of clean_orders was not judged"):
        load(sql, spark=spark)


def test_a_contract_with_two_hundred_rules_is_loaded(sql: Path, tmp_path: Path) -> None:
    document = orders()
    document["schema"][1]["quality"] = [
        {"id": f"the number of rows is more than {number}", "metric": "rowCount", "mustBeGreaterThan": number}
        for number in range(200)
    ]
    dataset = write_dataset(tmp_path, document)
    found = {stage: manifest(dataset, stage) for stage in (PYTHON, SPARK)}
    batch = loading.load(sql, places(), dataset, found, execution_arn=ARN, repeat=False, code_version="abc")
    assert len(batch.statements) <= facts.MOST_STATEMENTS
    assert max(map(len, batch.statements)) <= facts.MOST_STATEMENT_BYTES

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dataset_contract.manifests import PYTHON, SPARK
from lambda_generate_param import datasets, evidence
from tests.unit.lambda_generate_param.conftest import JOB, manifest, places


@pytest.fixture
def python(sql: Path) -> dict[str, Any]:
    return manifest(datasets.load(sql, "orders"), PYTHON)


@pytest.fixture
def spark_error(sql: Path) -> dict[str, Any]:
    return manifest(datasets.load(sql, "orders"), SPARK, error="orders: 3 rows break a rule")


def read(*documents: Any, since: datetime | None = None) -> evidence.StageEvidence:
    return evidence.read([json.dumps(document) for document in documents], job_id=JOB, since=since)


def test_the_keys_are_those_of_both_stages_and_their_errors() -> None:
    assert evidence.keys(places()) == [
        f"runs/{JOB}/python.json",
        f"runs/{JOB}/spark.json",
        f"runs/{JOB}/python-error.json",
        f"runs/{JOB}/spark-error.json",
    ]


def test_a_stage_that_failed_has_counts_verdicts_and_a_reason(
    python: dict[str, Any], spark_error: dict[str, Any]
) -> None:
    found = read(python, spark_error)
    assert found.counts() == {"rows_in": 16, "rows_staged": 10, "rows_rejected": 6, "rows_curated": 9}
    assert found.said == "orders: 3 rows break a rule"
    assert [verdict["number"] for verdict in found.verdicts()] == [0, 1, 2]
    assert (set(found.complete), set(found.failed)) == ({PYTHON}, {SPARK})


def test_a_stage_that_failed_before_it_had_read_its_source_counts_nothing(python: dict[str, Any]) -> None:
    error = {**python, "error": "not gzip", "files_in": 0, "rows_in": 0, "rows_out": 0, "rows_rejected": 0}
    assert read(error).counts() == {}
    assert read({**error, "files_in": 1}).counts() == {"rows_in": 0, "rows_staged": 0, "rows_rejected": 0}


def test_an_error_that_was_mended_says_nothing(python: dict[str, Any]) -> None:
    error = {**python, "error": "no files"}
    assert read(error, python).said == ""
    assert read(error).said == "no files"


def test_of_two_stages_that_failed_the_later_one_says_why(python: dict[str, Any], spark_error: dict[str, Any]) -> None:
    assert read({**python, "error": "no files"}, spark_error).said == "orders: 3 rows break a rule"


def test_an_error_from_before_the_redrive_says_nothing(spark_error: dict[str, Any]) -> None:
    finished = datetime(2026, 1, 31, 12, 36, tzinfo=UTC)
    assert read(spark_error, since=finished).said
    later = read(spark_error, since=finished.replace(minute=37))
    assert (later.said, later.counts()) == ("", {})


@pytest.mark.parametrize("moment", ["noon", "2026-01-31T12:36:00", None])
def test_an_error_of_no_known_moment_counts(spark_error: dict[str, Any], moment: str | None) -> None:
    assert read({**spark_error, "finished_at": moment}, since=datetime(2027, 1, 1, tzinfo=UTC)).said


@pytest.mark.parametrize(
    "change",
    [
        {"job_id": "another"},
        {"manifest_version": 1},
        {"stage": "load"},
        {"stage": ["python"]},
        {"rows_in": "16"},
        {"bytes_out": None},
    ],
)
def test_another_document_says_nothing(python: dict[str, Any], change: dict[str, Any]) -> None:
    assert read({**python, **change}).counts() == {}


@pytest.mark.parametrize("documents", [None, "text", {}, [None, "NoSuchKey", 5, [], "", "{", "[1]", "[" * 59_999]])
def test_what_is_no_document_says_nothing(documents: Any) -> None:
    found = evidence.read(documents, job_id=JOB, since=None)
    assert (found.counts(), found.said, found.verdicts()) == ({}, "", [])


def test_a_file_that_was_cut_loses_only_itself(python: dict[str, Any], spark_error: dict[str, Any]) -> None:
    texts = [json.dumps(python)[:-1], json.dumps(spark_error)]
    found = evidence.read(texts, job_id=JOB, since=None)
    assert (found.said, found.counts()) == ("orders: 3 rows break a rule", {"rows_curated": 9})


def test_rules_that_are_none_are_passed_over(python: dict[str, Any]) -> None:
    for rules in ("none", None, {"number": 0}):
        assert read({**python, "rules": rules}).verdicts() == []
    assert read({**python, "rules": ["none", {"number": 0}]}).verdicts() == [{"number": 0}]

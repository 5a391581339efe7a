"""The manifests: which one is believed, and what this stage writes into its own."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from glue_spark_job import arguments, manifest
from glue_spark_job.errors import JobError
from glue_spark_job.storage import ParquetFile
from tests.unit.glue_spark_job.test_arguments import argv

ARGUMENTS = arguments.parse([*argv(), "--code_version", "abc"])
PYTHON = {"stage": "python", "job_id": "j1", "dataset": "orders", "rows_out": 3, "source_uri": "s3://raw/orders/"}


def text(document: dict[str, Any], **changes: object) -> str:
    return json.dumps(document | changes)


def test_the_python_manifest_gives_the_staged_rows_and_the_source() -> None:
    assert manifest.read_python(text(PYTHON), ARGUMENTS) == manifest.PythonManifest(3, "s3://raw/orders/")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        (text(PYTHON, job_id="j2"), "has job_id 'j2', this run has 'j1'"),
        (text(PYTHON, stage="spark"), "has stage 'spark', this run has 'python'"),
        (text(PYTHON, dataset="flights"), "has dataset 'flights', this run has 'orders'"),
        (text(PYTHON, rows_out=None), "has rows_out None"),
        (text(PYTHON, rows_out=True), "has rows_out True"),
        (text(PYTHON, rows_out=-1), "has rows_out -1"),
    ],
)
def test_a_python_manifest_that_does_not_fit_is_an_error(content: str, message: str) -> None:
    with pytest.raises(JobError) as caught:
        manifest.read_python(content, ARGUMENTS)
    assert str(caught.value).startswith("python manifest s3://lake/runs/j1/python.json " + message)
    assert str(caught.value).endswith("; run the Python stage of this job again")


def test_the_stage_is_complete_only_by_its_own_whole_manifest() -> None:
    own = text({"stage": "spark", "job_id": "j1", "dataset": "orders"})
    assert manifest.is_complete(own, ARGUMENTS)
    assert not manifest.is_complete(own[:-1], ARGUMENTS)
    assert not manifest.is_complete("", ARGUMENTS)


@pytest.mark.parametrize("changes", [{"job_id": "j2"}, {"stage": "python"}, {"dataset": "flights"}])
def test_the_manifest_of_another_run_is_not_overwritten(changes: dict[str, str]) -> None:
    other = text({"stage": "spark", "job_id": "j1", "dataset": "orders"}, **changes)
    with pytest.raises(JobError, match=r"^--manifest_uri s3://lake/runs/j1/spark\.json holds .*own URI$"):
        manifest.is_complete(other, ARGUMENTS)


def test_the_manifest_adds_up_rows_and_bytes() -> None:
    started = datetime(2013, 1, 1, 10, tzinfo=UTC)
    files = [ParquetFile("s3://out/a", 100, 2), ParquetFile("s3://out/b", 50, 1)]
    result = manifest.Result(
        staged=[ParquetFile("s3://in/a", 70, 3)],
        tables={"priced": files},
        parameters={"discount": 0.5},
        contract_version="2.1.0",
        spark_version="3.5.6",
        started_at=started,
        finished_at=started + timedelta(seconds=1.5),
    )
    rendered = manifest.render(result, ARGUMENTS, "s3://raw/orders/")
    document = json.loads(rendered)
    assert rendered == json.dumps(document, indent=2, sort_keys=True) + "\n"
    assert document == {
        "manifest_version": 1,
        "stage": "spark",
        "job_id": "j1",
        "dataset": "orders",
        "source_uri": "s3://raw/orders/",
        "parameters": {"discount": 0.5},
        "rows_in": 3,
        "rows_out": 3,
        "rows_rejected": 0,
        "bytes_in": 70,
        "bytes_out": 150,
        "files_in": [{"uri": "s3://in/a", "bytes": 70, "rows": 3}],
        "files_out": [{"uri": "s3://out/a", "bytes": 100, "rows": 2}, {"uri": "s3://out/b", "bytes": 50, "rows": 1}],
        "rejected_files": [],
        "rejected_reasons": {},
        "tables": {
            "priced": {"uri": "s3://lake/curated/orders/priced/job_id=j1/", "rows": 3, "bytes": 150, "files": 2}
        },
        "started_at": "2013-01-01T10:00:00.000Z",
        "finished_at": "2013-01-01T10:00:01.500Z",
        "seconds": 1.5,
        "code_version": "abc",
        "contract_version": "2.1.0",
        "engine": f"spark 3.5.6, python {platform.python_version()}",
    }

"""Hostile inputs and sources through the whole pipeline: what fails is recorded by name and leaves no manifest."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from pipeline import executions
from tests.integration.conftest import Pipeline

UUID = "Z-fb78f3ba-dd26-50ad-a221-33cc7036333f"
SQL = "1'); DROP TABLE audit.job_run; --"


def nested(depth: int) -> Any:
    found: Any = "x"
    for _ in range(depth):
        found = [found]
    return found


@pytest.fixture
def bucket(pipeline: Pipeline) -> str:
    return f"s3://{pipeline.outputs['raw_bucket']}"


def test_a_hostile_execution_input_is_refused_and_recorded(pipeline: Pipeline, bucket: str) -> None:
    good = {"dataset": "flights", "source_uri": f"{bucket}/flights/"}
    inputs: list[tuple[dict[str, Any], str]] = [
        ({"dataset": "\0", "source_uri": "\0\0"}, r'dataset "\u0000" is unknown'),
        ({"job_id": f"20261301T000000000{UUID}"}, "job_id is"),
        ({"job_id": f"٢٠٢٦٠١٣١T٠٠٠٠٠٠٠٠٠{UUID}"}, "job_id is"),
        ({**good, "parameters": {"late_minutes": SQL}}, f'parameters.late_minutes is "{SQL}"; accepted: a whole'),
        ({**good, "parameters": {SQL: 1}}, f'parameters."{SQL}" is unknown'),
        ({**good, "dataset": "{% $states.input %}"}, 'dataset "{% $states.input %}" is unknown'),
        ({**good, "source_uri": f"{bucket}/a' CREDENTIALS 'b"}, "accepted: s3://bucket/prefix/"),
        ({**good, "parameters": {"late_minutes": nested(200)}}, "parameters.late_minutes is [[["),
        ({**good, "x" * 100_000: 1}, "is an unknown field"),
    ]
    client, machine = pipeline.clients.get("stepfunctions"), pipeline.outputs["state_machine_arn"]
    started = [executions.start(client, machine, given) for given, _ in inputs]
    for arn, (given, said) in zip(started, inputs, strict=True):
        assert pipeline.wait(arn).status == "FAILED", given
        audit = pipeline.audit_of(arn)
        assert (audit["status"], audit["failed_state"], audit["error"]) == (
            "FAILED",
            "GenerateJobId",
            "InvalidInputError",
        )
        assert said in audit["cause"]


def test_a_hostile_source_is_told_row_by_row_or_recorded_as_a_failure(pipeline: Pipeline) -> None:
    lines = pipeline.sample(400).encode().splitlines(keepends=True)
    bad = [b"\xff\xfe\x00,\r\n", b"2013,1\n", b'2013,"1\n']
    mixed = pipeline.put(b"".join([*lines[:200], *bad[:2], *lines[200:], bad[2]]))
    whole = gzip.compress(b"".join(lines))
    failing = {
        pipeline.put(whole[:-9], name="cut.csv.gz"): "cut.csv.gz is not a complete gzip file",
        pipeline.put(
            b"PAR1" + whole[:99] + b"\x10\0\0\0PAR1", name="false.parquet"
        ): "false.parquet is not a Parquet file",
    }
    started = {pipeline.start(source): said for source, said in failing.items()}
    outcome = pipeline.run(mixed)
    assert outcome.succeeded, (outcome.error, outcome.cause)
    told = pipeline.rejected(outcome)
    assert [row["line_number"] for row in told] == [201, 202, 404]
    manifest = pipeline.manifest(outcome, "python")
    assert (manifest["rows_in"], manifest["rows_out"], manifest["rows_rejected"]) == (403, 400, 3)
    for arn, said in started.items():
        assert pipeline.wait(arn).status == "FAILED"
        audit = pipeline.audit_of(arn)
        assert (audit["status"], audit["failed_state"]) == ("FAILED", "CleanWithPython")
        assert said in audit["cause"]
        lake = pipeline.clients.get("s3").list_objects_v2(
            Bucket=pipeline.outputs["lake_bucket"], Prefix=f"runs/{audit['job_id']}/"
        )
        left = [item["Key"].rpartition("/")[2] for item in lake.get("Contents", [])]
        assert "python.json" not in left
        assert "python-error.json" in left

"""Several attempts at one job: stopped ones, redrives, and executions that continue it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import cli, executions, redshift
from pipeline.executions import Execution, ExecutionOutcome
from tests.integration.conftest import Pipeline
from tests.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

CONTRACT = "sql/datasets/flights/contract.json"
TABLE = "analytics.route_delays"
DESCRIBE = executions.describe


@contextlib.contextmanager
def held(pipeline: Pipeline, table: str) -> Iterator[None]:
    """Keep others from a table for the time of a block."""
    client = pipeline.clients.get("redshift-data")
    target = redshift.target(redshift.as_administrator(pipeline.outputs))
    holder = client.batch_execute_statement(**target, Sqls=[f"LOCK {table}", "SELECT pg_sleep(600)"])["Id"]

    def is_held() -> bool | None:
        described = client.describe_statement(Id=holder)
        assert described["Status"] not in ("FAILED", "ABORTED"), described
        return described["SubStatements"][0]["Status"] == "FINISHED" or None

    until(is_held, f"{table} is locked")
    try:
        yield
    finally:
        client.cancel_statement(Id=holder)
        until(lambda: client.describe_statement(Id=holder)["Status"] == "ABORTED" or None, f"{table} is free")


def waits(pipeline: Pipeline) -> bool | None:
    """Whether a statement waits for a lock."""
    rows = pipeline.query("SELECT COUNT(*) AS n FROM pg_locks WHERE NOT granted")
    return rows[0]["n"] > 0 or None


def loaded(pipeline: Pipeline, job_id: str) -> int:
    rows = pipeline.query("SELECT COUNT(*) AS n FROM analytics.enriched_flights WHERE job_id = :job_id", job_id=job_id)
    return int(rows[0]["n"])


def attempts(pipeline: Pipeline, job_id: str) -> list[tuple[str, int, str, str | None]]:
    """The name of the execution, the redrive, the status and the state, in the order of the attempts."""
    rows = pipeline.query("SELECT * FROM audit.job_attempt WHERE job_id = :job_id ORDER BY attempt", job_id=job_id)
    return [
        (row["execution_arn"].rpartition(":")[2], row["redrive_count"], row["status"], row["failed_state"])
        for row in rows
    ]


def continued(pipeline: Pipeline, job_id: str, *, name: str) -> str:
    client = pipeline.clients.get("stepfunctions")
    return executions.start(client, pipeline.outputs["state_machine_arn"], {"job_id": job_id}, name=name)


def manifests(pipeline: Pipeline, job_id: str) -> dict[str, Any]:
    s3, found = pipeline.clients.get("s3"), {}
    for stage in ("python", "spark"):
        answer = s3.get_object(Bucket=pipeline.outputs["lake_bucket"], Key=f"runs/{job_id}/{stage}.json")
        found[stage] = json.loads(answer["Body"].read())
    return found


def after_14_days(client: SFNClient, arn: str) -> Execution | None:
    """What Step Functions tells of an execution that it redrives no more."""
    found, reason = DESCRIBE(client, arn), "Execution was started more than 14 days ago."
    return dataclasses.replace(found, redrivable=False, not_redrivable=reason) if found else None


def succeeded(pipeline: Pipeline, arn: str) -> ExecutionOutcome:
    outcome = pipeline.wait(arn)
    assert outcome.succeeded, (outcome.error, outcome.cause)
    return outcome


def test_the_load_of_a_stopped_execution_does_not_commit_and_the_job_goes_on(
    pipeline: Pipeline, stack_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client, source = pipeline.clients.get("stepfunctions"), pipeline.put(pipeline.sample(5))
    with held(pipeline, TABLE):
        arn = pipeline.start(source, name="stopped-in-its-load", repeat=True)
        until(lambda: waits(pipeline), "the load waits")
        client.stop_execution(executionArn=arn, cause="a test")
        audit = pipeline.audit_of(arn)
        job_id = audit["job_id"]
        assert (audit["status"], audit["error"], audit["failed_state"]) == ("FAILED", "ABORTED", "LoadAndRecord")
        # The recorder has cancelled it: nothing waits for the table.
        assert waits(pipeline) is None
    again = succeeded(pipeline, pipeline.start(source, name="run-again-after-a-stop", repeat=True))
    assert loaded(pipeline, again.output["job_id"]) == 5
    (row,) = pipeline.query("SELECT status FROM audit.job_run WHERE job_id = :job_id", job_id=job_id)
    assert (row["status"], loaded(pipeline, job_id)) == ("FAILED", 0)

    # Another execution goes on with it. What was finished is not done again.
    before = manifests(pipeline, job_id)
    monkeypatch.setattr(executions, "describe", after_14_days)
    capsys.readouterr()
    assert cli.run(["rerun", job_id, "--stack", str(stack_file), "--output", "json"]) == 0
    monkeypatch.undo()
    rerun = json.loads(capsys.readouterr().out)
    assert (rerun["job_id"], rerun["how"]) == (job_id, "continue")
    assert rerun["why"] == "the execution cannot be redriven: Execution was started more than 14 days ago"
    outcome = succeeded(pipeline, rerun["execution_arn"])
    assert outcome.output["job_id"] == job_id
    assert manifests(pipeline, job_id) == before
    assert loaded(pipeline, job_id) == 5
    assert attempts(pipeline, job_id) == [
        ("stopped-in-its-load", 0, "ABORTED", "LoadAndRecord"),
        (outcome.arn.rpartition(":")[2], 0, "SUCCEEDED", None),
    ]
    assert cli.run(["trace", job_id, "--stack", str(stack_file)]) == 0


def test_a_job_is_continued_under_another_contract_by_one_execution_alone(pipeline: Pipeline) -> None:
    client, source = pipeline.clients.get("stepfunctions"), pipeline.put(pipeline.sample(4))
    pipeline.administer(f"ALTER TABLE {TABLE} RENAME TO route_delays_aside")
    try:
        first = pipeline.start(source, name="fails-in-its-load", parameters={"late_minutes": 7})
        assert pipeline.wait(first).status == "FAILED"
    finally:
        pipeline.administer("ALTER TABLE analytics.route_delays_aside RENAME TO route_delays")
    job_id = pipeline.audit_of(first)["job_id"]
    before = manifests(pipeline, job_id)
    with pipeline.artifact(CONTRACT, lambda text: f"{text}\n"):
        # Deployed by half: the stages read this one, and the load is made of the other.
        half = pipeline.wait(continued(pipeline, job_id, name="goes-on-under-another-contract"))
        assert (half.status, half.error) == ("FAILED", "ManifestError"), half.cause
        assert "the contract that is deployed has" in half.cause
    pipeline.wait_for_recorder(half.arn)
    other = manifests(pipeline, job_id)
    outcome = succeeded(pipeline, continued(pipeline, job_id, name="goes-on-under-its-contract"))
    after = manifests(pipeline, job_id)
    hashes = [{found[stage]["contract_hash"] for stage in found} for found in (before, other, after)]
    assert hashes[0] == hashes[2] != hashes[1]
    assert [len(each) for each in hashes] == [1, 1, 1]
    for stage in ("python", "spark"):
        assert len({found[stage]["stage_run"] for found in (before, other, after)}) == 3
    assert (outcome.output["job_id"], loaded(pipeline, job_id)) == (job_id, 4)
    (row,) = pipeline.query("SELECT * FROM audit.job_run WHERE job_id = :job_id", job_id=job_id)
    assert (row["status"], row["execution_arn"], row["source_uri"]) == ("SUCCEEDED", outcome.arn, source)
    assert json.loads(row["parameters"]) == {"late_minutes": 7}

    # The first one comes back, and somebody asks once more.
    client.redrive_execution(executionArn=first)
    refused = pipeline.wait(first)
    assert f"job {job_id} belongs to execution {outcome.arn}: execution {first} must not load it" in refused.cause
    more = pipeline.wait(continued(pipeline, job_id, name="asks-once-more"))
    assert f"job {job_id} has succeeded as execution {outcome.arn}: there is nothing to continue" in more.cause
    pipeline.wait_for_recorder(more.arn)
    expected = {
        ("fails-in-its-load", 0, "FAILED", "LoadAndRecord"),
        ("goes-on-under-another-contract", 0, "FAILED", "PrepareLoad"),
        ("goes-on-under-its-contract", 0, "SUCCEEDED", None),
        ("fails-in-its-load", 1, "FAILED", "LoadAndRecord"),
        ("asks-once-more", 0, "FAILED", "GenerateJobId"),
    }
    until(lambda: set(attempts(pipeline, job_id)) == expected or None, f"five attempts: {attempts(pipeline, job_id)}")
    (row,) = pipeline.query("SELECT * FROM audit.job_run WHERE job_id = :job_id", job_id=job_id)
    assert (row["status"], row["execution_arn"], loaded(pipeline, job_id)) == ("SUCCEEDED", outcome.arn, 4)


def test_a_job_that_nobody_knows_is_not_continued(pipeline: Pipeline) -> None:
    unknown = "20260131T123456789Z-497de66f-737f-54f4-9aa4-4a7b8a2c0281"
    outcome = pipeline.wait(continued(pipeline, unknown, name="of-nobody"))
    assert f'job_id is "{unknown}", a job that audit.job_run does not have' in json.loads(outcome.cause)["errorMessage"]
    pipeline.wait_for_recorder(outcome.arn)
    assert attempts(pipeline, unknown) == [("of-nobody", 0, "FAILED", "GenerateJobId")]
    again = pipeline.wait(continued(pipeline, unknown, name="of-nobody-again"))
    assert "failed before it was registered, and its input is not known" in again.cause

"""Jobs as the client library finds and lists them, of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import jobs, stacks
from pipeline.errors import UnknownJobError
from pipeline.stacks import Stack
from tests.integration.conftest import KindOfJob, Pipeline, until_entered

STATUS = {
    "good": "SUCCEEDED",
    "rejected": "SUCCEEDED",
    "failed": "FAILED",
    "timed out": "TIMED_OUT",
    "stopped": "ABORTED",
}


@pytest.fixture(scope="module")
def stack(stack_file: Path) -> Stack:
    return stacks.find(str(stack_file))


def test_a_job_is_found_by_whatever_names_it(stack: Stack, jobs_of_all_kinds: dict[str, KindOfJob]) -> None:
    for kind, made in jobs_of_all_kinds.items():
        job = jobs.find(stack, made.job_id)
        assert (job.job_id, job.status, job.execution_arn) == (made.job_id, STATUS[kind], made.execution_arn), kind
        assert (job.dataset, job.recorded) == ("flights", "SUCCEEDED" if job.status == "SUCCEEDED" else "FAILED")
        assert job.source_uri and job.parameters == {"late_minutes": 15}
        (attempt,) = job.attempts
        assert attempt.ended_at and attempt.started_at == job.started_at and not attempt.forgotten
        name = made.execution_arn.rpartition(":")[2]
        for text in (made.job_id[:30], made.execution_arn, name, f"{made.job_id}-load-9f3c1e-0-0"):
            assert jobs.find(stack, text) == job, text
    failed = jobs.find(stack, jobs_of_all_kinds["failed"].job_id).attempt
    assert failed.failed_state == "CleanWithPython"
    assert failed.cause and "day" in failed.cause
    assert jobs.find(stack, jobs_of_all_kinds["rejected"].job_id).counts["rows_rejected"] == 3


def test_what_names_no_job_or_several_is_told(stack: Stack, jobs_of_all_kinds: dict[str, KindOfJob]) -> None:
    good, failed = jobs_of_all_kinds["good"].job_id, jobs_of_all_kinds["failed"].job_id
    for text in (
        f"{good},{failed}",
        f"{good}x",
        "of-all-kinds-nobody",
        "1",
        "20260131T123456789Z-497de66f-737f-54f4-9aa4-4a7b8a2c0299",
    ):
        with pytest.raises(UnknownJobError, match="newest job is 2"):
            jobs.find(stack, text)
    with pytest.raises(UnknownJobError, match=r"begins the IDs of several jobs: 2.*, 2"):
        jobs.find(stack, "2")
    with pytest.raises(UnknownJobError, match="is not an execution of"):
        jobs.find(stack, "arn:aws:states:us-east-1:000000000000:execution:another:one")


def test_jobs_are_listed_newest_first_and_by_what_is_asked_for(
    stack: Stack, jobs_of_all_kinds: dict[str, KindOfJob]
) -> None:
    listed = list(jobs.listed(stack))
    assert [job.job_id for job in listed] == sorted((job.job_id for job in listed), reverse=True)
    by_id = {job.job_id: job for job in listed}
    assert len(by_id) == len(listed)
    for kind, made in jobs_of_all_kinds.items():
        assert by_id[made.job_id].status == STATUS[kind]
        assert by_id[made.job_id].dataset == "flights"
    timed_out = [job.job_id for job in jobs.listed(stack, status="TIMED_OUT")]
    assert jobs_of_all_kinds["timed out"].job_id in timed_out
    assert jobs_of_all_kinds["good"].job_id not in timed_out
    first = min(made.job_id for made in jobs_of_all_kinds.values())
    since = by_id[first].started_at
    assert [job.job_id for job in jobs.listed(stack, since=since)][-1] == first
    assert list(jobs.listed(stack, dataset="nobody's")) == []
    assert [job.job_id for job in jobs.listed(stack, limit=2)] == [job.job_id for job in listed[:2]]


def test_a_job_is_known_before_it_is_registered_and_while_it_is_continued(stack: Stack, pipeline: Pipeline) -> None:
    client, source = stack.client("stepfunctions"), pipeline.put(pipeline.sample(2))
    first = pipeline.start(source, name="known-from-its-start")
    job = jobs.find(stack, "known-from-its-start")
    assert (job.status, job.dataset, job.source_uri) == ("RUNNING", "flights", source)
    # It may be registered between two looks.
    assert {jobs.find(stack, named).job_id for named in (jobs.LAST, job.job_id)} == {job.job_id}
    until_entered(pipeline, first, "CleanWithPython")
    assert pipeline.query("SELECT job_id FROM audit.job_run WHERE execution_arn = :arn", arn=first) == [
        {"job_id": job.job_id}
    ]
    client.stop_execution(executionArn=first)
    assert pipeline.audit_of(first)["job_id"] == job.job_id
    # What continues it is no job of its own, from the first moment on.
    machine = pipeline.outputs["state_machine_arn"]
    second = client.start_execution(stateMachineArn=machine, input=f'{{"job_id": "{job.job_id}"}}', name="goes-on")
    going_on = jobs.find(stack, job.job_id)
    assert [attempt.execution_name for attempt in going_on.attempts] == ["known-from-its-start", "goes-on"]
    assert (going_on.status, jobs.find(stack, "goes-on").job_id) == ("RUNNING", job.job_id)
    assert [listed.job_id for listed in jobs.listed(stack, limit=1)] == [job.job_id]
    client.stop_execution(executionArn=second["executionArn"])
    pipeline.wait_for_recorder(second["executionArn"])
    ended = jobs.find(stack, job.job_id)
    assert [attempt.status for attempt in ended.attempts] == ["ABORTED", "ABORTED"]

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from lambda_generate_param import job_id
from pipeline import jobs, redshift
from pipeline.clients import Clients
from pipeline.errors import UnknownJobError
from pipeline.job_records import WarehouseError
from pipeline.jobs import Job
from pipeline.stacks import Stack

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:dev-pipeline"
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


class DoesNotExistError(Exception):
    pass


class InvalidArnError(Exception):
    pass


@dataclass
class World:
    """What the two services know, as their APIs answer; counts what they are asked."""

    executions: list[dict[str, Any]] = field(default_factory=list)  # oldest first
    rows: list[dict[str, Any]] = field(default_factory=list)  # of the query of jobs and attempts
    forgotten: set[str] = field(default_factory=set)
    broken: str | None = None
    asked: list[str] = field(default_factory=list)

    class exceptions:  # noqa: N801 - boto3's name
        ExecutionDoesNotExist = DoesNotExistError
        InvalidArn = InvalidArnError

    def add(
        self, number: int, *, status: str = "SUCCEEDED", recorded: str | None = "SUCCEEDED", **change: Any
    ) -> tuple[str, str]:
        """An execution that began `number` minutes after the first; its ARN and the ID that is its own."""
        arn = f"{MACHINE.replace('stateMachine', 'execution')}:run-{number}"
        began = BEGAN + timedelta(minutes=number)
        own = job_id.make(arn, int(began.timestamp() * 1000))
        given = change.pop("input", '{"dataset": "flights", "source_uri": "s3://raw/x/"}')
        execution = {"executionArn": arn, "name": f"run-{number}", "status": status, "startDate": began, "input": given}
        if status != "RUNNING":
            execution["stopDate"] = began + timedelta(seconds=30)
        self.executions.append(execution | change)
        if recorded:
            self.record(own, arn, recorded, began=began)
        return arn, own

    def record(self, identifier: str, arn: str, status: str, *, began: datetime = BEGAN, **change: Any) -> None:
        text = f"{began:%Y-%m-%d %H:%M:%S}"
        names = ("finished_at", "failed_state", "error", "cause")
        row: dict[str, Any] = {
            "job_id": identifier,
            "attempt": 1,
            "execution_arn": arn,
            "redrive_count": 0,
            "dataset": "flights",
            "source_uri": "s3://raw/x/",
            "parameters": "{}",
            "repeat": False,
            "status": status,
            "started_at": text,
            "rows_in": 3,
            **dict.fromkeys(names),
            **dict.fromkeys(("rows_staged", "rows_rejected", "rows_curated", "rows_loaded")),
        }
        tried = ("attempt", "execution_arn", "redrive_count", "status", "started_at", *names)
        self.rows.append(row | {f"tried_{name}": row[name] for name in tried} | change)

    def list_executions(self, *, maxResults: int, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        self.asked.append("list")
        first = int(nextToken)
        left = [each for each in reversed(self.executions) if each["executionArn"] not in self.forgotten][first:]
        page = [{name: each[name] for name in each if name != "input"} for each in left[:maxResults]]
        more = {"nextToken": str(first + maxResults)} if len(left) > maxResults else {}
        return {"executions": page, **more}

    def get_paginator(self, operation: str) -> World:
        assert operation == "list_executions"
        return self

    def paginate(self, *, stateMachineArn: str, statusFilter: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert (stateMachineArn, statusFilter) == (MACHINE, "RUNNING")
        yield {"executions": [each for each in self.executions[::-1] if each["status"] == statusFilter]}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.asked.append("describe")
        if not re.fullmatch(r"[\w-]{1,80}", executionArn.rpartition(":")[2]):
            raise InvalidArnError
        for each in self.executions:
            if each["executionArn"] == executionArn and executionArn not in self.forgotten:
                return each
        raise DoesNotExistError

    def query(self, _client: Any, _outputs: Any, sql: str, **bound: str) -> list[dict[str, Any]]:
        """What the database does with the bounds of the query that jobs are read by."""
        self.asked.append("query")
        if self.broken:
            raise redshift.QueryError(self.broken)
        found = {row["job_id"] for row in self.rows}
        found = {each for each in found if bound.get("since", "") <= each < bound.get("before", "~")}
        if "replays = :job_id" in sql:
            found = {row["job_id"] for row in self.rows if row.get("replays") == bound["job_id"]}
        elif bound.get("job_id"):
            found &= {bound["job_id"]}
        found = {each for each in found if each.startswith(bound.get("pattern", "%")[:-1])}
        if arn := bound.get("execution_arn"):
            found &= {row["job_id"] for row in self.rows if row["tried_execution_arn"] == arn}
        limit = re.search(r"LIMIT (\d+)", sql)
        newest = sorted(found, reverse=True)[: int(limit[1]) if limit else None]
        return [row for identifier in newest for row in self.rows if row["job_id"] == identifier]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(redshift, "query", made.query)
    return made


@pytest.fixture
def stack(world: World) -> Stack:
    made = Stack(Clients(), {"state_machine_arn": MACHINE}, Path())
    made._clients_made.update({"stepfunctions": world, "redshift-data": world})
    return made


def ids(found: Iterator[Job]) -> list[str]:
    return [job.job_id for job in found]


def test_many_jobs_are_listed_once_each_and_newest_first_with_few_questions(world: World, stack: Stack) -> None:
    own = [world.add(number)[1] for number in range(2500)]
    assert ids(jobs.listed(stack)) == own[::-1]
    assert len(world.asked) < 15
    assert "describe" not in world.asked
    world.asked.clear()
    assert ids(islice(jobs.listed(stack), 30)) == own[-1:-31:-1]
    assert world.asked == ["query", "list", "list"]


def test_what_is_not_recorded_is_between_what_is(world: World, stack: Stack) -> None:
    own = [world.add(number, recorded=None if number % 3 else "SUCCEEDED")[1] for number in range(40)]
    world.add(40, status="RUNNING", recorded=None)
    for limit in (1, 2, 7, 40):
        assert ids(jobs.listed(stack, limit=limit))[1:] == own[::-1][: limit - 1]
    assert [job.status for job in jobs.listed(stack, limit=2)] == ["RUNNING", "SUCCEEDED"]


def test_an_execution_that_continues_a_job_is_no_job_of_its_own(world: World, stack: Stack) -> None:
    first, old = world.add(0, status="FAILED", recorded="FAILED")
    others = [world.add(number)[1] for number in range(1, 9)]
    second, _ = world.add(9, status="FAILED", recorded=None, input=f'{{"job_id": "{old}"}}')
    world.record(old, first, "SUCCEEDED", tried_execution_arn=second, tried_attempt=2)
    third, _ = world.add(10, status="RUNNING", recorded=None, input=f'{{"job_id": "{old}"}}')
    for limit in (1, 2, 100):
        assert ids(jobs.listed(stack, limit=limit)) == [*others[::-1], old][:limit]
    continued = list(jobs.listed(stack))[-1]
    assert [attempt.execution_arn for attempt in continued.attempts] == [first, second, third]
    assert (continued.status, continued.execution_arn) == ("RUNNING", third)
    assert jobs.find(stack, old).attempts == continued.attempts
    assert jobs.find(stack, "run-10").job_id == old


def test_a_refused_continuation_does_not_change_what_the_job_is(world: World, stack: Stack) -> None:
    first, identifier = world.add(0)
    second, _ = world.add(1, status="FAILED", recorded=None, input=f'{{"job_id": "{identifier}"}}', error="No")
    world.record(identifier, first, "SUCCEEDED", tried_execution_arn=second, tried_status="FAILED")
    job = jobs.find(stack, identifier)
    assert [attempt.status for attempt in job.attempts] == ["SUCCEEDED", "FAILED"]
    assert (job.status, job.execution_arn) == ("SUCCEEDED", first)


def test_a_redrive_is_an_attempt_of_its_own(world: World, stack: Stack) -> None:
    again = BEGAN + timedelta(hours=2)
    arn, identifier = world.add(0, recorded="FAILED", redriveCount=1, redriveDate=again)
    for kind in ("recorded", "not recorded yet"):
        attempts = jobs.find(stack, identifier).attempts
        told = [(attempt.execution_arn, attempt.redrive_count, attempt.status) for attempt in attempts]
        assert told == [(arn, 0, "FAILED"), (arn, 1, "SUCCEEDED")], kind
        assert attempts[1].started_at == again
        world.record(identifier, arn, "SUCCEEDED", began=again, tried_redrive_count=1)


def test_what_step_functions_has_forgotten_is_told_from_the_tables(world: World, stack: Stack) -> None:
    done, first = world.add(0)
    open_, second = world.add(1, status="RUNNING", recorded="RUNNING")
    world.forgotten = {done, open_}
    for listed in (list(jobs.listed(stack)), [jobs.find(stack, second), jobs.find(stack, "run-0")]):
        assert [(job.job_id, job.status) for job in listed] == [(second, jobs.UNKNOWN), (first, "SUCCEEDED")]
        assert all(job.attempt.forgotten for job in listed)


def test_a_job_of_a_version_without_attempts_has_one(world: World, stack: Stack) -> None:
    arn, identifier = world.add(0)
    world.rows[0] |= {name: None for name in world.rows[0] if name.startswith("tried_")}
    assert [attempt.execution_arn for attempt in jobs.find(stack, identifier).attempts] == [arn]


def test_without_the_warehouse_step_functions_alone_is_asked(world: World, stack: Stack) -> None:
    own = [world.add(number)[1] for number in range(3)]
    world.broken = "the cluster is paused"
    told: list[str] = []
    assert ids(jobs.listed(stack, on_problem=told.append)) == own[::-1]
    assert len(told) == 1 and "the cluster is paused" in told[0]
    job = jobs.find(stack, own[0])
    assert (job.dataset, job.status) == ("flights", "SUCCEEDED")
    assert job.warehouse_problem and "the cluster is paused" in job.warehouse_problem
    assert jobs.find(stack, own[1][:16]).job_id == own[1]
    world.executions.clear()
    with pytest.raises(WarehouseError, match=f"does not know job {own[0]}.*the cluster is paused"):
        jobs.find(stack, own[0])


def test_filters_take_what_they_name(world: World, stack: Stack) -> None:
    own = [world.add(number, status="FAILED" if number % 2 else "SUCCEEDED")[1] for number in range(10)]
    world.rows[4]["dataset"] = "orders"
    assert ids(jobs.listed(stack, dataset="orders")) == [own[4]]
    assert ids(jobs.listed(stack, status="FAILED", limit=2)) == [own[9], own[7]]
    since = BEGAN + timedelta(minutes=8)
    assert ids(jobs.listed(stack, since=since)) == [own[9], own[8]]
    assert ids(jobs.listed(stack, since=datetime(500, 1, 1, tzinfo=UTC))) == own[::-1]


def test_a_prefix_of_several_names_some_of_them_and_none_says_which_is_newest(world: World, stack: Stack) -> None:
    own = [world.add(number, recorded=None if number == 3 else "SUCCEEDED")[1] for number in range(9)]
    assert jobs.find(stack, own[3][:16]).job_id == own[3]
    with pytest.raises(UnknownJobError, match=rf"'202611' begins the IDs of several jobs: {own[8]}, .*, …$"):
        jobs.find(stack, "202611")
    with pytest.raises(UnknownJobError, match=f"not an execution; the newest job is {own[8]}"):
        jobs.find(stack, "202512")


@pytest.mark.parametrize("text", ["", "a b", "x" * 81])
def test_what_cannot_be_a_name_names_no_job(world: World, stack: Stack, text: str) -> None:
    world.add(1)
    with pytest.raises(UnknownJobError, match=f"'{text}' is not a job ID, not a prefix of one, and not an execution"):
        jobs.find(stack, text)


def test_the_names_that_begin_with_a_job_id_name_that_job(world: World, stack: Stack) -> None:
    (_, own), (_, other) = world.add(1), world.add(2)
    foreign = "arn:aws:states:us-east-1:000000000000:execution:dev-run-sql:"
    names = ("", "-load-9f3c1e-0-0", "-find-000000-12-3", " find", " load", " 9f3c1e-0 load")
    for text in (*(own + rest for rest in names), foreign + own, f"{foreign}{own}-load-9f3c1e-0-0"):
        assert jobs.find(stack, text).job_id == own, text
    others = (
        *(f",{other}", "x", "-", " ", "\n", "-load", "-load-9f3c1e-0", "-load-9f3c1e-0-0x", "-load-9f3c1g-0-0"),
        *("-load-9f3c1e-0-٣", " LOAD", f" {other}", "/", "-load-9f3c1e-0-0-load-9f3c1e-0-0"),
    )
    for text in (*(own + rest for rest in others), *(foreign + own + rest for rest in others), own[:-1] + "x"):
        with pytest.raises(UnknownJobError):
            jobs.find(stack, text)


def test_what_replays_a_job_is_known_before_it_is_registered(world: World, stack: Stack) -> None:
    _, first = world.add(0)
    world.add(1)
    assert jobs.replayed_by(stack, first) == {}
    asks = f'{{"dataset": "flights", "source_uri": "s3://raw/x/", "replays": "{first}"}}'
    failed, of_failed = world.add(2, status="FAILED", recorded=None)
    world.record(of_failed, failed, "FAILED", replays=first)
    assert jobs.replayed_by(stack, first) == {}
    new, of_new = world.add(3, status="RUNNING", recorded=None, input=asks)
    assert jobs.replayed_by(stack, first) == {of_new: ("RUNNING", {new})}
    # What had failed is continued, which is not registered yet either.
    going_on, _ = world.add(4, status="RUNNING", recorded=None, input=f'{{"job_id": "{of_failed}"}}')
    assert jobs.replayed_by(stack, first) == {of_failed: ("RUNNING", {going_on}), of_new: ("RUNNING", {new})}
    for execution in world.executions:
        execution["status"] = "SUCCEEDED"
    world.record(of_new, new, "SUCCEEDED", replays=first)
    assert jobs.replayed_by(stack, first) == {of_new: ("SUCCEEDED", {new})}
    world.broken = "the cluster is paused"
    with pytest.raises(WarehouseError, match="the cluster is paused"):
        jobs.replayed_by(stack, first)


def test_without_a_job_there_is_no_last_one(stack: Stack) -> None:
    with pytest.raises(UnknownJobError, match="no job has been started yet"):
        jobs.find(stack, jobs.LAST)

"""Start executions of a state machine, and follow them to their end."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataset_contract.json_types import JsonObject

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
FINAL_STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
OPEN_STATUSES = ("RUNNING", "PENDING_REDRIVE")
_SECONDS_BETWEEN_LOOKS = 0.25
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
_MOST_LISTED = 1000


class ExecutionTimeoutError(TimeoutError):
    """The execution had not ended when the caller's time was up."""


@dataclass(frozen=True)
class StateTime:
    """A state that was entered and left."""

    name: str
    seconds: float


@dataclass(frozen=True)
class ExecutionOutcome:
    """How an execution ended. `seconds`: from its start to its end, by its own record."""

    arn: str
    status: str
    seconds: float
    output: Any
    error: str
    cause: str
    states: tuple[StateTime, ...]

    @property
    def succeeded(self) -> bool:
        """Whether the execution succeeded."""
        return self.status == "SUCCEEDED"


@dataclass(frozen=True)
class Execution:
    """What Step Functions knows of an execution.

    input, output, error and cause are None where the API did not tell: a list has none of them.

    Attributes:
        stopped_at: of its newest redrive.
    """

    arn: str
    name: str
    status: str
    started_at: datetime
    stopped_at: datetime | None = None
    redrive_count: int = 0
    redriven_at: datetime | None = None
    input: Any = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    redrivable: bool = False
    not_redrivable: str | None = None  # why, in the words of Step Functions

    @property
    def start_millis(self) -> int:
        """When it started, in milliseconds since 1970 (UTC); what is finer is cut off, as a job ID does."""
        return int(self.started_at.timestamp()) * 1000 + self.started_at.microsecond // 1000


def start(client: SFNClient, state_machine_arn: str, document: Mapping[str, object], *, name: str | None = None) -> str:
    """Start an execution and return its ARN."""
    named = {"name": name} if name else {}
    return client.start_execution(stateMachineArn=state_machine_arn, input=json.dumps(document), **named)[
        "executionArn"
    ]


def describe(client: SFNClient, arn: str) -> Execution | None:
    """An execution with its input, or None where Step Functions does not know it: it forgets after 90 days.

    A text that cannot be the name of one is the name of none.
    """
    try:
        return _execution(client.describe_execution(executionArn=arn))
    except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn):
        return None


def listed(client: SFNClient, state_machine_arn: str, *, first: int = 100) -> Iterator[Execution]:
    """The executions of a state machine, newest first, without their inputs; pages are asked for as they are needed.

    Args:
        first: how many the first page has at most; later ones have 1,000, which is the most.
    """
    page = client.list_executions(stateMachineArn=state_machine_arn, maxResults=first)
    yield from map(_execution, page["executions"])
    while token := page.get("nextToken"):
        page = client.list_executions(stateMachineArn=state_machine_arn, maxResults=_MOST_LISTED, nextToken=token)
        yield from map(_execution, page["executions"])


def running(client: SFNClient, state_machine_arn: str) -> Iterator[Execution]:
    """The executions of a state machine that have not ended, newest first, without their inputs."""
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=state_machine_arn, statusFilter="RUNNING")
    for page in pages:
        yield from map(_execution, page["executions"])


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None


def _execution(answer: Any) -> Execution:
    return Execution(
        arn=answer["executionArn"],
        name=answer["name"],
        status=answer["status"],
        started_at=answer["startDate"].astimezone(UTC),
        stopped_at=_utc(answer.get("stopDate")),
        redrive_count=answer.get("redriveCount", 0),
        redriven_at=_utc(answer.get("redriveDate")),
        input=json.loads(answer["input"]) if answer.get("input") else None,
        output=json.loads(answer["output"]) if answer.get("output") else None,
        error=answer.get("error"),
        cause=answer.get("cause"),
        redrivable=answer.get("redriveStatus") == "REDRIVABLE",
        not_redrivable=answer.get("redriveStatusReason"),
    )


def wait(
    client: SFNClient,
    arn: str,
    *,
    timeout_seconds: float,
    on_entered: Callable[[str], None] | None = None,
    on_left: Callable[[StateTime], None] | None = None,
) -> ExecutionOutcome:
    """Follow an execution to its end; the callbacks see each state as it begins and ends, in the order of the history.

    Without callbacks the history, which grows, is read once.

    Raises:
        ExecutionTimeoutError: it had not ended in time; it goes on.
    """
    deadline = time.monotonic() + timeout_seconds
    seen = 0
    while True:
        description = client.describe_execution(executionArn=arn)
        ended = description["status"] in FINAL_STATUSES
        if ended or on_entered or on_left:
            events = _history(client, arn)
            changes = list(_changes(events))
            for change in changes[seen:]:
                if isinstance(change, StateTime):
                    if on_left:
                        on_left(change)
                elif on_entered:
                    on_entered(change)
            seen = len(changes)
            if ended:
                return _outcome(dict(description), events)
        if time.monotonic() > deadline:
            raise ExecutionTimeoutError(f"{arn} was still {description['status']} after {timeout_seconds:.0f} s")
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def history(client: SFNClient, arn: str) -> list[Any]:
    """All events of an execution, oldest first, with what its states were given and answered."""
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
    return [event for page in pages for event in page["events"]]


def _history(client: SFNClient, arn: str) -> list[Any]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=False)
    return [event for page in pages for event in page["events"]]


def _outcome(description: JsonObject, events: list[Any]) -> ExecutionOutcome:
    stop: datetime = description["stopDate"]
    return ExecutionOutcome(
        arn=description["executionArn"],
        status=description["status"],
        seconds=(stop - description["startDate"]).total_seconds(),
        output=json.loads(description["output"]) if description.get("output") else None,
        error=description.get("error") or "",
        cause=description.get("cause") or "",
        states=tuple(state_times(events)),
    )


def mark_of(execution_arn: str, redrives: int) -> str:
    """What the state machine calls an attempt in the names and arguments of what it starts."""
    return f"{hashlib.sha256(execution_arn.encode()).hexdigest()[:6]}-{redrives}"


def state_times(events: list[Any]) -> Iterator[StateTime]:
    """How long each state took, in the order in which they ended."""
    return (change for change in _changes(events) if isinstance(change, StateTime))


def _changes(events: list[Any]) -> Iterator[str | StateTime]:
    """The name of each state as it is entered, and its time as it is left."""
    entered: dict[str, datetime] = {}
    for event in events:
        if "stateEnteredEventDetails" in event:
            name = event["stateEnteredEventDetails"]["name"]
            entered[name] = event["timestamp"]
            yield name
        elif "stateExitedEventDetails" in event:
            name = event["stateExitedEventDetails"]["name"]
            yield StateTime(name, (event["timestamp"] - entered[name]).total_seconds())

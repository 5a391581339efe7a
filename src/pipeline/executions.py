"""Start executions of a state machine, and follow them to their end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
FINAL_STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
OPEN_STATUSES = ("RUNNING", "PENDING_REDRIVE")
_SECONDS_BETWEEN_LOOKS = 0.25


class ExecutionTimeoutError(TimeoutError):
    """The execution had not ended when the caller's time was up."""


@dataclass(frozen=True)
class StateTime:
    """A state that was entered and left."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
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
        return self.status == "SUCCEEDED"


def start(client: SFNClient, state_machine_arn: str, document: Mapping[str, Any], *, name: str | None = None) -> str:
    """Start an execution and return its ARN."""
    named = {"name": name} if name else {}
    return client.start_execution(stateMachineArn=state_machine_arn, input=json.dumps(document), **named)[
        "executionArn"
    ]


def wait(
    client: SFNClient,
    arn: str,
    *,
    timeout_seconds: float,
    on_entered: Callable[[str], None] = lambda _name: None,
    on_left: Callable[[StateTime], None] = lambda _state: None,
) -> Outcome:
    """Follow an execution to its end; the callbacks see each state as it begins and ends.

    Raises:
        ExecutionTimeoutError: it had not ended in time; it goes on.
    """
    deadline = time.monotonic() + timeout_seconds
    seen = left = 0
    while True:
        description = client.describe_execution(executionArn=arn)
        events = _history(client, arn)
        for event in events[seen:]:
            if "stateEnteredEventDetails" in event:
                on_entered(event["stateEnteredEventDetails"]["name"])
        for state in list(state_times(events))[left:]:
            on_left(state)
            left += 1
        seen = len(events)
        if description["status"] in FINAL_STATUSES:
            return _outcome(dict(description), events)
        if time.monotonic() > deadline:
            raise ExecutionTimeoutError(f"{arn} was still {description['status']} after {timeout_seconds:.0f} s")
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _history(client: SFNClient, arn: str) -> list[Any]:
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=False)
    return [event for page in pages for event in page["events"]]


def _outcome(description: dict[str, Any], events: list[Any]) -> Outcome:
    stop: datetime = description["stopDate"]
    return Outcome(
        arn=description["executionArn"],
        status=description["status"],
        seconds=(stop - description["startDate"]).total_seconds(),
        output=json.loads(description["output"]) if description.get("output") else None,
        error=description.get("error") or "",
        cause=description.get("cause") or "",
        states=tuple(state_times(events)),
    )


def state_times(events: list[Any]) -> Iterator[StateTime]:
    """How long each state took, in the order in which they ended."""
    entered: dict[str, datetime] = {}
    for event in events:
        if "stateEnteredEventDetails" in event:
            entered[event["stateEnteredEventDetails"]["name"]] = event["timestamp"]
        elif "stateExitedEventDetails" in event:
            name = event["stateExitedEventDetails"]["name"]
            yield StateTime(name, (event["timestamp"] - entered[name]).total_seconds())

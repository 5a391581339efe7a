"""What a history of Step Functions says: the states of an execution, one run each, with the tries of its task.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dataset_contract.json_types import JsonMapping

DONE, FAILED, OPEN = "done", "failed", "open"
_TASK_FAILED = ("TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed")
_EXECUTION_FAILED = ("ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@dataclass
class Try:
    """One request of a task.

    Attributes:
        submitted: what it started, of the service's answer.
        parameters: of the request.
    """

    started_at: datetime
    ended_at: datetime | None = None
    parameters: Any = None
    submitted: JsonMapping = field(default_factory=dict)
    output: Any = None
    error: str | None = None
    cause: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether the request succeeded."""
        return self.ended_at is not None and self.error is None


@dataclass
class StateRun:
    """A state that was entered.

    Attributes:
        status: done, failed or open.
        redrive: of the execution at that time, from 0.
    """

    name: str
    started_at: datetime
    redrive: int
    status: str = OPEN
    ended_at: datetime | None = None
    tries: list[Try] = field(default_factory=list)
    error: str | None = None
    cause: str | None = None
    ended_by: str = ""  # the event of the execution that ended it, of one that failed

    @property
    def started_something(self) -> bool:
        """Whether a job run or a nested execution was started."""
        return any(each.submitted for each in self.tries)


def read(events: Sequence[Mapping[str, object]]) -> list[StateRun]:
    """The runs of an execution's states, in the order in which they began."""
    reader = _HistoryReader()
    for event in events:
        reader.take(event)
    return reader.runs


class _HistoryReader:
    def __init__(self) -> None:
        self.runs: list[StateRun] = []
        self._redrive = 0
        # Which run an event is of: that of the event before it. Iterations of a Map have events among each other.
        self._run_of: dict[int, StateRun] = {}

    def take(self, event: JsonMapping) -> None:
        kind, at = str(event["type"]), event["timestamp"].astimezone(UTC)
        if kind == "ExecutionRedriven":
            self._redrive += 1
        if "stateEnteredEventDetails" in event:
            self._begin(event, event["stateEnteredEventDetails"]["name"], at)
            return
        if kind in _EXECUTION_FAILED:
            self._end(event.get(_details(kind), {}), kind, at)
        run = self._run_of.get(event.get("previousEventId", 0)) or (self.runs[-1] if self.runs else None)
        if run is None:
            return
        # A redrive goes on within the state that failed, which is not entered again.
        if kind == "TaskScheduled" and run.status == FAILED:
            run = self._begin(event, run.name, at)
        self._run_of[event["id"]] = run
        self._of_run(run, event, kind, at)

    def _begin(self, event: JsonMapping, name: str, at: datetime) -> StateRun:
        run = self._run_of[event["id"]] = StateRun(name, at, self._redrive)
        self.runs.append(run)
        return run

    def _of_run(self, run: StateRun, event: JsonMapping, kind: str, at: datetime) -> None:
        if "stateExitedEventDetails" in event:
            self._exit(event["stateExitedEventDetails"]["name"], run, at)
        elif kind == "TaskScheduled":
            run.tries.append(Try(at, parameters=_json(event["taskScheduledEventDetails"].get("parameters"))))
        elif not run.tries:
            return
        elif kind == "TaskSubmitted":
            run.tries[-1].submitted = _object(event["taskSubmittedEventDetails"].get("output"))
        elif kind == "TaskSucceeded":
            run.tries[-1].ended_at = at
            run.tries[-1].output = _json(event["taskSucceededEventDetails"].get("output"))
        elif kind in _TASK_FAILED:
            details = event.get(_details(kind), {})
            tried = run.tries[-1]
            tried.ended_at, tried.error, tried.cause = at, details.get("error") or kind, details.get("cause")

    def _exit(self, name: str, run: StateRun, at: datetime) -> None:
        """The run that ends; after the iterations of a Map it is not that of the event before."""
        if run.name != name:
            run = next((each for each in reversed(self.runs) if each.name == name and each.status == OPEN), run)
        run.status, run.ended_at = DONE, at

    def _end(self, details: JsonMapping, kind: str, at: datetime) -> None:
        for run in self.runs:
            if run.status == OPEN:
                run.status, run.ended_at = FAILED, at
                run.error, run.cause, run.ended_by = details.get("error") or kind, details.get("cause"), kind


def _details(kind: str) -> str:
    return f"{kind[0].lower()}{kind[1:]}EventDetails"


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _object(text: object) -> JsonMapping:
    document = _json(text)
    return document if isinstance(document, dict) else {"output": document}

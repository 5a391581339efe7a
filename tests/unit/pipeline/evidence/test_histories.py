from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.evidence.histories import DONE, FAILED, OPEN, read

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def history(*events: tuple[str, dict[str, Any]], after: dict[int, int] | None = None) -> list[dict[str, Any]]:
    """Events a second apart, each after the one before or as `after` says; details by the name of their field."""
    return [
        {"id": number, "previousEventId": (after or {}).get(number, number - 1), "type": kind, "timestamp": at(number)}
        | details
        for number, (kind, details) in enumerate(events, 1)
    ]


def at(second: int) -> datetime:
    return BEGAN + timedelta(seconds=second)


def entered(name: str) -> tuple[str, dict[str, Any]]:
    return "TaskStateEntered", {"stateEnteredEventDetails": {"name": name}}


def exited(name: str) -> tuple[str, dict[str, Any]]:
    return "TaskStateExited", {"stateExitedEventDetails": {"name": name}}


def scheduled(**parameters: Any) -> tuple[str, dict[str, Any]]:
    return "TaskScheduled", {"taskScheduledEventDetails": {"parameters": json.dumps(parameters)}}


def submitted(**output: Any) -> tuple[str, dict[str, Any]]:
    return "TaskSubmitted", {"taskSubmittedEventDetails": {"output": json.dumps(output)}}


def succeeded(**output: Any) -> tuple[str, dict[str, Any]]:
    return "TaskSucceeded", {"taskSucceededEventDetails": {"output": json.dumps(output)}}


def failed(error: str) -> tuple[str, dict[str, Any]]:
    return "TaskFailed", {"taskFailedEventDetails": {"error": error, "cause": "why"}}


START: tuple[str, dict[str, Any]] = ("ExecutionStarted", {})
END: tuple[str, dict[str, Any]] = ("ExecutionFailed", {"executionFailedEventDetails": {"error": "E", "cause": "why"}})


def test_a_task_that_is_tried_again_has_its_tries() -> None:
    events = [
        START,
        entered("A"),
        scheduled(x=1),
        failed("Busy"),
        scheduled(x=1),
        submitted(JobRunId="jr"),
        succeeded(y=2),
    ]
    (run,) = read(history(*events, exited("A")))
    assert (run.name, run.status, run.started_at, run.ended_at) == ("A", DONE, at(2), at(8))
    first, second = run.tries
    assert (first.error, first.cause, first.ended_at, first.is_done) == ("Busy", "why", at(4), False)
    assert (second.parameters, second.submitted, second.output) == ({"x": 1}, {"JobRunId": "jr"}, {"y": 2})
    assert second.is_done
    assert run.started_something


def test_what_runs_is_open_and_what_an_execution_ends_with_has_failed() -> None:
    events = [START, entered("A"), scheduled()]
    (run,) = read(history(*events))
    assert (run.status, run.ended_at, run.started_something) == (OPEN, None, False)
    (run,) = read(history(*events, END))
    assert (run.status, run.ended_at, run.error, run.cause) == (FAILED, at(4), "E", "why")
    (run,) = read(history(*events, ("ExecutionAborted", {})))
    assert (run.status, run.error) == (FAILED, "ExecutionAborted")


def test_a_redrive_goes_on_within_the_state_that_failed() -> None:
    events = [START, entered("A"), scheduled(), failed("E"), END, ("ExecutionRedriven", {}), scheduled(), succeeded()]
    first, second = read(history(*events, exited("A"), entered("B")))[:2]
    assert (first.name, first.status, first.redrive) == ("A", FAILED, 0)
    assert (second.name, second.status, second.redrive, second.started_at) == ("A", DONE, 1, at(7))


def test_a_redrive_may_enter_its_state_again() -> None:
    events = [START, entered("A"), scheduled(), failed("E"), END, ("ExecutionRedriven", {}), entered("A"), scheduled()]
    runs = read(history(*events))
    assert [(run.status, run.redrive, len(run.tries)) for run in runs] == [(FAILED, 0, 1), (OPEN, 1, 1)]


def test_iterations_of_a_map_have_their_events_among_each_other() -> None:
    events = [
        START,
        entered("Map"),
        entered("Read"),
        entered("Read"),
        scheduled(n=1),
        scheduled(n=2),
        succeeded(of=2),
        succeeded(of=1),
    ]
    found = history(*events, after={3: 2, 4: 2, 5: 3, 6: 4, 7: 6, 8: 5})
    runs = read(found)
    assert [
        (run.name, [tried.parameters for tried in run.tries], [tried.output for tried in run.tries]) for run in runs
    ] == [
        ("Map", [], []),
        ("Read", [{"n": 1}], [{"of": 1}]),
        ("Read", [{"n": 2}], [{"of": 2}]),
    ]

"""The timeline of a job: what ran when, as rows with bars. Positions are per mille of the time that is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from dataset_contract.json_types import JsonObject
from pipeline.evidence.histories import FAILED, OPEN, StateRun, Try
from pipeline.evidence.model import Evidence
from pipeline.moments import duration, written
from pipeline.progress import JOB_STATES

_STEPS_OF_A_TICK = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS = 6
_THOUSAND = 1000.0
_ENDED_BY = {"ExecutionAborted": "stopped", "ExecutionTimedOut": "timed out"}


def document(evidence: Evidence) -> list[JsonObject]:
    """A part for each execution and each redrive of it, each with its own scale; none where histories are forgotten."""
    parts = []
    for number, (arn, redrive, states) in enumerate(_parts(evidence), 1):
        start = states[0].started_at
        end = max((state.ended_at or evidence.checked_at for state in states), default=start)
        scale = _Scale(start, max((end - start).total_seconds(), 0.001), evidence.checked_at)
        parts.append(
            {
                "number": number,
                "execution": arn.rpartition(":")[2],
                "redrive": redrive,
                "started_at": written(start),
                "seconds": round(scale.seconds, 3),
                "ticks": scale.ticks(),
                "rows": [row for state in states if state.tries for row in _rows(state, evidence, scale)],
            }
        )
    return parts


def _parts(evidence: Evidence) -> Iterator[tuple[str, int, list[StateRun]]]:
    for arn, asked in evidence.executions.items():
        states = asked.value.states if asked.value else ()
        for redrive in sorted({state.redrive for state in states}):
            yield arn, redrive, [state for state in states if state.redrive == redrive]


class _Scale:
    def __init__(self, start: datetime, seconds: float, now: datetime) -> None:
        self._start, self.seconds, self._now = start, seconds, now

    def bar(self, start: datetime, end: datetime | None, kind: str, what: str) -> JsonObject:
        """The x position and the width, in per mille of the scale."""
        stop = end or self._now
        seconds = max(0.0, (stop - start).total_seconds())
        x = self._place((start - self._start).total_seconds())
        width = max(2.0, self._place((stop - self._start).total_seconds()) - x)
        return {
            "x": round(min(x, _THOUSAND - 2), 1),
            "width": round(min(width, _THOUSAND - min(x, _THOUSAND - 2)), 1),
            "kind": kind,
            "what": what,
            "seconds": round(seconds, 3),
        }

    def _place(self, seconds: float) -> float:
        return min(max(seconds / self.seconds, 0.0), 1.0) * _THOUSAND

    def ticks(self) -> list[JsonObject]:
        """At most six round moments."""
        step = next((each for each in _STEPS_OF_A_TICK if self.seconds / each <= _MOST_TICKS), self.seconds)
        count = int(self.seconds / step)
        return [
            {"x": round(self._place(number * step), 1), "label": _label(number * step)} for number in range(count + 1)
        ]


def _label(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    if seconds < 3600:
        return f"{seconds / 60:g} min"
    return f"{seconds / 3600:g} h"


def _rows(state: StateRun, evidence: Evidence, scale: _Scale) -> Iterator[JsonObject]:
    """The row of a state, with a bar for each try, and those of what it started."""
    bars = [
        scale.bar(each.started_at, each.ended_at or state.ended_at, _kind(each, state), _what(each))
        for each in state.tries
    ]
    spent = ((state.ended_at or evidence.checked_at) - state.started_at).total_seconds()
    note = f"{len(state.tries)} tries" if len(state.tries) > 1 else ""
    if state.status == OPEN:
        note = "still runs"
    elif state.status == FAILED:
        note = _ENDED_BY.get(state.ended_by, "failed")
    yield {
        "name": state.name,
        "level": 1,
        "status": state.status,
        "seconds": round(spent, 3),
        "shown": duration(spent),
        "note": note,
        "bars": bars,
    }
    for each in state.tries:
        yield from _started(each, state, evidence, scale)


def _kind(each: Try, state: StateRun) -> str:
    if each.error or (each.ended_at is None and state.status == FAILED):
        return FAILED
    return OPEN if each.ended_at is None else "done"


def _what(each: Try) -> str:
    return each.error or ""


def _started(each: Try, state: StateRun, evidence: Evidence, scale: _Scale) -> Iterator[JsonObject]:
    """The job run, or the nested execution, that a try has started."""
    if "JobRunId" in each.submitted and state.name in JOB_STATES:
        runs = (evidence.python if JOB_STATES[state.name] == "python" else evidence.spark).runs.value or ()
        for run in runs:
            if run["Id"] == each.submitted["JobRunId"]:
                yield _below(
                    f"Glue job run {str(run['Id'])[:9]}…", run["StartedOn"], run.get("CompletedOn"), run, scale
                )
    for nested in evidence.nested:
        if nested.arn == each.submitted.get("ExecutionArn") and nested.run.value:
            execution = nested.run.value.execution
            status = {"JobRunState": execution.status}
            name = f"nested execution, SQL of {nested.step}"
            yield _below(name, execution.started_at, execution.stopped_at, status, scale)


def _below(name: str, start: datetime, end: datetime | None, run: Mapping[str, object], scale: _Scale) -> JsonObject:
    state = str(run["JobRunState"])
    kind = "done" if state == "SUCCEEDED" else OPEN if end is None else FAILED
    bar = scale.bar(start, end, kind, "")
    note = "" if kind == "done" else state
    return {
        "name": name,
        "level": 2,
        "status": kind,
        "seconds": bar["seconds"],
        "shown": duration(bar["seconds"]),
        "note": note,
        "bars": [bar],
    }

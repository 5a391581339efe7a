"""Starts whose answer is lost, so that something works that no history names: beside another one, or after the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline_tools.chaos.cases import CaseStep, ChaosCase, End, Rule, failed
from pipeline_tools.chaos.matrix.tasks import DENIED, cut_short

START, WAIT, END = CaseStep("start"), CaseStep("wait"), CaseStep("end")
# Longer than a case waits for what still works: only who stops it ends it in time.
_FOR_EVER: Final = 400.0
# Longer than the other run and its retry take.
_SECONDS_SLOW: Final = 10.0
# As long as a late event needs to be handled on a busy machine.
_A_WHILE: Final = 40.0


def cases() -> Iterator[ChaosCase]:
    """All of them."""
    for job, state in (("python", "CleanWithPython"), ("spark", "TransformWithSpark")):
        yield ChaosCase(
            f"started-twice.{state}.fails",
            f"the answer of a start of {state} is lost, so a second run is started, which fails; the first is stopped",
            [_lost(state, "glue", "StartJobRun", "Glue"), _long(job, _FOR_EVER), _failing(job)],
            (START, WAIT),
            failed(state, "chaos"),
            # Each of both runs needs a place of its own.
            alone=True,
        )
        rows = {"python": "staged/*{id}/*", "spark": "curated/*{id}/*"}[job]
        writes = {"at": "request", "service": "s3", "operation": "PutObject", "match": {"Key": rows}}
        yield ChaosCase(
            f"{job}-job.{state}.two-at-once.passes",
            f"the answer to the start of {state} is lost, so it runs twice at once, and one of them is slow to write",
            [_lost(state, "glue", "StartJobRun", "Glue"), {"name": "slow", **writes, "delay": _SECONDS_SLOW}],
        )
    yield lost_run(
        "stopped.CleanWithPython.while-retrying-a-lost-start",
        "the answer of a start is lost, and the execution is stopped while it waits to try again; the run is stopped",
    )
    for step, state in (("register", "RegisterJob"), ("load", "LoadAndRecord")):
        yield lost_execution(
            f"started-twice.{state}.stopped",
            f"the answer of a start of {state} is lost, so a second nested execution is started; the execution is "
            "stopped, and both end",
            step,
            state,
        )
    yield from _late()


def lost_run(name: str, what: str, rules: Sequence[Rule] = (), *, alone: bool = False) -> ChaosCase:
    """The answer of CleanWithPython is lost, and the execution is stopped before it tries again."""
    start = {"at": "task", "service": "glue", "operation": "StartJobRun"}
    again: Rule = {
        "name": "again",
        **start,
        "match": {"state": "CleanWithPython", "execution": "{execution}"},
        "skip": 1,
        # The stop may come before the next try.
        "spare": True,
        "times": 0,
        "error": {"code": "ThrottlingException", "message": "Rate exceeded (chaos)"},
    }
    return ChaosCase(
        name,
        what,
        [_lost("CleanWithPython", "glue", "StartJobRun", "Glue"), again, _long("python", _FOR_EVER), *rules],
        (START, CaseStep("call", at="wait for a job run"), CaseStep("stop", at="CleanWithPython"), WAIT),
        (End("ABORTED", "CleanWithPython", "Stopped"),),
        waits=0.05,
        alone=alone,
    )


def lost_execution(name: str, what: str, step: str, state: str, rules: Sequence[Rule] = ()) -> ChaosCase:
    """The answer of a start of run-sql is lost, and the execution is stopped while the second one works."""
    slow: Rule = {
        "name": "slow",
        "at": "task",
        "service": "redshift-data",
        "operation": "BatchExecuteStatement",
        "match": {"execution": f"*{{id}}-{step}-*"},
        "times": 2,
        "delay": _FOR_EVER,
    }
    return ChaosCase(
        name,
        what,
        [_lost(state, "stepfunctions", "StartExecution", "StepFunctions"), slow, *rules],
        (START, CaseStep("call", at="wait for two nested executions of a step"), CaseStep("stop", at=state), WAIT),
        (End("ABORTED", state, "Stopped"),),
    )


def _late() -> Iterator[ChaosCase]:
    denied: Rule = {
        "name": "denied",
        "at": "task",
        "service": "glue",
        "operation": "StartJobRun",
        "match": {"state": "CleanWithPython", "execution": "{execution}"},
        "error": DENIED.document(),
    }
    match = {"detail.executionArn": "*:{execution}", "rule": "*-pipeline-failed"}
    case = ChaosCase(
        "event.later-than-redrive.stops-nothing",
        "the event of a failure comes while a job run of the redrive works, which goes on",
        [denied, {"name": "event", "at": "event", "match": match, "copies": 0}, _long("python", _A_WHILE)],
        (
            *(START, END, CaseStep("redrive"), CaseStep("call", at="wait for a job run")),
            *(CaseStep("record"), CaseStep("call", at="the job run still works"), WAIT),
        ),
        (*failed("CleanWithPython"), End()),
    )
    yield cut_short(case, "TransformWithSpark")


def _lost(state: str, service: str, operation: str, prefix: str) -> Rule:
    return {
        "name": "lost",
        "at": "task",
        "when": "after",
        "service": service,
        "operation": operation,
        "match": {"state": state, "execution": "{execution}"},
        "error": {"code": f"{prefix}.SdkClientException", "message": "lost (chaos)"},
    }


def _of_job(job: str) -> Rule:
    return {"at": "job_run", "match": {"job": f"*{job}*", "arguments.--job_id": "*{id}"}}


def _long(job: str, seconds: float) -> Rule:
    return {"name": "long", **_of_job(job), "delay": seconds}


def _failing(job: str) -> Rule:
    return {"name": "failing", **_of_job(job), "state": "FAILED", "error": {"message": "failing (chaos)"}}

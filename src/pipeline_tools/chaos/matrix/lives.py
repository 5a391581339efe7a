"""What happens to whole executions: stopped, redriven, continued, started twice, told of late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline_tools.chaos.cases import Case, End, Rule, Step, failed
from pipeline_tools.chaos.matrix.tasks import NESTED, REDRIVEN, cut_short, ends_at

START, WAIT, END = Step("start"), Step("wait"), Step("end")
AGAIN, REPEATED = Step("again"), Step("again", input={"repeat": True})
# A state that can be stopped in, and what keeps the execution there.
_STOPS: Final = (
    ("GenerateJobId", {"at": "task", "service": "lambda", "operation": "Invoke"}),
    ("RegisterJob", {"at": "task", "service": "stepfunctions", "operation": "StartExecution"}),
    ("CleanWithPython", {"at": "task", "service": "glue", "operation": "StartJobRun"}),
    ("ReadPythonManifest", {"at": "task", "service": "s3", "operation": "GetObject"}),
    ("TransformWithSpark", {"at": "task", "service": "glue", "operation": "StartJobRun"}),
    ("ReadSparkManifest", {"at": "task", "service": "s3", "operation": "GetObject"}),
    ("PrepareLoad", {"at": "task", "service": "lambda", "operation": "Invoke"}),
    ("LoadAndRecord", {"at": "task", "service": "stepfunctions", "operation": "StartExecution"}),
    ("WriteLoadManifest", {"at": "task", "service": "s3", "operation": "PutObject"}),
)
# The first four are ended before the next job run; the others share a case.
_EARLY: Final = 4
_BEFORE: Final = ("CleanWithPython", "CleanWithPython", "TransformWithSpark", "TransformWithSpark")
# Long enough to be seen in the state on a busy machine; a stop ends it.
_SECONDS_IN_A_STATE: Final = 6.0
_DENIED = {"code": "AccessDeniedException", "message": "denied (chaos)", "status": 403}

# By state, a refusal of its call.
DENIED_IN: Mapping[str, Rule] = {state: {**where, "error": _DENIED} for state, where in _STOPS}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _stopped()
    yield from _continued()
    yield from _found()
    yield from _finished()
    yield from _sources()
    yield from _events()


def _stopped() -> Iterator[Case]:
    slow: list[Rule] = [
        {"name": f"slow-{state}", **where, "match": _in(state), "delay": _SECONDS_IN_A_STATE} for state, where in _STOPS
    ]
    for (state, _), rule, before in zip(_STOPS, slow, _BEFORE, strict=False):
        case = Case(
            f"stopped.{state}.redriven",
            f"the execution is stopped in {state}, then redriven",
            [rule],
            (START, Step("stop", at=state), WAIT, Step("redrive"), WAIT),
            (End("ABORTED", state, "Stopped"), End()),
        )
        yield cut_short(case, before)
    late_states = [state for state, _ in _STOPS[_EARLY:]]
    stops = [step for state in late_states for step in (Step("stop", at=state), WAIT, Step("redrive"))]
    yield Case(
        "stopped.each-late-state.redriven",
        f"the execution is stopped in {', '.join(late_states)}, and redriven after each",
        slow[_EARLY:],
        (START, *stops, WAIT),
        (*(End("ABORTED", state, "Stopped") for state in late_states), End()),
        {1: "SUCCEEDED"},
    )
    waiting = {"name": "throttled", **_STOPS[2][1], "match": _in("CleanWithPython"), "times": 0}
    waiting["error"] = {"code": "ThrottlingException", "message": "Rate exceeded (chaos)"}
    yield Case(
        "stopped.CleanWithPython.while-retrying",
        "the execution is stopped while CleanWithPython waits to try again: nothing is started afterwards",
        [waiting],
        (START, Step("stop", at="CleanWithPython"), WAIT),
        (End("ABORTED", "CleanWithPython", "Stopped"),),
        waits=0.05,
    )

    uncancelled: Rule = {
        "name": "uncancelled",
        "at": "task",
        "service": "redshift-data",
        "operation": "ListStatements",
        "match": {"execution": "*{id}-cancel-*"},
        "times": 0,
        "error": _DENIED,
    }
    late: Rule = {
        **uncancelled,
        "name": "late",
        "operation": "CancelStatement",
        "match": {"state": "CancelOpenStatement", "execution": "*{id}-cancel-*"},
        "times": 2,
    }
    # Where the load waits for its turn it has read nothing yet: what it reads then tells it that its attempt has ended.
    # Where it waits later, it has an old snapshot: writing the job's row is in conflict with who recorded the failure.
    held: tuple[tuple[str, str, list[Rule]], ...] = (
        ("lock-cancelled", "a table", []),
        ("lock-uncancelled", "a table", [uncancelled]),
        ("lock-cancelled-late", "a table", [late]),
        ("turn-uncancelled", "the turn", [uncancelled]),
    )
    for name, locked, rules in held:
        yield Case(
            f"stopped.LoadAndRecord.waits-for-a-{name}",
            f"the execution is stopped while its load waits for {locked}, and the load is not committed: {name}",
            rules,
            (
                *(START, Step("enter", at="TransformWithSpark"), Step("call", at=f"lock {locked}")),
                Step("enter", at="LoadAndRecord"),
                *(Step("call", at="wait for the load"), Step("stop", at="LoadAndRecord"), WAIT),
                Step("call", at="unlock the table"),
            ),
            (End("ABORTED", "LoadAndRecord", "Stopped"),),
            alone=True,
        )


def _continued() -> Iterator[Case]:
    # Before GenerateJobId there is nothing to go on with, and after the load nothing is left.
    for (state, where), before in list(zip(_STOPS, _BEFORE, strict=False))[1:]:
        rule = {"name": "denied", **where, "match": _in(state), "error": _DENIED}
        case = Case(
            f"continued.{state}.by-job-id",
            f"the execution fails in {state}; another one continues its job by the job ID",
            [rule],
            (START, WAIT, Step("continue"), Step("wait", number=2)),
            (*failed(state, "chaos"), End()),
        )
        yield cut_short(case, before, "{execution2}")
    late = _STOPS[_EARLY:-1]
    rules: list[Rule] = []
    steps: list[Step] = [START, WAIT]
    for number, (state, where) in enumerate(late, 1):
        match = {"state": state, "execution": "{execution}" if number == 1 else f"{{execution{number}}}"}
        rules.append({"name": f"denied-{state}", **where, "match": match, "error": _DENIED})
        steps += [Step("continue"), Step("wait", number=number + 1)]
    states = [state for state, _ in late]
    yield Case(
        "continued.each-late-state.by-job-id",
        f"executions fail in {', '.join(states)}; each time another one continues the job by its ID",
        rules,
        steps,
        (*(end for state in states for end in failed(state, "chaos")), End()),
        {1: "SUCCEEDED"},
    )
    yield Case(
        "continued.WriteLoadManifest.refused",
        "the execution fails after its rows are loaded; continuing the job is refused, since there is nothing to load",
        [{"name": "denied", **_STOPS[-1][1], "match": _in("WriteLoadManifest"), "error": _DENIED}],
        (START, WAIT, Step("continue"), Step("wait", number=2)),
        (*failed("WriteLoadManifest", "chaos"), End("FAILED", "", "has succeeded")),
        {1: "SUCCEEDED"},
    )
    yield Case(
        "continued.done.refused",
        "a job that has succeeded is continued: refused by name",
        steps=(START, WAIT, Step("continue"), Step("wait", number=2)),
        ends=(End(), End("FAILED", "", "has succeeded")),
    )
    running = {"name": "slow", **_STOPS[2][1], "match": _in("CleanWithPython"), "delay": _SECONDS_IN_A_STATE}
    case = Case(
        "continued.running.refused",
        "a job that runs is continued: refused by name, and the first execution goes on",
        [running],
        (START, Step("enter", at="CleanWithPython"), Step("continue"), Step("wait", number=2), WAIT),
        (End("FAILED", "", "is running"), End()),
    )
    yield cut_short(case, "TransformWithSpark")


def _found() -> Iterator[Case]:
    """Errors of FindJob, which only a continuation has."""
    first = ends_at("CleanWithPython")
    where = {**_STOPS[1][1], "match": {"state": "FindJob", "execution": "{execution2}"}}
    steps = (START, WAIT, Step("continue"), Step("wait", number=2))
    ends = failed("CleanWithPython", "chaos")
    passing = [error for error in NESTED if error.passes]
    rules = [
        {"name": error.name, **where, "error": error.document("stepfunctions", "StartExecution")} for error in passing
    ]
    what = f"StartExecution of FindJob answers {', '.join(error.code for error in passing)}"
    case = Case("pipeline.FindJob.each.passes", what, [first, *rules], steps, (*ends, End()))
    yield cut_short(case, "TransformWithSpark", "{execution2}")
    for error in (error for error in NESTED if not error.passes):
        rule: Rule = {"name": error.name, **where, "error": error.document("stepfunctions", "StartExecution")}
        case = Case(
            f"pipeline.FindJob.{error.name}.redriven",
            f"StartExecution of FindJob answers {error.code} once; then it is redriven",
            [first, rule],
            (*steps, Step("redrive", number=2), Step("wait", number=2)),
            (*ends, *failed("FindJob"), End()),
        )
        yield cut_short(case, "TransformWithSpark", "{execution2}")


def _finished() -> Iterator[Case]:
    """Errors of RecordAttempt, which only a redrive after the load has."""
    lost = {"name": "lost", **_STOPS[8][1], "match": _in("WriteLoadManifest"), "error": _DENIED}
    where = {**_STOPS[1][1], "match": _in("RecordAttempt")}
    # Those that pass come first.
    rules = [
        {"name": error.name, **where, "error": error.document("stepfunctions", "StartExecution")} for error in NESTED
    ]
    lasting = [error.code for error in NESTED if not error.passes]
    passing = [error.code for error in NESTED if error.passes]
    yield Case(
        "pipeline.RecordAttempt.each.redriven",
        f"StartExecution of RecordAttempt answers {', '.join(passing)}, which is tried again, then "
        f"{', '.join(lasting)}, with a redrive after each",
        [lost, *rules],
        (*REDRIVEN, *(REDRIVEN[2:] * len(lasting))),
        (*failed("WriteLoadManifest", "chaos"), *(failed("RecordAttempt") * len(lasting)), End()),
        {1: "SUCCEEDED"},
    )


def _sources() -> Iterator[Case]:
    second = Step("wait", number=2)
    yield Case(
        "source.loaded-before.refused",
        "a file that another job has loaded is loaded again: refused, naming the job",
        steps=(START, WAIT, AGAIN, second),
        ends=(End(), *failed("LoadAndRecord", "lines.csv")),
        jobs={1: "SUCCEEDED", 2: "FAILED"},
    )
    yield Case(
        "source.loaded-before.repeated",
        "a file that another job has loaded is loaded again, with repeat: both jobs have its rows",
        steps=(START, WAIT, REPEATED, second),
        ends=(End(), End()),
        jobs={1: "SUCCEEDED", 2: "SUCCEEDED"},
    )
    yield Case(
        "source.two-at-once",
        "two executions load different sources at the same time",
        steps=(START, START, WAIT, second),
        ends=(End(), End()),
        jobs={1: "SUCCEEDED", 2: "SUCCEEDED"},
    )
    denied = {"name": "denied", **_STOPS[4][1], "match": _in("TransformWithSpark"), "error": _DENIED}
    for name, start, last in (
        ("refused", START, failed("LoadAndRecord", "lines.csv")),
        ("repeated", Step("start", input={"repeat": True}), (End(),)),
    ):
        told = ", with repeat" if name == "repeated" else ""
        yield Case(
            f"source.loaded-meanwhile.{name}",
            f"a job fails{told}, another one loads its source, and then the first one is continued: {name}",
            [denied],
            (start, WAIT, AGAIN, second, Step("continue"), Step("wait", number=3)),
            (*failed("TransformWithSpark", "chaos"), End(), *last),
            {1: "FAILED" if name == "refused" else "SUCCEEDED", 2: "SUCCEEDED"},
        )
    yield Case(
        "source.replaced.redriven",
        "the source is replaced before a redrive of the stage that reads it",
        [{"name": "denied", **_STOPS[2][1], "match": _in("CleanWithPython"), "error": _DENIED}],
        (START, WAIT, Step("call", at="replace the source"), Step("redrive"), WAIT),
        (*failed("CleanWithPython", "chaos"), End()),
    )
    yield from _foreign()
    yield _input("unknown-dataset", {"dataset": "choas"}, "did you mean")
    yield _input("unknown-field", {"datset": "chaos"}, "datset")
    yield _input("foreign-source", {"source_uri": "s3://elsewhere/lines/"}, "raw bucket")
    yield _input("sql-as-source", {"source_uri": "'; DROP TABLE audit.job_run; --"}, "accepted")
    yield Case(
        "input.nothing-there",
        "the source has no file",
        steps=(Step("start", input={"source_uri": "{nowhere}"}), WAIT),
        ends=failed("CleanWithPython"),
    )


def _foreign() -> Iterator[Case]:
    """What lies in a job's places and is another's. A rule keeps the second execution where it is read next."""
    second = Step("wait", number=2)
    both = {1: "SUCCEEDED", 2: "SUCCEEDED"}
    for name, deed, state, failing in (
        ("file-beside-curated-ones", "put a foreign file", "PrepareLoad", ""),
        ("python-manifest", "exchange python.json", "TransformWithSpark", "TransformWithSpark"),
        ("spark-manifest", "exchange spark.json", "ReadSparkManifest", "PrepareLoad"),
    ):
        where = next(rule for known, rule in _STOPS if known == state)
        rule = {
            "name": "slow",
            **where,
            "match": {"state": state, "execution": "{execution2}"},
            "delay": _SECONDS_IN_A_STATE,
        }
        yield Case(
            f"foreign.{name}.{'refused' if failing else 'passed-over'}",
            f"a foreign {name.replace('-', ' ')} of another job, before {state}",
            [rule],
            (START, WAIT, START, Step("enter", number=2, at=state), Step("call", at=deed), second),
            (End(), *failed(failing)) if failing else (End(), End()),
            {1: "SUCCEEDED", 2: "FAILED"} if failing else both,
        )


def _input(name: str, given: dict[str, Any], said: str) -> Case:
    start = Step("start", input=given)
    return Case(f"input.{name}", f"the input has {given}", steps=(start, WAIT), ends=failed("GenerateJobId", said))


def _events() -> Iterator[Case]:
    denied = {"name": "denied", **_STOPS[0][1], "match": _in("GenerateJobId"), "error": _DENIED}
    event = {"name": "event", "at": "event", "match": {"detail.executionArn": "*:{execution}"}}
    once = failed("GenerateJobId", "chaos")
    yield Case("event.twice", "the event of a failure is delivered twice", [denied, {**event, "copies": 2}], ends=once)
    yield Case("event.late", "the event of a failure is delivered late", [denied, {**event, "delay": 2.0}], ends=once)
    later = Case(
        "event.later-than-redrive",
        "the event of a failure is delivered when the redrive has come to a later state: that one is not told as its",
        # Only the first event is late; that of the redrive is not.
        [denied, {**event, "delay": 20.0}],
        (START, END, Step("redrive"), END, Step("recorded")),
        (*once, End()),
    )
    yield cut_short(later, "CleanWithPython")
    yield Case(
        "event.undelivered",
        "the event of a failure is not delivered; a person hands it on from the queue of undelivered ones",
        [denied, {**event, "copies": 0}],
        (START, END, Step("record")),
        once,
    )
    refused, again = (Step("continue"), Step("wait", number=2)), (Step("continue"), Step("wait", number=3))
    lost = Case(
        "event.undelivered.continued",
        "the event of a failure is not delivered: the job is not continued until the recorder has run for it",
        [ends_at("CleanWithPython"), {**event, "copies": 0}],
        (START, END, *refused, Step("record"), *again),
        (*failed("CleanWithPython", "chaos"), End("FAILED", "", "is running"), End()),
    )
    yield cut_short(lost, "TransformWithSpark", "{execution3}")
    yield Case(
        "event.again-after-redrive",
        "the event of a failure comes once more after the redrive has succeeded: it overwrites nothing",
        [denied],
        (*REDRIVEN, Step("record")),
        (*once, End()),
    )


def _in(state: str) -> dict[str, str]:
    return {"state": state, "execution": "{execution}"}

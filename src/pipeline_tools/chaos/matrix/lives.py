"""What happens to whole executions: stopped, redriven, continued, started twice, told of late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from dataset_contract.json_types import JsonObject
from pipeline_tools.chaos.cases import CaseStep, ChaosCase, End, Rule, failed
from pipeline_tools.chaos.matrix.tasks import NESTED, REDRIVEN, SFN, cut_short, ends_at

START, WAIT, END = CaseStep("start"), CaseStep("wait"), CaseStep("end")
AGAIN, REPEATED = CaseStep("again"), CaseStep("again", input={"repeat": True})
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
# As long as another execution needs to be refused on a busy machine.
_SECONDS_OF_A_RUN: Final = 25.0
_DENIED = {"code": "AccessDeniedException", "message": "denied (chaos)", "status": 403}

# By state, a refusal of its call.
DENIED_IN: Mapping[str, Rule] = {state: {**where, "error": _DENIED} for state, where in _STOPS}


def cases() -> Iterator[ChaosCase]:
    """All of them."""
    yield from _stopped()
    yield from _continued()
    yield from _found()
    yield from _finished()
    yield from _sources()
    yield from _events()
    yield from _strange_events()


def _stopped() -> Iterator[ChaosCase]:
    slow: list[Rule] = [
        {"name": f"slow-{state}", **where, "match": _in(state), "delay": _SECONDS_IN_A_STATE} for state, where in _STOPS
    ]
    for (state, _), rule, before in zip(_STOPS, slow, _BEFORE, strict=False):
        case = ChaosCase(
            f"stopped.{state}.redriven",
            f"the execution is stopped in {state}, then redriven",
            [rule],
            (START, CaseStep("stop", at=state), WAIT, CaseStep("redrive"), WAIT),
            (End("ABORTED", state, "Stopped"), End()),
        )
        yield cut_short(case, before)
    late_states = [state for state, _ in _STOPS[_EARLY:]]
    stops = [step for state in late_states for step in (CaseStep("stop", at=state), WAIT, CaseStep("redrive"))]
    yield ChaosCase(
        "stopped.each-late-state.redriven",
        f"the execution is stopped in {', '.join(late_states)}, and redriven after each",
        slow[_EARLY:],
        (START, *stops, WAIT),
        (*(End("ABORTED", state, "Stopped") for state in late_states), End()),
        {1: "SUCCEEDED"},
    )
    waiting = {"name": "throttled", **_STOPS[2][1], "match": _in("CleanWithPython"), "times": 0}
    waiting["error"] = {"code": "ThrottlingException", "message": "Rate exceeded (chaos)"}
    yield ChaosCase(
        "stopped.CleanWithPython.while-retrying",
        "the execution is stopped while CleanWithPython waits to try again: nothing is started afterwards",
        [waiting],
        (START, CaseStep("stop", at="CleanWithPython"), WAIT),
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
    # Where it waits later, its snapshot is old: writing the attempt's row conflicts with who recorded the failure.
    held: tuple[tuple[str, str, list[Rule]], ...] = (
        ("lock-cancelled", "a table", []),
        ("lock-uncancelled", "a table", [uncancelled]),
        ("lock-cancelled-late", "a table", [late]),
        ("turn-uncancelled", "the turn", [uncancelled]),
    )
    for name, locked, rules in held:
        yield ChaosCase(
            f"stopped.LoadAndRecord.waits-for-a-{name}",
            f"the execution is stopped while its load waits for {locked}, and the load is not committed: {name}",
            rules,
            (
                *(START, CaseStep("enter", at="TransformWithSpark"), CaseStep("call", at=f"lock {locked}")),
                CaseStep("enter", at="LoadAndRecord"),
                *(CaseStep("call", at="wait for the load"), CaseStep("stop", at="LoadAndRecord"), WAIT),
                CaseStep("call", at="unlock the table"),
            ),
            (End("ABORTED", "LoadAndRecord", "Stopped"),),
            alone=True,
        )


def _continued() -> Iterator[ChaosCase]:
    # Before GenerateJobId there is nothing to go on with, and after the load nothing is left.
    for (state, where), before in list(zip(_STOPS, _BEFORE, strict=False))[1:]:
        rule = {"name": "denied", **where, "match": _in(state), "error": _DENIED}
        case = ChaosCase(
            f"continued.{state}.by-job-id",
            f"the execution fails in {state}; another one continues its job by the job ID",
            [rule],
            (START, WAIT, CaseStep("continue"), CaseStep("wait", number=2)),
            (*failed(state, "chaos"), End()),
        )
        yield cut_short(case, before, "{execution2}")
    late = _STOPS[_EARLY:-1]
    rules: list[Rule] = []
    steps: list[CaseStep] = [START, WAIT]
    for number, (state, where) in enumerate(late, 1):
        match = {"state": state, "execution": "{execution}" if number == 1 else f"{{execution{number}}}"}
        rules.append({"name": f"denied-{state}", **where, "match": match, "error": _DENIED})
        steps += [CaseStep("continue"), CaseStep("wait", number=number + 1)]
    states = [state for state, _ in late]
    yield ChaosCase(
        "continued.each-late-state.by-job-id",
        f"executions fail in {', '.join(states)}; each time another one continues the job by its ID",
        rules,
        steps,
        (*(end for state in states for end in failed(state, "chaos")), End()),
        {1: "SUCCEEDED"},
    )
    yield ChaosCase(
        "continued.WriteLoadManifest.refused",
        "the execution fails after its rows are loaded; continuing the job is refused, since there is nothing to load",
        [{"name": "denied", **_STOPS[-1][1], "match": _in("WriteLoadManifest"), "error": _DENIED}],
        (START, WAIT, CaseStep("continue"), CaseStep("wait", number=2)),
        (
            *failed("WriteLoadManifest", "chaos", heard="^the rows are loaded"),
            End("FAILED", "", "has succeeded", heard="^another execution has loaded the job"),
        ),
        {1: "SUCCEEDED"},
    )
    yield ChaosCase(
        "continued.older-redriven.refused",
        "the execution fails, another one continues its job and loads it, and then the first one is redriven: it must "
        "not load it again, and people are not told to redrive it once more",
        [{"name": "denied", **_STOPS[2][1], "match": _in("CleanWithPython"), "error": _DENIED}],
        (START, WAIT, CaseStep("continue"), CaseStep("wait", number=2), CaseStep("redrive"), WAIT),
        (
            *failed("CleanWithPython", "chaos", heard="^recorded in audit.job_run"),
            End(),
            *failed("LoadAndRecord", "belongs to execution", heard="^another execution has loaded the job"),
        ),
    )
    yield ChaosCase(
        "continued.done.refused",
        "a job that has succeeded is continued: refused by name",
        steps=(START, WAIT, CaseStep("continue"), CaseStep("wait", number=2)),
        ends=(End(), End("FAILED", "", "has succeeded")),
    )
    running = {"name": "slow", **_STOPS[2][1], "match": _in("CleanWithPython"), "delay": _SECONDS_IN_A_STATE}
    case = ChaosCase(
        "continued.running.refused",
        "a job that runs is continued: refused by name, and the first execution goes on",
        [running],
        (START, CaseStep("enter", at="CleanWithPython"), CaseStep("continue"), CaseStep("wait", number=2), WAIT),
        (End("FAILED", "", "is running"), End()),
    )
    yield cut_short(case, "TransformWithSpark")
    denied = {"name": "denied", **_STOPS[2][1], "match": _in("CleanWithPython"), "error": _DENIED}
    run: Rule = {
        "name": "slow",
        "at": "job_run",
        "match": {"job": "*python*", "arguments.--job_id": "*{id}"},
        "delay": _SECONDS_OF_A_RUN,
    }
    case = ChaosCase(
        "continued.redrive-running.refused",
        "a job is continued while a redrive of its execution works: refused by name, and the redrive goes on",
        [denied, run],
        (
            *(START, WAIT, CaseStep("redrive"), CaseStep("call", at="wait for a job run")),
            *(CaseStep("continue"), CaseStep("wait", number=2), WAIT),
        ),
        (*failed("CleanWithPython", "chaos"), End("FAILED", "GenerateJobId", "is running as execution"), End()),
    )
    yield cut_short(case, "TransformWithSpark")


def _found() -> Iterator[ChaosCase]:
    """Errors of FindJob and FindOwner, which only a continuation has."""
    first = ends_at("CleanWithPython")
    steps = (START, WAIT, CaseStep("continue"), CaseStep("wait", number=2))
    ends = failed("CleanWithPython", "chaos")
    for state, operation, errors in (("FindJob", "StartExecution", NESTED), ("FindOwner", "DescribeExecution", SFN)):
        match = {"state": state, "execution": "{execution2}"}
        where = {"at": "task", "service": "stepfunctions", "operation": operation, "match": match}
        passing = [error for error in errors if error.passes]
        rules = [
            {"name": error.name, **where, "error": error.document("stepfunctions", operation)} for error in passing
        ]
        what = f"{operation} of {state} answers {', '.join(error.code for error in passing)}"
        case = ChaosCase(f"pipeline.{state}.each.passes", what, [first, *rules], steps, (*ends, End()))
        yield cut_short(case, "TransformWithSpark", "{execution2}")
        for error in (error for error in errors if not error.passes):
            rule: Rule = {"name": error.name, **where, "error": error.document("stepfunctions", operation)}
            case = ChaosCase(
                f"pipeline.{state}.{error.name}.redriven",
                f"{operation} of {state} answers {error.code} once; then it is redriven",
                [first, rule],
                (*steps, CaseStep("redrive", number=2), CaseStep("wait", number=2)),
                (*ends, *failed(state), End()),
            )
            yield cut_short(case, "TransformWithSpark", "{execution2}")
    forgotten: Rule = {
        "name": "forgotten",
        "at": "task",
        "service": "stepfunctions",
        "operation": "DescribeExecution",
        "match": {"state": "FindOwner", "execution": "{execution2}"},
        "error": {"code": "ExecutionDoesNotExist", "message": "Execution Does Not Exist (chaos)"},
    }
    what = "Step Functions has forgotten the execution of a job that is continued, as it does after 90 days"
    case = ChaosCase("continued.forgotten.by-job-id", what, [first, forgotten], steps, (*ends, End()))
    yield cut_short(case, "TransformWithSpark", "{execution2}")


def _finished() -> Iterator[ChaosCase]:
    """Errors of RecordAttempt, which only a redrive after the load has."""
    lost = {"name": "lost", **_STOPS[8][1], "match": _in("WriteLoadManifest"), "error": _DENIED}
    where = {**_STOPS[1][1], "match": _in("RecordAttempt")}
    # Those that pass come first.
    rules = [
        {"name": error.name, **where, "error": error.document("stepfunctions", "StartExecution")} for error in NESTED
    ]
    lasting = [error.code for error in NESTED if not error.passes]
    passing = [error.code for error in NESTED if error.passes]
    yield ChaosCase(
        "pipeline.RecordAttempt.each.redriven",
        f"StartExecution of RecordAttempt answers {', '.join(passing)}, which is tried again, then "
        f"{', '.join(lasting)}, with a redrive after each",
        [lost, *rules],
        (*REDRIVEN, *(REDRIVEN[2:] * len(lasting))),
        (*failed("WriteLoadManifest", "chaos"), *(failed("RecordAttempt") * len(lasting)), End()),
        {1: "SUCCEEDED"},
    )


def _sources() -> Iterator[ChaosCase]:
    second = CaseStep("wait", number=2)
    yield ChaosCase(
        "source.loaded-before.refused",
        "a file that another job has loaded is loaded again: refused, naming the job",
        steps=(START, WAIT, AGAIN, second),
        ends=(End(), *failed("LoadAndRecord", "lines.csv")),
        jobs={1: "SUCCEEDED", 2: "FAILED"},
    )
    yield ChaosCase(
        "source.loaded-before.repeated",
        "a file that another job has loaded is loaded again, with repeat: both jobs have its rows",
        steps=(START, WAIT, REPEATED, second),
        ends=(End(), End()),
        jobs={1: "SUCCEEDED", 2: "SUCCEEDED"},
    )
    yield ChaosCase(
        "source.two-at-once",
        "two executions load different sources at the same time",
        steps=(START, START, WAIT, second),
        ends=(End(), End()),
        jobs={1: "SUCCEEDED", 2: "SUCCEEDED"},
    )
    denied = {"name": "denied", **_STOPS[4][1], "match": _in("TransformWithSpark"), "error": _DENIED}
    for name, start, last in (
        ("refused", START, failed("LoadAndRecord", "lines.csv")),
        ("repeated", CaseStep("start", input={"repeat": True}), (End(),)),
    ):
        told = ", with repeat" if name == "repeated" else ""
        yield ChaosCase(
            f"source.loaded-meanwhile.{name}",
            f"a job fails{told}, another one loads its source, and then the first one is continued: {name}",
            [denied],
            (start, WAIT, AGAIN, second, CaseStep("continue"), CaseStep("wait", number=3)),
            (*failed("TransformWithSpark", "chaos"), End(), *last),
            {1: "FAILED" if name == "refused" else "SUCCEEDED", 2: "SUCCEEDED"},
        )
    yield ChaosCase(
        "source.replaced.redriven",
        "the source is replaced before a redrive of the stage that reads it",
        [{"name": "denied", **_STOPS[2][1], "match": _in("CleanWithPython"), "error": _DENIED}],
        (START, WAIT, CaseStep("call", at="replace the source"), CaseStep("redrive"), WAIT),
        (*failed("CleanWithPython", "chaos"), End()),
    )
    yield from _foreign()
    yield from _changed_meanwhile()
    yield _input("unknown-dataset", {"dataset": "choas"}, "did you mean")
    yield _input("unknown-field", {"datset": "chaos"}, "datset")
    yield _input("foreign-source", {"source_uri": "s3://elsewhere/lines/"}, "raw bucket")
    yield _input("sql-as-source", {"source_uri": "'; DROP TABLE audit.job_run; --"}, "accepted")
    yield ChaosCase(
        "input.nothing-there",
        "the source has no file",
        steps=(CaseStep("start", input={"source_uri": "{nowhere}"}), WAIT),
        ends=failed("CleanWithPython"),
    )


def _foreign() -> Iterator[ChaosCase]:
    """What lies in a job's places and is another's. A rule keeps the second execution where it is read next."""
    second = CaseStep("wait", number=2)
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
        yield ChaosCase(
            f"foreign.{name}.{'refused' if failing else 'passed-over'}",
            f"a foreign {name.replace('-', ' ')} of another job, before {state}",
            [rule],
            (START, WAIT, START, CaseStep("enter", number=2, at=state), CaseStep("call", at=deed), second),
            (End(), *failed(failing)) if failing else (End(), End()),
            {1: "SUCCEEDED", 2: "FAILED"} if failing else both,
        )


def _changed_meanwhile() -> Iterator[ChaosCase]:
    """What is refused by name, and made again by another execution that continues the job by its ID."""
    for name, what, deed, state, ends in (
        (
            "rows-of-another-run",
            "another run of the Python stage takes the place of the one whose manifest the execution has read",
            "put another python run",
            "TransformWithSpark",
            failed("PrepareLoad", "two runs of the Python stage were at work"),
        ),
        (
            "another-contract",
            "the Spark stage ran under another contract than the one that is deployed when its rows are to be loaded",
            "put another contract",
            "ReadSparkManifest",
            failed("PrepareLoad", "the contract that is deployed has"),
        ),
        (
            "staged-rows-gone",
            "the staged rows have expired when Spark reads them",
            "delete the staged rows",
            "TransformWithSpark",
            failed("TransformWithSpark", "0 rows in 0 files"),
        ),
    ):
        slow = {"name": "slow", **dict(_STOPS)[state], "match": _in(state), "delay": _SECONDS_IN_A_STATE}
        yield ChaosCase(
            f"continued.{name}.by-job-id",
            f"{what}; another execution continues the job by its ID",
            [slow],
            (
                *(START, CaseStep("enter", at=state), CaseStep("call", at=deed), WAIT),
                *(CaseStep("continue"), CaseStep("wait", number=2)),
            ),
            (*ends, End()),
        )


def _input(name: str, given: JsonObject, said: str) -> ChaosCase:
    start = CaseStep("start", input=given)
    return ChaosCase(f"input.{name}", f"the input has {given}", steps=(start, WAIT), ends=failed("GenerateJobId", said))


def _events() -> Iterator[ChaosCase]:
    denied = {"name": "denied", **_STOPS[0][1], "match": _in("GenerateJobId"), "error": _DENIED}
    # Of the failure, to the recorder: the rules of lineage get events of the same execution, that of its start first.
    match = {"detail.executionArn": "*:{execution}", "rule": "*-pipeline-failed"}
    event = {"name": "event", "at": "event", "match": match}
    once = failed("GenerateJobId", "chaos")
    yield ChaosCase(
        "event.twice", "the event of a failure is delivered twice", [denied, {**event, "copies": 2}], ends=once
    )
    yield ChaosCase(
        "event.late", "the event of a failure is delivered late", [denied, {**event, "delay": 2.0}], ends=once
    )
    later = ChaosCase(
        "event.later-than-redrive",
        "the event of a failure is delivered when the redrive has come to a later state: that one is not told as its",
        # Only the first event is late; that of the redrive is not.
        [denied, {**event, "delay": 20.0}],
        (START, END, CaseStep("redrive"), END, CaseStep("recorded")),
        (*once, End()),
    )
    yield cut_short(later, "CleanWithPython")
    yield ChaosCase(
        "event.undelivered",
        "the event of a failure is not delivered; a person hands it on from the queue of undelivered ones",
        [denied, {**event, "copies": 0}],
        (START, END, CaseStep("record")),
        once,
    )
    refused, again = (
        (CaseStep("continue"), CaseStep("wait", number=2)),
        (CaseStep("continue"), CaseStep("wait", number=3)),
    )
    lost = ChaosCase(
        "event.undelivered.continued",
        "the event of a failure is not delivered: the job is not continued until the recorder has run for it",
        [ends_at("CleanWithPython"), {**event, "copies": 0}],
        (START, END, *refused, CaseStep("record"), *again),
        (*failed("CleanWithPython", "chaos"), End("FAILED", "", "is running"), End()),
    )
    yield cut_short(lost, "TransformWithSpark", "{execution3}")
    unknown: Rule = {
        "name": "unknown",
        "at": "task",
        "service": "stepfunctions",
        "operation": "GetExecutionHistory",
        "match": {"state": "FindFailedState", "executionArn": "*:{execution}"},
        "times": 0,
        "error": {"code": "ExecutionDoesNotExist", "message": "Execution Does Not Exist (chaos)"},
    }
    forgotten = ChaosCase(
        "event.undelivered.forgotten",
        "the event of a failure is not delivered, and Step Functions has forgotten the execution: a person makes the "
        "event of the audit row, and then the job is continued",
        [ends_at("CleanWithPython"), {**event, "copies": 0}, unknown],
        (START, END, CaseStep("call", at="tell of it as forgotten"), *refused),
        (End("FAILED", "", "Forgotten: lost"), End()),
    )
    yield cut_short(forgotten, "TransformWithSpark", "{execution2}")
    yield ChaosCase(
        "event.again-after-redrive",
        "the event of a failure comes once more after the redrive has succeeded: it overwrites nothing",
        [denied],
        (*REDRIVEN, CaseStep("record")),
        (*once, End()),
    )


def _strange_events() -> Iterator[ChaosCase]:
    denied = {"name": "denied", **_STOPS[0][1], "match": _in("GenerateJobId"), "error": _DENIED}
    for name, deed, what in (
        ("of-another-state-machine", "tell of another state machine", "of an execution of another state machine"),
        ("of-no-execution", "tell of no execution", "of an execution that never was"),
    ):
        yield ChaosCase(
            f"strange-event.{name}.refused",
            f"somebody starts the recorder with the event {what}: refused by name, and no job of it is recorded",
            [denied],
            (START, WAIT, CaseStep("call", at=deed)),
            failed("GenerateJobId", "chaos"),
        )


def _in(state: str) -> dict[str, str]:
    return {"state": state, "execution": "{execution}"}

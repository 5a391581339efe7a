"""Errors of the calls of the failure recorder: whatever fails there, people are told once, and the failure is recorded.

The execution that it is told of fails for its input, at once. Which errors of SNS there are:
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from dataset_contract.json_types import JsonObject
from pipeline_tools.chaos.cases import CaseStep, ChaosCase, End, Rule, failed
from pipeline_tools.chaos.matrix.tasks import (
    DENIED,
    GLUE,
    LAMBDA,
    LOOKS,
    NESTED,
    REDSHIFT,
    S3,
    SFN,
    UNREACHED,
    CallError,
)
from pipeline_tools.chaos.matrix.twice import lost_execution, lost_run

_REFUSED: Final = (CaseStep("start", input={"dataset": "choas"}), CaseStep("wait"))
_SNS: Final = (
    CallError("throttled", "ThrottledException", 429),
    CallError("5xx", "InternalErrorException", 500),
    UNREACHED,
    CallError("denied", "AuthorizationErrorException", 403, passes=False),
    CallError("not-found", "NotFoundException", 404, passes=False),
)
# More than the tries of a state that another one goes on for, fewer than those of both.
_A_WHILE: Final = 12


# So many errors in a row are within the tries of every call.
_IN_A_ROW: Final = 4


@dataclass(frozen=True)
class RecorderCall:
    """A state's call.

    Attributes:
        optional: without its answer the failure is recorded all the same, so nothing is tried later.
    """

    state: str
    service: str
    operation: str
    match: Mapping[str, str]
    errors: Sequence[CallError]
    optional: bool = False

    @property
    def row(self) -> list[CallError]:
        """Errors that the retry of the state mends, one after the other."""
        return [error for error in self.errors if error.passes][:_IN_A_ROW]

    @property
    def others(self) -> list[CallError]:
        """The errors of the call that no row has."""
        return [error for error in self.errors if error not in self.row]


_OF_EVENT: Final = {"Payload.detail.executionArn": "*:{execution}"}
CALLS: Final = (
    RecorderCall(
        "StartOnce",
        "stepfunctions",
        "StartExecution",
        {"input.detail.executionArn": "*:{execution}"},
        NESTED,
        optional=True,
    ),
    RecorderCall(
        "FindFailedState",
        "stepfunctions",
        "GetExecutionHistory",
        {"executionArn": "*:{execution}"},
        SFN,
        optional=True,
    ),
    RecorderCall("FindEvidence", "lambda", "Invoke", _OF_EVENT, LAMBDA, optional=True),
    RecorderCall("DescribeFailure", "lambda", "Invoke", _OF_EVENT, LAMBDA),
    RecorderCall(
        "CancelStatements", "stepfunctions", "StartExecution", {"name": "*{id}-cancel-*"}, NESTED, optional=True
    ),
    RecorderCall("RecordFailure", "stepfunctions", "StartExecution", {"name": "*{id}-*"}, NESTED),
    RecorderCall("Notify", "sns", "Publish", {"Message.default.execution_arn": "*:{execution}"}, _SNS),
)


def cases() -> Iterator[ChaosCase]:
    """All of them."""
    for call in CALLS:
        yield from _of(call)
    yield from _evidence()
    yield from _sql()
    yield from _second_delivery()
    yield from _open_work()
    yield from _cancelling()
    yield from _statements()
    yield from _for_ever()


def _of(call: RecorderCall) -> Iterator[ChaosCase]:
    name = f"record-failure.{call.state}"
    row, said = [_rule(call, error, times=1) for error in call.row], f"{call.operation} of {call.state} answers"
    codes = ", ".join(error.code for error in call.row)
    if call.optional:
        state = "" if call.state == "FindFailedState" else "GenerateJobId"
        for number, error in enumerate(call.others):
            # The first one comes after all that a second try mends.
            before, what = (row, f"{said} {codes}, then {error.code}") if number == 0 else ([], f"{said} {error.code}")
            rules = [*before, _rule(call, error, times=0)]
            yield ChaosCase(f"{name}.{error.name}.lasts", f"{what} for ever", rules, _REFUSED, _told_once(state))
    else:
        yield ChaosCase(f"{name}.each.passes", f"{said} {codes}", row, _REFUSED, _told_once())
        for error in (call.row[0], *call.others):
            rule, what = _rule(call, error, times=_A_WHILE), f"{said} {error.code} for some minutes"
            yield ChaosCase(f"{name}.{error.name}.a-while", what, [rule], _REFUSED, _told_once())
    lost = {**_rule(call, replace(call.row[0], name="lost"), times=1), "when": "after"}
    # A message whose answer is lost is sent again: people may be told twice, and never not at all.
    ends = failed("GenerateJobId", "did you mean", told=2 if call.state == "Notify" else 1)
    what = f"the answer of {call.operation} of {call.state} is lost"
    yield ChaosCase(f"{name}.lost-answer.passes", what, [lost], _REFUSED, ends)


def _evidence() -> Iterator[ChaosCase]:
    """ReadFile asks for four files; what it does not get is passed over."""
    slow_down, *others = (error for error in S3 if error is not UNREACHED)
    for name, errors, times in (("each", [UNREACHED, *others], 1), ("slow-down", [slow_down], 0)):
        rules = [_found("ReadFile", "s3", "GetObject", {"Key": "runs/*{id}/*"}, error, times=times) for error in errors]
        what = f"GetObject of ReadFile answers {', '.join(error.code for error in errors)}"
        yield ChaosCase(f"record-failure.ReadFile.{name}.lasts", what, rules, _REFUSED, _told_once())


def _sql() -> Iterator[ChaosCase]:
    """The statement that records the failure, which run-sql starts as it does all others."""
    invalid = next(error for error in REDSHIFT if error.name == "invalid")
    passing = [error for error in REDSHIFT if error.passes][:_IN_A_ROW]
    for name, errors, times in (("each.passes", passing, 1), ("invalid.a-while", [invalid], 3)):
        rules = [_sql_rule(error, times=times) for error in errors]
        what = f"the statement that records the failure meets {', '.join(error.code for error in errors)}"
        yield ChaosCase(f"record-failure.run-sql.{name}", what, rules, _REFUSED, _told_once())


def _second_delivery() -> Iterator[ChaosCase]:
    """A second delivery looks what became of the first one."""
    rules = [
        _found("LookAtFirst", "stepfunctions", "DescribeExecution", {}, error, times=2) for error in SFN if error.passes
    ]
    name = "record-failure.LookAtFirst.each.passes"
    what = "the event comes again, and DescribeExecution of LookAtFirst answers each error that passes, twice"
    # While the first one runs, StartExecution gives that one, and nobody looks.
    yield ChaosCase(name, what, rules, (*_REFUSED, CaseStep("record")), _told_once(), alone=True)


def _open_work() -> Iterator[ChaosCase]:
    """What finds the open work of a stopped execution may fail: Step Functions stops it itself, once.

    What stops it may not: the answer of its start was lost, so that nobody else does.
    """
    run = {"name": "slow", "at": "job_run", "match": {"job": "*python*", "arguments.--job_id": "*{id}"}, "delay": 4.0}
    statement = {"name": "slow", "at": "statement", "match": {"statement_name": "*{id}*register"}, "delay": 4.0}
    for state, service, operation, slow, at, deed in (
        ("FindJobRuns", "glue", "GetJobRuns", run, "CleanWithPython", "job run"),
        ("FindNestedExecutions", "stepfunctions", "ListExecutions", statement, "RegisterJob", "nested execution"),
    ):
        steps = (
            CaseStep("start"),
            CaseStep("call", at=f"wait for a {deed}"),
            CaseStep("stop", at=at),
            CaseStep("wait"),
        )
        errors = [_found(state, service, operation, {}, error, times=n) for error, n in ((UNREACHED, 1), (DENIED, 0))]
        yield ChaosCase(
            f"record-failure.{state}.denied.lasts",
            f"{operation} of {state} has no answer and is then refused for ever; the execution was stopped in {at}",
            [slow, *errors],
            steps,
            (End("ABORTED", at, "Stopped"),),
            alone=True,
        )
    glue = [error for error in GLUE if error.name in ("throttled", "5xx", "slow", "unreached")]
    yield lost_run(
        "record-failure.StopFoundRuns.each.passes",
        f"BatchStopJobRun of a run whose start had no answer answers {', '.join(error.code for error in glue)}",
        [_found("StopFoundRuns", "glue", "BatchStopJobRun", {}, error, times=1) for error in glue],
        alone=True,
    )
    yield lost_execution(
        "record-failure.StopNestedExecution.each.passes",
        "StopExecution of a nested execution whose start had no answer answers each error that passes",
        "register",
        "RegisterJob",
        [
            _found(
                "StopNestedExecution",
                "stepfunctions",
                "StopExecution",
                {"executionArn": "*{id}-register-*"},
                error,
                times=1,
            )
            for error in SFN
            if error.passes
        ],
    )


def _found(state: str, service: str, operation: str, match: Mapping[str, str], error: CallError, *, times: int) -> Rule:
    return {
        "name": error.name,
        "at": "task",
        "service": service,
        "operation": operation,
        "match": {"state": state, **match},
        "times": times,
        "error": error.document(service, operation),
    }


def _cancelling() -> Iterator[ChaosCase]:
    """What cancels the statements of the attempt may fail: a load that is left refuses to commit by itself."""
    where = {"execution": "*{id}-cancel-*"}
    rules = [
        _found("FindOpenStatement", "redshift-data", "ListStatements", where, error, times=1 if error.passes else 0)
        for error in LOOKS
    ]
    what = "ListStatements of FindOpenStatement answers each error that passes, and is then refused for ever"
    yield ChaosCase("run-sql.FindOpenStatement.denied.lasts", what, rules, _REFUSED, _told_once())


def _statements() -> Iterator[ChaosCase]:
    where = {"at": "statement", "match": {"statement_name": "*{id}*fail"}}
    for state in ("FAILED", "forgotten"):
        for when in ("before", "after"):
            rule: JsonObject = {"name": "fault", **where, "state": state, "when": when}
            yield ChaosCase(
                f"record-failure.statement.{state.lower()}-{when}-commit.passes",
                f"the transaction that records the failure is {state} {when} its commit",
                [rule if state == "forgotten" else {**rule, "error": {"message": f"{state} (chaos)"}}],
                _REFUSED,
                _told_once(),
            )


def _for_ever() -> Iterator[ChaosCase]:
    """A day passes, and the recorder fails; when the fault is mended, it is redriven."""
    for call in CALLS:
        if call.optional:
            continue
        error = next(each for each in call.errors if not each.passes)
        yield ChaosCase(
            f"record-failure.{call.state}.for-a-day.redriven",
            f"{call.operation} of {call.state} fails for 24 hours; when it is mended, the recorder is redriven",
            [_rule(call, error, times=0)],
            (*_REFUSED, CaseStep("fault"), CaseStep("call", at="redrive the recorder")),
            _told_once(),
            waits=0.0002,
            alone=True,
        )


def _told_once(state: str = "GenerateJobId") -> tuple[End, ...]:
    return failed(state, "did you mean")


def _rule(call: RecorderCall, error: CallError, *, times: int) -> Rule:
    later = {"DescribeFailure": "Describe*", "RecordFailure": "Record*", "Notify": "Notify*"}
    return MappingProxyType(
        {
            "name": error.name,
            "at": "task",
            "service": call.service,
            "operation": call.operation,
            "match": {"state_machine": "*record-failure", "state": later.get(call.state, call.state), **call.match},
            "times": times,
            "error": error.document(call.service, call.operation),
        }
    )


def _sql_rule(error: CallError, *, times: int) -> Rule:
    return {
        "name": error.name,
        "at": "task",
        "service": "redshift-data",
        "operation": "BatchExecuteStatement",
        "match": {"state": "ExecuteBatch", "execution": "*{id}-fail-*"},
        "times": times,
        "error": error.document("redshift-data"),
    }

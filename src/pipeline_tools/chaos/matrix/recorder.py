"""Errors of the calls of the failure recorder: whatever fails there, people are told once, and the failure is recorded.

The execution that it is told of fails for its input, at once. Which errors of SNS there are:
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pipeline_tools.chaos.cases import Case, End, Rule, Step, failed
from pipeline_tools.chaos.matrix.tasks import DENIED, LAMBDA, LOOKS, NESTED, REDSHIFT, S3, UNREACHED, Error

_REFUSED: Final = (Step("start", input={"dataset": "choas"}), Step("wait"))
_SNS: Final = (
    Error("throttled", "ThrottledException", 429),
    Error("5xx", "InternalErrorException", 500),
    UNREACHED,
    Error("denied", "AuthorizationErrorException", 403, passes=False),
    Error("not-found", "NotFoundException", 404, passes=False),
)
_SFN: Final = (Error("throttled", "ThrottlingException"), UNREACHED, *DENIED[:1])
# More than the tries of a state that another one goes on for, fewer than those of both.
_A_WHILE: Final = 12


@dataclass(frozen=True)
class Call:
    """A state's call. optional: without its answer the failure is recorded all the same, so nothing is tried later."""

    state: str
    service: str
    operation: str
    match: Mapping[str, str]
    errors: Sequence[Error]
    optional: bool = False


_OF_EVENT: Final = {"Payload.detail.executionArn": "*:{execution}"}
CALLS: Final = (
    Call(
        "StartOnce",
        "stepfunctions",
        "StartExecution",
        {"input.detail.executionArn": "*:{execution}"},
        NESTED,
        optional=True,
    ),
    Call(
        "FindFailedState",
        "stepfunctions",
        "GetExecutionHistory",
        {"executionArn": "*:{execution}"},
        _SFN,
        optional=True,
    ),
    Call("FindEvidence", "lambda", "Invoke", _OF_EVENT, LAMBDA, optional=True),
    Call("ReadFile", "s3", "GetObject", {"Key": "runs/*{id}/*"}, S3, optional=True),
    Call("DescribeFailure", "lambda", "Invoke", _OF_EVENT, LAMBDA),
    Call("CancelStatements", "stepfunctions", "StartExecution", {"name": "*{id}-cancel-*"}, NESTED[:4], optional=True),
    Call("RecordFailure", "stepfunctions", "StartExecution", {"name": "*{id}-*"}, NESTED),
    Call("Notify", "sns", "Publish", {"Message.execution_arn": "*:{execution}"}, _SNS),
)


def cases() -> Iterator[Case]:
    """All of them."""
    for call in CALLS:
        yield from _of(call)
    for error in REDSHIFT:
        yield Case(
            f"record-failure.run-sql.{error.name}.{'passes' if error.passes else 'a-while'}",
            f"the statement that records the failure meets {error.code}",
            [_sql_rule(error, times=2 if error.passes else 3)],
            _REFUSED,
            _told_once(),
        )
    yield from _second_delivery()
    yield from _open_work()
    yield from _cancelling()
    yield from _statements()
    yield from _for_ever()


def _of(call: Call) -> Iterator[Case]:
    name = f"record-failure.{call.state}"
    for error in call.errors:
        what = f"{call.operation} of {call.state} answers {error.code}"
        if call.optional:
            state = "" if call.state == "FindFailedState" else "GenerateJobId"
            rule = _rule(call, error, times=0)
            yield Case(f"{name}.{error.name}.lasts", f"{what} for ever", [rule], _REFUSED, _told_once(state))
            continue
        if error.passes:
            rule = _rule(call, error, times=2)
            yield Case(f"{name}.{error.name}.passes", f"{what} twice", [rule], _REFUSED, _told_once())
        rule = _rule(call, error, times=_A_WHILE)
        yield Case(f"{name}.{error.name}.a-while", f"{what} for some minutes", [rule], _REFUSED, _told_once())
    if call.state == "ReadFile":
        return  # there is none, so no answer of it can be lost
    lost = {**_rule(call, next(each for each in call.errors if each.passes), times=1), "when": "after"}
    # A message whose answer is lost is sent again: people may be told twice, and never not at all.
    told = 2 if call.state == "Notify" else 1
    ends = failed("GenerateJobId", "did you mean", told=told)
    yield Case(
        f"{name}.lost-answer.passes", f"the answer of {call.operation} of {call.state} is lost", [lost], _REFUSED, ends
    )


def _second_delivery() -> Iterator[Case]:
    """A second delivery looks what became of the first one."""
    event = {"name": "event", "at": "event", "match": {"detail.executionArn": "*:{execution}"}, "copies": 2}
    for error in (each for each in _SFN if each.passes):
        rule = _found("LookAtFirst", "stepfunctions", "DescribeExecution", {}, error, times=2)
        name = f"record-failure.LookAtFirst.{error.name}.passes"
        what = f"the event comes twice, and DescribeExecution of LookAtFirst answers {error.code} twice"
        yield Case(name, what, [event, rule], _REFUSED, _told_once(), alone=True)


def _open_work() -> Iterator[Case]:
    """What finds and stops the open work of a stopped execution may fail: Step Functions stops it itself, once."""
    run = {"name": "slow", "at": "job_run", "match": {"job": "*python*", "arguments.--job_id": "*{id}"}, "delay": 4.0}
    statement = {"name": "slow", "at": "statement", "match": {"statement_name": "*{id}*register"}, "delay": 4.0}
    history = {"executionArn": "*:{execution}"}
    nested = {"executionArn": "*{id}-register-*"}
    for state, service, operation, match, slow, at, deed in (
        ("FindOpenWork", "stepfunctions", "GetExecutionHistory", history, run, "CleanWithPython", "job run"),
        ("StopJobRun", "glue", "BatchStopJobRun", {}, run, "CleanWithPython", "job run"),
        ("StopNestedExecution", "stepfunctions", "StopExecution", nested, statement, "RegisterJob", "nested execution"),
    ):
        for error in (UNREACHED, DENIED[0]):
            steps = (Step("start"), Step("call", at=f"wait for a {deed}"), Step("stop", at=at), Step("wait"))
            yield Case(
                f"record-failure.{state}.{error.name}.lasts",
                f"{operation} of {state} answers {error.code} for ever, about an execution that was stopped in {at}",
                [slow, _found(state, service, operation, match, error, times=0)],
                steps,
                (End("ABORTED", at, "Stopped"),),
                alone=not match,
            )


def _found(state: str, service: str, operation: str, match: Mapping[str, str], error: Error, *, times: int) -> Rule:
    return {
        "name": error.name,
        "at": "task",
        "service": service,
        "operation": operation,
        "match": {"state": state, **match},
        "times": times,
        "error": error.document(),
    }


def _cancelling() -> Iterator[Case]:
    """What cancels the statements of the attempt may fail: a load that is left refuses to commit by itself."""
    for error in LOOKS:
        rule = {
            "name": error.name,
            "at": "task",
            "service": "redshift-data",
            "operation": "ListStatements",
            "match": {"state": "FindOpenStatement", "execution": "*{id}-cancel-*"},
            "times": 0,
            "error": error.document(),
        }
        name = f"run-sql.FindOpenStatement.{error.name}.lasts"
        what = f"ListStatements of FindOpenStatement answers {error.code} for ever"
        yield Case(name, what, [rule], _REFUSED, _told_once())


def _statements() -> Iterator[Case]:
    where = {"at": "statement", "match": {"statement_name": "*{id}*fail"}}
    for state in ("ABORTED", "FAILED", "forgotten"):
        for when in ("before", "after"):
            rule: dict[str, Any] = {"name": "fault", **where, "state": state, "when": when}
            yield Case(
                f"record-failure.statement.{state.lower()}-{when}-commit.passes",
                f"the transaction that records the failure is {state} {when} its commit",
                [rule if state == "forgotten" else {**rule, "error": {"message": f"{state} (chaos)"}}],
                _REFUSED,
                _told_once(),
            )


def _for_ever() -> Iterator[Case]:
    """A day passes, and the recorder fails; when the fault is mended, it is redriven."""
    for call in CALLS:
        if call.optional:
            continue
        error = next(each for each in call.errors if not each.passes)
        yield Case(
            f"record-failure.{call.state}.for-a-day.redriven",
            f"{call.operation} of {call.state} fails for 24 hours; when it is mended, the recorder is redriven",
            [_rule(call, error, times=0)],
            (*_REFUSED, Step("fault"), Step("call", at="redrive the recorder")),
            _told_once(),
            waits=0.0002,
            alone=True,
        )


def _told_once(state: str = "GenerateJobId") -> tuple[End, ...]:
    return failed(state, "did you mean")


def _rule(call: Call, error: Error, *, times: int) -> Rule:
    later = {"DescribeFailure": "Describe*", "RecordFailure": "Record*", "Notify": "Notify*"}
    return MappingProxyType(
        {
            "name": error.name,
            "at": "task",
            "service": call.service,
            "operation": call.operation,
            "match": {"state_machine": "*record-failure", "state": later.get(call.state, call.state), **call.match},
            "times": times,
            "error": error.document(),
        }
    )


def _sql_rule(error: Error, *, times: int) -> Rule:
    return {
        "name": error.name,
        "at": "task",
        "service": "redshift-data",
        "operation": "BatchExecuteStatement",
        "match": {"state": "ExecuteBatch", "execution": "*{id}-fail-*"},
        "times": times,
        "error": error.document(),
    }

"""Errors of the calls that the pipeline's own states make, by state: each service's real names.

Which errors there are:
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html#API_StartExecution_Errors
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html#aws-glue-api-jobs-runs-StartJobRun
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from aws_facts.errors import NO_ANSWER
from dataset_contract.json_types import JsonObject
from pipeline_tools.chaos.cases import EITHER, CaseStep, ChaosCase, End, Rule, failed

ENDS_HERE: Final = "ends-here"
REDRIVEN: Final = (CaseStep("start"), CaseStep("wait"), CaseStep("redrive"), CaseStep("wait"))


@dataclass(frozen=True)
class CallError:
    """An error of a call.

    Attributes:
        passes: a second try can mend it; else a person has to, and then a redrive.
    """

    name: str
    code: str
    status: int = 400
    passes: bool = True
    message: str = ""

    def document(self, service: str = "", operation: str = "") -> JsonObject:
        """The `error` of a rule at a call of a service."""
        message = self.message or f"{self.name} (chaos)"
        if self.code == NO_ANSWER:
            return {"code": f"{_sdk_prefix(service, operation)}.{NO_ANSWER}", "message": message}
        return {"code": self.code, "message": message, "status": self.status}


def _sdk_prefix(service: str, operation: str) -> str:
    """How Step Functions writes a service in the name of an error that is the SDK's own."""
    prefixes = {"redshift-data": "RedshiftData", "glue": "Glue", "lambda": "Lambda", "s3": "S3", "sns": "SNS"}
    # Executions are started by the integration of their own, and asked about by the SDK's.
    return prefixes.get(service, "StepFunctions" if operation == "StartExecution" else "Sfn")


# What every call may meet: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
DENIED: Final = CallError("denied", "AccessDeniedException", 403, passes=False)
# No service has an error of its own for it, and Step Functions takes new credentials for the next try.
EXPIRED: Final = CallError("expired-credentials", "ExpiredTokenException", 403)
UNREACHED: Final = CallError("unreached", NO_ANSWER, 503)
LAMBDA: Final = (
    CallError("throttled", "TooManyRequestsException", 429),
    CallError("5xx", "ServiceException", 500),
    UNREACHED,
    EXPIRED,
    CallError("exit", "Lambda.Unknown", passes=False, message="Runtime exited with error: exit status 1"),
    CallError("time-out", "States.Timeout", passes=False),
    CallError("not-found", "ResourceNotFoundException", 404, passes=False),
    DENIED,
)
NESTED: Final = (
    CallError("too-many", "ExecutionLimitExceeded"),
    CallError("throttled", "ThrottlingException"),
    CallError("5xx", "ServiceUnavailable", 503),
    UNREACHED,
    EXPIRED,
    CallError("not-found", "StateMachineDoesNotExist", passes=False),
    DENIED,
)
GLUE: Final = (
    CallError("throttled", "ThrottlingException"),
    CallError("5xx", "InternalServiceException", 500),
    CallError("slow", "OperationTimeoutException"),
    CallError("resource-limit", "ResourceNumberLimitExceededException"),
    CallError("concurrent-runs", "ConcurrentRunsExceededException"),
    UNREACHED,
    EXPIRED,
    CallError("not-found", "EntityNotFoundException", passes=False),
    DENIED,
)
S3: Final = (
    CallError("slow-down", "SlowDown", 503),
    CallError("5xx", "InternalError", 500),
    CallError("reset", "RequestTimeout", 400),
    UNREACHED,
    EXPIRED,
    DENIED,
)
# Of the SDK's integration, which asks about executions.
SFN: Final = (CallError("throttled", "ThrottlingException"), UNREACHED, DENIED)
REDSHIFT: Final = (
    CallError("throttled", "ThrottlingException"),
    CallError("5xx", "InternalServerException", 500),
    CallError("paused", "DatabaseConnectionException", 500, message="the cluster is paused"),
    CallError("too-many-statements", "ActiveStatementsExceededException"),
    CallError("too-many-sessions", "ActiveSessionsExceededException"),
    CallError("not-started", "BatchExecuteStatementException", 500),
    UNREACHED,
    EXPIRED,
    CallError("invalid", "ValidationException", passes=False),
    DENIED,
)
LOOKS: Final = (*(each for each in REDSHIFT if each.name in ("throttled", "5xx", "unreached")), EXPIRED, DENIED)


@dataclass(frozen=True)
class TaskCall:
    """A state's call.

    Attributes:
        tries: how often a call is made that is throttled for ever; its errors come one after the other in chunks of
            what that leaves.
        before: the state at which a case of this call is ended, since a job run costs more than all that it shows.
            "" for a call that comes after Spark: there one case has many errors.
    """

    state: str
    service: str
    operation: str
    errors: Sequence[CallError]
    tries: int
    before: str = ""

    @property
    def passing(self) -> list[CallError]:
        """The errors that a retry gets past."""
        return [error for error in self.errors if error.passes]

    @property
    def lasting(self) -> list[CallError]:
        """The errors that no retry gets past."""
        return [error for error in self.errors if not error.passes]


CALLS: Final = (
    TaskCall("GenerateJobId", "lambda", "Invoke", LAMBDA, 7, before="CleanWithPython"),
    TaskCall("RegisterJob", "stepfunctions", "StartExecution", NESTED, 6, before="CleanWithPython"),
    TaskCall("CleanWithPython", "glue", "StartJobRun", GLUE, 6, before="TransformWithSpark"),
    TaskCall("ReadPythonManifest", "s3", "GetObject", S3, 5, before="TransformWithSpark"),
    TaskCall("TransformWithSpark", "glue", "StartJobRun", GLUE, 6),
    TaskCall("ReadSparkManifest", "s3", "GetObject", S3, 5),
    TaskCall("PrepareLoad", "lambda", "Invoke", LAMBDA, 7),
    TaskCall("LoadAndRecord", "stepfunctions", "StartExecution", NESTED, 6),
    TaskCall("WriteLoadManifest", "s3", "PutObject", S3, 5),
)
_BATCH: Final = ("ExecuteBatch", "redshift-data", "BatchExecuteStatement", REDSHIFT, 7)
_LOOK: Final = ("DescribeStatement", "redshift-data", "DescribeStatement", LOOKS, 9)
# Of run-sql: the step that it runs, as the name of its execution has it, and the pipeline's state that waits for it.
SQL_CALLS: Final = (
    ("register", "RegisterJob", TaskCall(*_BATCH, before="CleanWithPython")),
    ("register", "RegisterJob", TaskCall(*_LOOK, before="CleanWithPython")),
    ("load", "LoadAndRecord", TaskCall(*_BATCH)),
    ("load", "LoadAndRecord", TaskCall(*_LOOK)),
    ("load", "LoadAndRecord", TaskCall("ReadResult", "redshift-data", "GetStatementResult", LOOKS, 9)),
)
# So many errors in a row are within the tries of every call.
_IN_A_ROW: Final = 4


def ends_at(state: str, execution: str = "{execution}") -> Rule:
    """A rule that ends an execution at a job run, by a refusal of StartJobRun."""
    return {
        "name": f"{ENDS_HERE}-{state}",
        "at": "task",
        "service": "glue",
        "operation": "StartJobRun",
        "match": {"state": state, "execution": execution},
        "times": 0,
        "error": DENIED.document(),
    }


def cut_short(case: ChaosCase, state: str, execution: str = "{execution}") -> ChaosCase:
    """A case whose last attempt goes on to a job run, and is refused there instead of doing all that comes after."""
    ends = (*case.ends[:-1], *failed(state, "chaos"))
    what = f"{case.what}; it goes on to {state}, where it is refused"
    return replace(case, what=what, faults=[*case.faults, ends_at(state, execution)], ends=ends, jobs=None)


def cases() -> Iterator[ChaosCase]:
    """Every error of every call: errors that pass, that last, and that a redrive follows."""
    late: list[tuple[TaskCall, Mapping[str, str]]] = []
    for name, call, where, state in _calls():
        if call.before:
            yield from _early(name, call, where, state)
        else:
            late.append((call, where))
            yield from _late(name, call, where, state)
    yield from _in_every_state(late)


def _calls() -> Iterator[tuple[str, TaskCall, Mapping[str, str], str]]:
    """The name of its cases, the call, what fits its executions, and the pipeline's state that it is part of."""
    for call in CALLS:
        yield f"pipeline.{call.state}", call, {"state": call.state, "execution": "{execution}"}, call.state
    for step, state, call in SQL_CALLS:
        where = {"state": call.state, "execution": f"*{{id}}-{step}-*"}
        yield f"run-sql.{call.state}.{step}", call, where, state


def _early(name: str, call: TaskCall, where: Mapping[str, str], state: str) -> Iterator[ChaosCase]:
    """A case per error, each ended before the next job run."""
    for error in call.errors:
        what = f"{call.operation} of {state} answers {error.code}"
        if error.passes:
            case = ChaosCase(f"{name}.{error.name}.passes", f"{what} twice", [_rule(call, where, error, times=2)])
        else:
            case = ChaosCase(
                f"{name}.{error.name}.redriven",
                f"{what} once, then it is redriven",
                [_rule(call, where, error, times=1)],
                REDRIVEN,
                (*failed(state, _said(error)), End()),
            )
        yield cut_short(case, call.before)
    yield _lasting(name, call, where, state)
    yield cut_short(_lost(name, call, where, state), call.before)


def _late(name: str, call: TaskCall, where: Mapping[str, str], state: str) -> Iterator[ChaosCase]:
    """One case of all errors that end an attempt, the one that is tried to the end first; a redrive after each."""
    first, *_ = call.passing
    rules = [_rule(call, where, first, times=call.tries), *(_rule(call, where, each, times=1) for each in call.lasting)]
    ends = [end for error in (first, *call.lasting) for end in failed(state, _said(error))]
    yield ChaosCase(
        f"{name}.each.redriven",
        f"{call.operation} of {state} answers {first.code} to every try, and it is redriven; then "
        f"{', '.join(each.code for each in call.lasting)}, with a redrive after each",
        rules,
        (*REDRIVEN[:2], *(REDRIVEN[2:] * len(ends))),
        (*ends, End()),
    )
    if call.state in ("TransformWithSpark", "LoadAndRecord", "ExecuteBatch"):
        yield _lost(name, call, where, state)
    if call.state in ("DescribeStatement", "WriteLoadManifest"):
        yield _lasting(name, call, where, state)


def _in_every_state(late: Sequence[tuple[TaskCall, Mapping[str, str]]]) -> Iterator[ChaosCase]:
    """Errors that pass, in all states from TransformWithSpark on: some in each state, one after the other."""
    most = max(len(call.passing) for call, _ in late)
    for number, start in enumerate(range(0, most, _IN_A_ROW), 1):
        found = [
            {**_rule(call, where, error, times=1), "name": f"{where['state']}-{error.name}"}
            for call, where in late
            for error in call.passing[start : start + _IN_A_ROW]
        ]
        yield ChaosCase(
            f"pipeline.late.errors-{number}.passes",
            f"every call from TransformWithSpark on meets {_IN_A_ROW} of its errors, or what is left of them, in a row",
            found,
        )
    lost = [
        {**_rule(call, where, call.passing[0], times=1), "name": f"{call.state}-lost", "when": "after"}
        for call, where in late
        if call.state not in ("TransformWithSpark", "LoadAndRecord", "ExecuteBatch")
    ]
    what = "the answer is lost of every call after TransformWithSpark that starts nothing"
    yield ChaosCase("pipeline.late.lost-answer.passes", what, lost)


def _lost(name: str, call: TaskCall, where: Mapping[str, str], state: str) -> ChaosCase:
    rule = {**_rule(call, where, replace(call.passing[0], name="lost"), times=1), "when": "after"}
    return ChaosCase(f"{name}.lost-answer.passes", f"the answer of {call.operation} of {state} is lost", [rule])


def _lasting(name: str, call: TaskCall, where: Mapping[str, str], state: str) -> ChaosCase:
    error = call.passing[0]
    # After the commit the rows are there, and the job has succeeded although its execution has not. A look that fails
    # leaves a load that the recorder cancels, unless it is committed first.
    jobs = {"WriteLoadManifest": {1: "SUCCEEDED"}, "DescribeStatement": {1: EITHER}} if not call.before else {}
    what = f"{call.operation} of {state} answers {error.code} for ever"
    rule = _rule(call, where, error, times=0)
    return ChaosCase(f"{name}.{error.name}.lasts", what, [rule], ends=failed(state, "chaos"), jobs=jobs.get(call.state))


def _said(error: CallError) -> str:
    return "Timeout" if error.code == "States.Timeout" else error.message or "chaos"


def _rule(call: TaskCall, where: Mapping[str, str], error: CallError, *, times: int) -> Rule:
    return MappingProxyType(
        {
            "name": error.name,
            "at": "task",
            "service": call.service,
            "operation": call.operation,
            "match": dict(where),
            "times": times,
            "error": error.document(call.service, call.operation),
        }
    )

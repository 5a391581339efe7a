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
from typing import Any, Final

from pipeline_tools.chaos.cases import EITHER, Case, End, Rule, Step, failed

REDRIVEN: Final = (Step("start"), Step("wait"), Step("redrive"), Step("wait"))


@dataclass(frozen=True)
class Error:
    """An error of a call. passes: a second try can mend it; else a person has to, and then a redrive."""

    name: str
    code: str
    status: int = 400
    passes: bool = True
    message: str = ""

    def document(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message or f"{self.name} (chaos)", "status": self.status}


# What every call may meet: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
DENIED: Final = (
    Error("denied", "AccessDeniedException", 403, passes=False),
    Error("expired-credentials", "ExpiredTokenException", 403, passes=False),
)
UNREACHED: Final = Error("unreached", "SdkClientException", 503)
LAMBDA: Final = (
    Error("throttled", "TooManyRequestsException", 429),
    Error("5xx", "ServiceException", 500),
    UNREACHED,
    Error("exit", "Lambda.Unknown", passes=False, message="Runtime exited with error: exit status 1"),
    Error("time-out", "States.Timeout", passes=False),
    Error("not-found", "ResourceNotFoundException", 404, passes=False),
    *DENIED,
)
NESTED: Final = (
    Error("too-many", "ExecutionLimitExceeded"),
    Error("throttled", "ThrottlingException"),
    Error("5xx", "ServiceUnavailable", 503),
    UNREACHED,
    Error("not-found", "StateMachineDoesNotExist", passes=False),
    *DENIED,
)
GLUE: Final = (
    Error("throttled", "ThrottlingException"),
    Error("5xx", "InternalServiceException", 500),
    Error("slow", "OperationTimeoutException"),
    Error("resource-limit", "ResourceNumberLimitExceededException"),
    Error("concurrent-runs", "ConcurrentRunsExceededException"),
    UNREACHED,
    Error("not-found", "EntityNotFoundException", passes=False),
    *DENIED,
)
S3: Final = (
    Error("slow-down", "SlowDown", 503),
    Error("5xx", "InternalError", 500),
    Error("reset", "RequestTimeout", 400),
    UNREACHED,
    *DENIED,
)
REDSHIFT: Final = (
    Error("throttled", "ThrottlingException"),
    Error("5xx", "InternalServerException", 500),
    Error("paused", "DatabaseConnectionException", 500, message="the cluster is paused"),
    Error("too-many-statements", "ActiveStatementsExceededException"),
    Error("too-many-sessions", "ActiveSessionsExceededException"),
    Error("not-started", "BatchExecuteStatementException", 500),
    UNREACHED,
    Error("invalid", "ValidationException", passes=False),
    *DENIED,
)
LOOKS: Final = (*(each for each in REDSHIFT if each.name in ("throttled", "5xx", "unreached")), *DENIED[:1])


@dataclass(frozen=True)
class Call:
    """A state's call. late: reaching it costs a Spark run, so only some errors last there."""

    state: str
    service: str
    operation: str
    errors: Sequence[Error]
    late: bool = False


CALLS: Final = (
    Call("GenerateJobId", "lambda", "Invoke", LAMBDA),
    Call("RegisterJob", "stepfunctions", "StartExecution", NESTED),
    Call("CleanWithPython", "glue", "StartJobRun", GLUE),
    Call("ReadPythonManifest", "s3", "GetObject", S3),
    Call("TransformWithSpark", "glue", "StartJobRun", GLUE),
    Call("ReadSparkManifest", "s3", "GetObject", S3, late=True),
    Call("PrepareLoad", "lambda", "Invoke", LAMBDA, late=True),
    Call("LoadAndRecord", "stepfunctions", "StartExecution", NESTED, late=True),
    Call("WriteLoadManifest", "s3", "PutObject", S3, late=True),
)
# Of run-sql: the step that it runs, as the name of its execution has it, and the pipeline's state that waits for it.
SQL_CALLS: Final = (
    ("register", "RegisterJob", Call("ExecuteBatch", "redshift-data", "BatchExecuteStatement", REDSHIFT)),
    ("register", "RegisterJob", Call("DescribeStatement", "redshift-data", "DescribeStatement", LOOKS)),
    ("load", "LoadAndRecord", Call("ExecuteBatch", "redshift-data", "BatchExecuteStatement", REDSHIFT, late=True)),
    ("load", "LoadAndRecord", Call("DescribeStatement", "redshift-data", "DescribeStatement", LOOKS, late=True)),
    ("load", "LoadAndRecord", Call("ReadResult", "redshift-data", "GetStatementResult", LOOKS, late=True)),
)
# The one error of each kind that is also tried where every try costs a Spark run.
_LATE_LASTING: Final = frozenset({"throttled", "slow-down"})
_LATE_REDRIVEN: Final = frozenset({"denied", "exit"})
_AFTER_COMMIT: Final = frozenset({"WriteLoadManifest", "ReadResult"})


def cases() -> Iterator[Case]:
    """Each error of each call: one that passes, one that lasts, and one that a redrive follows."""
    for call in CALLS:
        where = {"state": call.state, "execution": "{execution}"}
        yield from _of(f"pipeline.{call.state}", call, where, call.state)
    for step, state, call in SQL_CALLS:
        where = {"state": call.state, "execution": f"*{{id}}-{step}-*"}
        yield from _of(f"run-sql.{call.state}.{step}", call, where, state)


def _of(name: str, call: Call, where: Mapping[str, str], state: str) -> Iterator[Case]:
    for error in call.errors:
        base = f"{name}.{error.name}"
        what = f"{call.operation} of {state} answers {error.code}"
        if error.passes:
            yield Case(f"{base}.passes", f"{what} twice", [_rule(call, where, error, times=2)])
            if not call.late or error.name in _LATE_LASTING:
                yield _lasting(f"{base}.lasts", what, call, where, error, state)
        elif not call.late or error.name in _LATE_REDRIVEN:
            yield _redriven(f"{base}.redriven", what, call, where, error, state)
    lost = next(error for error in call.errors if error.passes)
    rule = {**_rule(call, where, replace(lost, name="lost"), times=1), "when": "after"}
    yield Case(f"{name}.lost-answer.passes", f"the answer of {call.operation} of {state} is lost", [rule])


def _lasting(name: str, what: str, call: Call, where: Mapping[str, str], error: Error, state: str) -> Case:
    # After the commit the rows are there, and the job has succeeded although its execution has not.
    jobs = {1: "SUCCEEDED"} if call.state in _AFTER_COMMIT else None
    if call.late and call.state == "DescribeStatement":
        jobs = {1: EITHER}  # whether the recorder cancels the load before it is committed
    rule = _rule(call, where, error, times=0)
    return Case(name, f"{what} for ever", [rule], ends=failed(state, said="chaos"), jobs=jobs)


def _redriven(name: str, what: str, call: Call, where: Mapping[str, str], error: Error, state: str) -> Case:
    said = "Timeout" if error.code == "States.Timeout" else error.message or "chaos"
    return Case(
        name,
        f"{what} once; then it is redriven",
        [_rule(call, where, error, times=1)],
        REDRIVEN,
        (*failed(state, said=said), End()),
    )


def _rule(call: Call, where: Mapping[str, str], error: Error, *, times: int) -> Rule:
    return MappingProxyType(
        {
            "name": error.name,
            "at": "task",
            "service": call.service,
            "operation": call.operation,
            "match": dict(where),
            "times": times,
            "error": error.document(),
        }
    )

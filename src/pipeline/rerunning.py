"""Stop a job, and run one again that has failed: by a redrive where AWS allows it, or else by another execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambda_generate_param.request import InvalidInputError
from pipeline import executions, hints, starting
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.executions import Execution
    from pipeline.jobs import Attempt, Job
    from pipeline.stacks import Stack

REDRIVE, CONTINUE = "redrive", "continue"
ANOTHER_INPUT = "its input was not accepted: start a job with another one, pipeline start --help"
_READS_INPUT = "GenerateJobId"
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
_MOST_OF_A_CAUSE = 32768


class NotPossibleError(PipelineError):
    """The job is in no state in which this can be done; the message says what can."""


@dataclass(frozen=True)
class Rerun:
    """What runs a job again.

    Attributes:
        how: redrive or continue.
        why: in words.
    """

    how: str
    why: str
    execution_arn: str


def stop(stack: Stack, job: Job, reason: str | None) -> str:
    """Stop the execution that works on a job, and return its ARN; record-failure stops what it has left running.

    Raises:
        NotPossibleError: nothing runs.
    """
    if not job.is_running:
        raise NotPossibleError(f"job {job.job_id} does not run: it is {job.status}")
    because = {"cause": reason[:_MOST_OF_A_CAUSE]} if reason else {}
    stack.client("stepfunctions").stop_execution(executionArn=job.execution_arn, **because)
    return job.execution_arn


def rerun(stack: Stack, job: Job) -> Rerun:
    """Run a job again under its ID; what it had finished is not done again.

    Raises:
        NotPossibleError: it runs, has succeeded, has an input that was refused, replays what another one replays too,
            or nobody knows what it was to do.
    """
    client = stack.client("stepfunctions")
    how, why = choose(job, executions.describe(client, job.execution_arn))
    _check_not_replayed_otherwise(stack, job)
    if how == REDRIVE:
        client.redrive_execution(executionArn=job.execution_arn)
        return Rerun(how, why, job.execution_arn)
    return Rerun(how, why, starting.start(stack, {"job_id": job.job_id}).execution_arn)


def _check_not_replayed_otherwise(stack: Stack, job: Job) -> None:
    """Refuse to run a replay again whose rows another one has loaded, or is loading, since it failed or was stopped."""
    from pipeline import jobs

    if not job.replays or job.repeat:
        return
    for other, (status, _) in jobs.replayed_by(stack, job.replays).items():
        if other != job.job_id:
            raise NotPossibleError(
                f"job {job.job_id} replays job {job.replays}, which job {other} replays as well, and that is {status}: "
                f"its rows may be loaded twice; if they are other ones: {_anew(job, repeat=True)}"
            )


def choose(job: Job, execution: Execution | None) -> tuple[str, str]:
    """How a job can be run again, and why so.

    Args:
        execution: its deciding one, None where it is forgotten.

    Raises:
        NotPossibleError: it cannot.
    """
    if job.is_running:
        raise NotPossibleError(f"job {job.job_id} runs as {job.execution_arn}; {hints.command('watch', job.job_id)}")
    if job.status == "SUCCEEDED":
        raise NotPossibleError(
            f"job {job.job_id} has succeeded; its source is run as a new job by: {_anew(job, repeat=True)}"
        )
    *_, own = (attempt for attempt in job.attempts if attempt.execution_arn == job.attempts[0].execution_arn)
    if _is_input_refused(job, own):
        raise NotPossibleError(f"job {job.job_id} failed in {_READS_INPUT}: {ANOTHER_INPUT}")
    refused = _is_input_refused(job, job.attempt)  # of an execution that was to continue the job
    if execution and execution.redrivable and not refused:
        return REDRIVE, f"{job.attempt.failed_state or 'the state that failed'} is run again by the same execution"
    reason = (execution.not_redrivable if execution else None) or "it is no longer known"
    reason = "its input was not accepted" if refused else reason
    reason = f"the execution cannot be redriven: {reason.rstrip('.')}"
    if job.recorded == "SUCCEEDED":
        raise NotPossibleError(f"{reason}; the rows of job {job.job_id} are loaded, so it cannot be continued either")
    if job.recorded == "RUNNING":  # it would be refused: the execution that has ended still has the job
        raise NotPossibleError(
            f"{reason}, and the audit tables still say that job {job.job_id} runs; its end is recorded within a minute "
            "or so, and otherwise as docs/failures.md says"
        )
    if job.recorded is None or job.parameters is None:
        raise NotPossibleError(f"{reason}; what job {job.job_id} was to do is not recorded; start one: {_anew(job)}")
    return CONTINUE, reason


def _is_input_refused(job: Job, attempt: Attempt) -> bool:
    """Whether an attempt failed by its input. A redrive has the same one, and can only fail again.

    The Lambda function reads manifests later on, when the job is registered.
    """
    unregistered = job.recorded is None and job.warehouse_problem is None
    state = attempt.failed_state or (_READS_INPUT if unregistered else None)
    return attempt.status == "FAILED" and is_of_input(state, attempt.error)


def is_of_input(state: str | None, error: str | None) -> bool:
    """Whether what failed in a state is the input; GenerateJobId may also fail otherwise, as by being throttled."""
    return (state, error) == (_READS_INPUT, InvalidInputError.__name__)


def _anew(job: Job, *, repeat: bool = False) -> str:
    """The command that starts a job with the same source."""
    words = ["start", job.dataset or "DATASET", "--source", job.source_uri or "URI"]
    given = job.parameters if isinstance(job.parameters, dict) else {}
    for name, value in given.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words += ["--param", f"{name}={text}"]
    if job.replays:
        words += ["--replays", job.replays]
    words += ["--repeat"] * repeat
    return hints.command(*words)

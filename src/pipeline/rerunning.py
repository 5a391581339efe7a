"""Stop a job, and run one again that has failed: by a redrive where AWS allows it, or else by another execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import executions, hints, starting
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.executions import Execution
    from pipeline.jobs import Job
    from pipeline.stacks import Stack

REDRIVE, CONTINUE = "redrive", "continue"
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
        NotPossibleError: it runs, has succeeded, or nobody knows what it was to do.
    """
    client = stack.client("stepfunctions")
    how, why = choose(job, executions.describe(client, job.execution_arn))
    if how == REDRIVE:
        client.redrive_execution(executionArn=job.execution_arn)
        return Rerun(how, why, job.execution_arn)
    return Rerun(how, why, starting.start(stack, {"job_id": job.job_id}).execution_arn)


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
        raise NotPossibleError(f"job {job.job_id} has succeeded; its source is run as a new job by: {_anew(job)}")
    if execution and execution.redrivable:
        return REDRIVE, f"{job.attempt.failed_state or 'the state that failed'} is run again by the same execution"
    reason = (execution.not_redrivable if execution else None) or "it is no longer known"
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


def _anew(job: Job) -> str:
    """The command that starts a job with the same source."""
    words = ["start", job.dataset or "DATASET", "--source", job.source_uri or "URI"]
    given = job.parameters if isinstance(job.parameters, dict) else {}
    for name, value in given.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words += ["--param", f"{name}={text}"]
    if job.replays:
        words += ["--replays", job.replays]
    if job.status == "SUCCEEDED":
        words.append("--repeat")
    return hints.command(*words)

"""Follow a job until it ends, and find out why it failed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataset_contract.places import Places, failure_of
from pipeline import executions, hints, job_logs, jobs, progress
from pipeline.errors import TimedOutError
from pipeline.executions import OPEN_STATUSES
from pipeline.progress import JOB_STATES, Step

if TYPE_CHECKING:
    from pipeline.job_logs import LogLine
    from pipeline.jobs import Job
    from pipeline.stacks import Stack

# GetExecutionHistory may be called 20 times per second in an account; an endpoint of one's own has no such quota.
_SECONDS, _SECONDS_LOCALLY = 2.0, 0.3
# Whose log and error file tell of a state that failed.
LOG_OF_STATE = {"GenerateJobId": "lambda", "PrepareLoad": "lambda", **JOB_STATES}


@dataclass(frozen=True)
class Sight:
    """What is seen of a job at a moment.

    Attributes:
        steps: of the execution that `status` is of.
    """

    job: Job
    status: str
    steps: tuple[Step, ...]

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self.status not in OPEN_STATUSES


def follow(stack: Stack, job: Job, *, on_sight: Callable[[Sight], None], timeout_seconds: float | None = None) -> Sight:
    """Look at a job until it has ended; on_sight is given what each look has seen.

    Raises:
        TimedOutError: it has not ended in time; it goes on.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while True:
        sight = look(stack, job)
        on_sight(sight)
        if sight.ended:
            return sight
        if deadline is not None and time.monotonic() >= deadline:
            raise TimedOutError(
                f"job {job.job_id} still runs after {timeout_seconds:g} s, and goes on: "
                f"{hints.command('watch', job.job_id)}"
            )
        time.sleep(_SECONDS_LOCALLY if stack.is_local else _SECONDS)


def look(stack: Stack, job: Job) -> Sight:
    """What is to be seen now. Of an execution that Step Functions has forgotten there are no steps."""
    client, attempt = stack.client("stepfunctions"), job.attempt
    described = executions.describe(client, attempt.execution_arn)
    if described is None:
        return Sight(job, attempt.status, ())
    # After the status, so that the history of an execution that has ended is whole.
    events = executions.history(client, attempt.execution_arn)
    return Sight(job, described.status, tuple(progress.steps(events)))


def reason(stack: Stack, sight: Sight) -> tuple[str, str]:
    """The state that failed, or "", and why in the most telling words that are known."""
    attempt = jobs.find(stack, sight.job.job_id).attempt
    failed = next((step for step in reversed(sight.steps) if step.status == progress.FAILED), None)
    state = attempt.failed_state or (failed.state if failed else "")
    said = _left_by_stage(stack, sight.job, LOG_OF_STATE.get(state, "")) if not attempt.failed_state else ""
    cause = said or attempt.cause or (failed.cause if failed else "")
    return state, f"{attempt.error or sight.status}: {cause}" if cause else attempt.error or sight.status


def last_lines(stack: Stack, job: Job, state: str, most: int) -> list[LogLine]:
    """The last log lines of the stage that a state runs, of the newest attempt alone."""
    stage, since = LOG_OF_STATE.get(state), jobs.find(stack, job.execution_arn).attempt.started_at
    lines = job_logs.lines(stack, job, (stage,)) if stage else []
    return [line for line in lines if line.at >= since][-most:]


def _left_by_stage(stack: Stack, job: Job, stage: str) -> str:
    """Why a stage failed, by the file that it leaves at once; the audit tables have it some seconds later."""
    if stage not in ("python", "spark"):
        return ""
    bucket = stack.outputs["lake_bucket"]
    key = failure_of(Places(job.job_id, "", "", bucket, "").manifest_key(stage))
    client = stack.client("s3")
    try:
        return str(json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())["error"])
    except (client.exceptions.NoSuchKey, ValueError, KeyError):
        return ""

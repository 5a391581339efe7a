from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline import rerunning
from pipeline.executions import Execution
from pipeline.jobs import Attempt, Job
from pipeline.rerunning import NotPossibleError

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
JOB_ID = "20261101T000000000Z-497de66f-737f-54f4-9aa4-4a7b8a2c0281"
ARN = "arn:aws:states:us-east-1:000000000000:execution:dev-pipeline:run"


def job(status: str = "FAILED", **change: Any) -> Job:
    attempt = Attempt(ARN, 0, status, BEGAN, failed_state="CleanWithPython")
    given: dict[str, Any] = {
        "dataset": "flights",
        "attempts": (attempt,),
        "source_uri": "s3://raw/a b/",
        "recorded": "FAILED",
    }
    return Job(JOB_ID, **{**given, "parameters": {"exact": True, "limit": 5}, **change})


def execution(redrivable: bool) -> Execution:
    reason = None if redrivable else "Execution was started more than 14 days ago."
    return Execution(ARN, "run", "FAILED", BEGAN, redrivable=redrivable, not_redrivable=reason)


def test_it_is_redriven_where_that_is_allowed_and_continued_elsewhere() -> None:
    assert rerunning.choose(job(), execution(True)) == (
        rerunning.REDRIVE,
        "CleanWithPython is run again by the same execution",
    )
    how, why = rerunning.choose(job(), execution(False))
    assert how == rerunning.CONTINUE
    assert why == "the execution cannot be redriven: Execution was started more than 14 days ago"
    how, why = rerunning.choose(job(), None)
    assert (how, why) == (rerunning.CONTINUE, "the execution cannot be redriven: it is no longer known")


def refused(arn: str = ARN, state: str | None = "GenerateJobId", error: str = "InvalidInputError") -> Attempt:
    return Attempt(arn, 0, "FAILED", BEGAN, failed_state=state, error=error)


@pytest.mark.parametrize(
    "which",
    [
        job(attempts=(refused(),), parameters=None),
        # Not recorded yet, or for good.
        job(attempts=(refused(state=None),), recorded=None, parameters=None),
        # What was to continue it could not help either.
        job(attempts=(refused(), refused("another")), parameters={}),
        job(attempts=(refused(), dataclasses.replace(refused(), redrive_count=1))),
    ],
)
@pytest.mark.parametrize("redrivable", [True, False])
def test_a_job_whose_input_was_refused_is_not_run_again(which: Job, redrivable: bool) -> None:
    with pytest.raises(NotPossibleError) as told:
        rerunning.choose(which, execution(redrivable))
    assert str(told.value) == (
        f"job {JOB_ID} failed in GenerateJobId: its input was not accepted: start a job with another one, "
        "pipeline start --help"
    )


@pytest.mark.parametrize(
    ("attempts", "how"),
    [
        # The function failed by something else, or was stopped.
        ((refused(error="Lambda.TooManyRequestsException"),), rerunning.REDRIVE),
        ((dataclasses.replace(refused(), status="ABORTED"),), rerunning.REDRIVE),
        # The same error of a later state, which the audit tables do not name yet.
        ((refused(state=None),), rerunning.REDRIVE),
        ((refused(state="PrepareLoad"),), rerunning.REDRIVE),
        # It was accepted in the meantime, and failed later.
        ((refused(), dataclasses.replace(refused(state="CleanWithPython"), redrive_count=1)), rerunning.REDRIVE),
        # Its own input was accepted; that of an execution which was to continue it too early was not.
        ((refused(state="CleanWithPython", error="States.TaskFailed"), refused("another")), rerunning.CONTINUE),
    ],
)
def test_any_other_failure_is_run_again(attempts: tuple[Attempt, ...], how: str) -> None:
    assert rerunning.choose(job(attempts=attempts), execution(True))[0] == how


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (job("RUNNING"), f"runs as {ARN}; pipeline watch {JOB_ID}"),
        (
            job("SUCCEEDED"),
            "pipeline start flights --source 's3://raw/a b/' --param exact=true --param limit=5 --repeat",
        ),
        (job(recorded=None, parameters={}, replays="an-earlier-job"), "'s3://raw/a b/' --replays an-earlier-job"),
        (job(recorded="SUCCEEDED"), "are loaded, so it cannot be continued either"),
        (job(recorded="RUNNING"), f"the audit tables still say that job {JOB_ID} runs; its end is recorded within"),
        (job(recorded=None), "is not recorded; start one: pipeline start flights --source"),
        (job(parameters=None, dataset=None, source_uri=None), "start one: pipeline start DATASET --source URI"),
    ],
)
def test_what_cannot_be_run_again_says_what_can_be_done(which: Job, said: str) -> None:
    with pytest.raises(NotPossibleError) as refused:
        rerunning.choose(which, None)
    assert said in str(refused.value)

from __future__ import annotations

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
    given = {"dataset": "flights", "source_uri": "s3://raw/a b/", "recorded": "FAILED"}
    return Job(JOB_ID, (attempt,), **{**given, "parameters": {"exact": True, "limit": 5}, **change})


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

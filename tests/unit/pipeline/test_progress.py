from __future__ import annotations

<<<<<<< HEAD
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import yaml

from pipeline import progress
from pipeline.progress import DONE, FAILED, RUNNING
from pipeline_tools.environments import ROOT

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def events(*given: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Events, a second apart, each with its type and what its details are."""
    number = count()
    return [{"type": kind, "timestamp": BEGAN + timedelta(seconds=next(number)), **details} for kind, details in given]


def entered(state: str) -> tuple[str, dict[str, Any]]:
    return "TaskStateEntered", {"stateEnteredEventDetails": {"name": state}}


def left(state: str, output: Any) -> tuple[str, dict[str, Any]]:
    return "TaskStateExited", {"stateExitedEventDetails": {"name": state, "output": json.dumps(output)}}


SCHEDULED = ("TaskScheduled", {"taskScheduledEventDetails": {"resourceType": "glue"}})
SUBMITTED = (
    "TaskSubmitted",
    {"taskSubmittedEventDetails": {"output": json.dumps({"JobName": "python", "JobRunId": "jr_1"})}},
)
FAILED_TASK = ("TaskFailed", {"taskFailedEventDetails": {"error": "Glue.AWSGlueException", "cause": "Rate exceeded"}})
ENDED = ("ExecutionFailed", {"executionFailedEventDetails": {"error": "States.TaskFailed", "cause": "exit code 1"}})


def test_the_states_are_those_of_the_state_machine_in_their_order() -> None:
    text = (ROOT / "infra/state_machines/pipeline.asl.yaml").read_text(encoding="utf-8")
    states = yaml.safe_load(text)["States"]
    assert [name for name in states if name in progress.STATES] == list(progress.STATES)
    # Those are not on the way of every job.
    assert set(states) - set(progress.STATES) == {"FindJob", "RecordAttempt"}


def test_a_running_state_says_what_it_waits_for() -> None:
    so_far = [entered("CleanWithPython")]
    for event, waits_for, tries in (
        (SCHEDULED, "a Glue job run", 1),
        (FAILED_TASK, "another try, after Glue.AWSGlueException", 1),
        (SCHEDULED, "a Glue job run", 2),
        (SUBMITTED, "Glue job run jr_1", 2),
    ):
        so_far.append(event)
        (step,) = progress.steps(events(*so_far))
        assert (step.status, step.waits_for, step.tries) == (RUNNING, waits_for, tries)
    assert step.job_run == ("python", "jr_1")
    assert step.seconds(BEGAN + timedelta(seconds=9)) == 9


def test_a_state_that_was_left_has_its_time_and_its_rows() -> None:
    rows = {"rows_in": 5, "rows_loaded": {"one": 2, "two": 3}, "job_id": "x"}
    (step,) = progress.steps(events(entered("LoadAndRecord"), SCHEDULED, FAILED_TASK, left("LoadAndRecord", rows)))
    assert (step.status, step.seconds(BEGAN), step.rows) == (DONE, 3, {"rows_in": 5, "rows_loaded": 5})
    assert (step.waits_for, step.error, step.cause) == ("", "", "")


def test_the_state_in_which_an_execution_ended_has_failed_and_the_others_have_not() -> None:
    given = events(entered("RegisterJob"), left("RegisterJob", {}), entered("CleanWithPython"), SCHEDULED, ENDED)
    first, last = progress.steps(given)
    assert (first.status, last.status) == (DONE, FAILED)
    assert (last.error, last.cause, last.seconds(BEGAN)) == ("States.TaskFailed", "exit code 1", 2)
    timed_out = progress.steps(events(entered("CleanWithPython"), ("ExecutionTimedOut", {})))
    assert (timed_out[0].status, timed_out[0].error) == (FAILED, "TimedOut")


def test_a_redrive_goes_on_with_the_state_that_had_failed() -> None:
    so_far = [entered("CleanWithPython"), SCHEDULED, ENDED, ("ExecutionRedriven", {})]
    (step,) = progress.steps(events(*so_far))
    assert (step.status, step.error, step.tries, step.left_at) == (RUNNING, "", 0, None)
    (step,) = progress.steps(events(*so_far, SCHEDULED, left("CleanWithPython", {})))
    assert (step.status, step.seconds(BEGAN), step.tries) == (DONE, 2, 1)


def test_without_execution_data_there_are_no_rows_and_no_run() -> None:
    submitted: tuple[str, dict[str, Any]] = ("TaskSubmitted", {"taskSubmittedEventDetails": {}})
    exited: tuple[str, dict[str, Any]] = ("TaskStateExited", {"stateExitedEventDetails": {"name": "CleanWithPython"}})
    (step,) = progress.steps(events(entered("CleanWithPython"), SCHEDULED, submitted, exited))
    assert (step.status, step.rows, step.job_run) == (DONE, {}, None)
=======
from pipeline.evidence.histories import read
from pipeline.evidence.progress import STATES, Expectation, Progress
from tests.unit.pipeline.test_histories import END, START, entered, exited, history, scheduled, submitted, succeeded

CLEANING = [START, entered("RegisterJob"), exited("RegisterJob"), entered("CleanWithPython"), scheduled()]


def progress(status: str, *more: tuple[str, dict[str, object]]) -> Progress:
    return Progress(status, read(history(*CLEANING, *more)), recorded=None, failed_state=None)


def test_what_a_job_has_passed_is_expected_and_what_is_before_it_is_not() -> None:
    running = progress("RUNNING")
    assert running.done("RegisterJob") == Expectation(True)
    assert running.done("CleanWithPython") == Expectation(False, "CleanWithPython still runs")
    assert running.done("TransformWithSpark") == Expectation(False, "the job is at CleanWithPython")


def test_what_a_state_has_started_is_expected_before_it_has_ended() -> None:
    assert not progress("RUNNING").begun("CleanWithPython").expected
    assert progress("RUNNING", submitted(JobRunId="jr")).begun("CleanWithPython").expected
    assert not progress("RUNNING", submitted(JobRunId="jr")).done("CleanWithPython").expected


def test_a_job_that_ended_says_how_and_where() -> None:
    stopped = progress("ABORTED", ("ExecutionAborted", {}))
    assert stopped.done("CleanWithPython").reason == "CleanWithPython was stopped"
    assert stopped.done("LoadAndRecord").reason == "the job was stopped at CleanWithPython"
    assert progress("FAILED", END).done("LoadAndRecord").reason == "the job failed at CleanWithPython"
    assert (
        progress("TIMED_OUT", ("ExecutionTimedOut", {})).done("CleanWithPython").reason == "CleanWithPython timed out"
    )


def test_an_attempt_that_went_on_makes_up_for_one_that_failed() -> None:
    redriven = progress(
        "SUCCEEDED", END, ("ExecutionRedriven", {}), scheduled(), succeeded(), exited("CleanWithPython")
    )
    assert redriven.done("CleanWithPython").expected


def test_of_a_forgotten_history_the_audit_row_says_how_far_it_came() -> None:
    loaded = Progress("UNKNOWN", [], recorded="SUCCEEDED", failed_state=None)
    assert all(loaded.done(state).expected for state in STATES)
    failed = Progress("FAILED", [], recorded="FAILED", failed_state="TransformWithSpark")
    assert failed.done("ReadPythonManifest").expected
    assert failed.done("TransformWithSpark") == Expectation(False, "the job failed at TransformWithSpark")
    assert not failed.done("LoadAndRecord").expected
    lost = Progress("UNKNOWN", [], recorded="RUNNING", failed_state=None)
    assert "no record says" in lost.done("RegisterJob").reason
>>>>>>> 96539cb (Trace a job by what each service says, and name what is missing)

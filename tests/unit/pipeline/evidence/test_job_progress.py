from __future__ import annotations

from pipeline.evidence.histories import read
from pipeline.evidence.job_progress import STATES, Expectation, JobProgress
from tests.unit.pipeline.evidence.test_histories import (
    END,
    START,
    entered,
    exited,
    history,
    scheduled,
    submitted,
    succeeded,
)

CLEANING = [START, entered("RegisterJob"), exited("RegisterJob"), entered("CleanWithPython"), scheduled()]


def progress(status: str, *more: tuple[str, dict[str, object]]) -> JobProgress:
    return JobProgress(status, read(history(*CLEANING, *more)), recorded=None, failed_state=None)


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
    loaded = JobProgress("UNKNOWN", [], recorded="SUCCEEDED", failed_state=None)
    assert all(loaded.done(state).expected for state in STATES)
    failed = JobProgress("FAILED", [], recorded="FAILED", failed_state="TransformWithSpark")
    assert failed.done("ReadPythonManifest").expected
    assert failed.done("TransformWithSpark") == Expectation(False, "the job failed at TransformWithSpark")
    assert not failed.done("LoadAndRecord").expected
    lost = JobProgress("UNKNOWN", [], recorded="RUNNING", failed_state=None)
    assert "no record says" in lost.done("RegisterJob").reason

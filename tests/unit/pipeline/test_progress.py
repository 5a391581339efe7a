from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import yaml

from lambda_emit_lineage.events import STAGE_OF_STATE
from pipeline import progress, watching
from pipeline.evidence import hops
from pipeline.evidence.states import STEPS
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


STATE_MACHINES = ROOT / "infra/state_machines"


def states_of_pipeline() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((STATE_MACHINES / "pipeline.asl.yaml").read_text(encoding="utf-8"))["States"]
    return found


def states_that_call(resource: str) -> set[str]:
    return {name for name, state in states_of_pipeline().items() if resource in state.get("Resource", "")}


def test_what_is_known_of_a_state_is_of_a_state_that_is_there() -> None:
    assert set(progress.JOB_STATES) == states_that_call("glue:startJobRun")
    assert set(STEPS) == states_that_call("states:startExecution")
    states = states_of_pipeline()
    recorder = (STATE_MACHINES / "record-failure.asl.yaml").read_text(encoding="utf-8")
    told = re.search(r"\$stage := \$lookup\({([^}]*)}", recorder)
    assert told
    of_message = dict(re.findall(r"'(\w+)': '(\w+)'", told[1]))
    assert {name: of_message[name] for name in STAGE_OF_STATE} == STAGE_OF_STATE
    for known in (of_message, watching.LOG_OF_STATE, hops.RECORDING, STAGE_OF_STATE):
        assert set(known) <= set(states)


def test_the_states_are_those_of_the_state_machine_in_their_order() -> None:
    states = states_of_pipeline()
    assert [name for name in states if name in progress.STATES] == list(progress.STATES)
    # Those are not on the way of every job.
    assert set(states) - set(progress.STATES) == {"FindJob", "IsOwnedByAnother", "FindOwner", "RecordAttempt"}


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

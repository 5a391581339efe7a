"""How far an execution of the pipeline has come, by the events of its history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from dataset_contract.json_types import JsonMapping, JsonObject

# The states that every job goes through, in their order; infra/state_machines/pipeline.asl.yaml has them.
STATES = (
    *("IsContinued", "GenerateJobId", "RegisterJob", "CleanWithPython", "ReadPythonManifest", "TransformWithSpark"),
    *("ReadSparkManifest", "PrepareLoad", "LoadAndRecord", "WriteLoadManifest", "IsAttemptRecorded", "JobSucceeded"),
)
# Of the states that wait for a Glue job run: its stage.
JOB_STATES = {"CleanWithPython": "python", "TransformWithSpark": "spark"}
RUNNING, DONE, FAILED = "running", "done", "failed"
_FAILED_TASKS = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
    "TaskStartFailed": "taskStartFailedEventDetails",
    "TaskSubmitFailed": "taskSubmitFailedEventDetails",
}
_ENDS = {
    "ExecutionFailed": "executionFailedEventDetails",
    "ExecutionTimedOut": "executionTimedOutEventDetails",
    "ExecutionAborted": "executionAbortedEventDetails",
}
_WORK = {"lambda": "the Lambda function", "glue": "a Glue job run", "states": "SQL", "aws-sdk:s3": "S3"}


@dataclass
class Step:
    """A state that was entered.

    Attributes:
        tries: how often its task was scheduled.
        waits_for: in words, while it runs.
        job_run: name and ID of the newest Glue job run that it started.
        nested: ARN of the newest execution that it started.
        rows: what its output counts.
    """

    state: str
    entered_at: datetime
    left_at: datetime | None = None
    status: str = RUNNING
    tries: int = 0
    waits_for: str = ""
    job_run: tuple[str, str] | None = None
    nested: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    error: str = ""
    cause: str = ""

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken until now."""
        return ((self.left_at or now) - self.entered_at).total_seconds()


def steps(events: Iterable[JsonMapping]) -> list[Step]:
    """The steps of an execution, in the order of its history; a redrive goes on with the one that had failed."""
    found: list[Step] = []
    for event in events:
        if "stateEnteredEventDetails" in event:
            found.append(Step(event["stateEnteredEventDetails"]["name"], event["timestamp"]))
        elif found:
            _change(found[-1], event)
    return found


def _change(step: Step, event: JsonMapping) -> None:
    """Bring a step up to an event."""
    kind: str = event["type"]
    if "stateExitedEventDetails" in event:
        step.status, step.left_at, step.waits_for = DONE, event["timestamp"], ""
        step.error = step.cause = ""
        step.rows = _rows(event["stateExitedEventDetails"].get("output"))
    elif kind == "TaskScheduled":
        step.tries += 1
        step.waits_for = _WORK.get(event["taskScheduledEventDetails"]["resourceType"], "its task")
    elif kind == "TaskSubmitted":
        _submitted(step, event["taskSubmittedEventDetails"].get("output"))
    elif kind in _FAILED_TASKS:
        details = event.get(_FAILED_TASKS[kind], {})
        step.error, step.cause = details.get("error") or kind, details.get("cause") or ""
        step.waits_for = f"another try, after {step.error}"
    elif kind in _ENDS and step.status == RUNNING:
        details = event.get(_ENDS[kind], {})
        step.status, step.left_at, step.waits_for = FAILED, event["timestamp"], ""
        step.error = details.get("error") or kind.removeprefix("Execution")
        step.cause = details.get("cause") or step.cause
    elif kind == "ExecutionRedriven":
        # What is shown of it from now on is this attempt.
        step.status, step.entered_at, step.left_at, step.tries = RUNNING, event["timestamp"], None, 0
        step.error = step.cause = ""


def _submitted(step: Step, output: str | None) -> None:
    """What a task with .sync has started, by the answer of the service. It is not there without execution data."""
    answer = _json(output)
    if "JobRunId" in answer:
        step.job_run = (answer.get("JobName", ""), answer["JobRunId"])
        step.waits_for = f"Glue job run {answer['JobRunId']}"
    elif "ExecutionArn" in answer:
        step.nested = answer["ExecutionArn"]
        step.waits_for = f"SQL, execution {answer['ExecutionArn'].rpartition(':')[2]}"


def _rows(output: str | None) -> dict[str, int]:
    """rows_in and the like; of a count for each table their sum."""
    counted: dict[str, int] = {}
    for name, value in _json(output).items():
        if name.startswith("rows_"):
            counted[name] = sum(value.values()) if isinstance(value, dict) else value
    return counted


def _json(text: str | None) -> JsonObject:
    try:
        document = json.loads(text or "{}")
    except ValueError:  # cut, since it was too long
        return {}
    return document if isinstance(document, dict) else {}

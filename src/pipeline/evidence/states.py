"""Ask Step Functions (and the Data API about the statements that nested executions ran)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from dataset_contract.json_types import JsonObject
from pipeline import executions
from pipeline.evidence.asking import answer
from pipeline.evidence.histories import StateRun, read
from pipeline.evidence.model import Nested, Ran, Told
from pipeline.jobs import Attempt, Job
from pipeline.stacks import Stack

# The states of the pipeline that run SQL, with the step that names of nested executions and statements carry.
STEPS = {"FindJob": "find", "RegisterJob": "register", "LoadAndRecord": "load", "RecordAttempt": "finish"}
FAILURES = ("FAILED", "TIMED_OUT", "ABORTED")


def ran(stack: Stack, arn: str) -> Ran | None:
    """An execution with its whole history; None where Step Functions does not know it."""
    client = stack.client("stepfunctions")
    execution = executions.describe(client, arn)
    if execution is None:
        return None
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
    return Ran(execution, read([event for page in pages for event in page["events"]]))


def nested_of(stack: Stack, job: Job, states: Sequence[StateRun]) -> list[tuple[str, str]]:
    """Step and ARN of the nested executions that the job's attempts have started, by their histories.

    Where the histories are forgotten, those of the names that they would have.
    """
    started = [
        (STEPS[state.name], str(tried.submitted["ExecutionArn"]))
        for state in states
        if state.name in STEPS
        for tried in state.tries
        if "ExecutionArn" in tried.submitted
    ]
    return started or [
        (step, _nested_arn(stack, job, attempt, step)) for attempt in job.attempts for step in ("register", "load")
    ]


def nested(stack: Stack, step: str, arn: str) -> Nested:
    """A nested execution, and its statement as the Data API tells it."""
    run = answer(ran, stack, arn)
    identifier = _statement_of(run.value.states) if run.value else None
    if identifier is None:
        return Nested(step, arn, run)
    return Nested(step, arn, run, identifier, answer(_statement, stack, identifier))


def told(stack: Stack, attempt: Attempt) -> Told:
    """The execution of record-failure that tells of a failed attempt: its name is made of the event."""
    machine: str = stack.outputs["record_failure_state_machine_arn"]
    event = f"{attempt.execution_arn}#{attempt.redrive_count}#{attempt.status}"
    name = f"failed-{hashlib.sha256(event.encode()).hexdigest()[:40]}"
    arn = f"{machine.replace(':stateMachine:', ':execution:', 1)}:{name}"
    return Told(attempt, arn, answer(ran, stack, arn))


def published(states: Iterable[StateRun]) -> tuple[StateRun, Any] | None:
    """The state of record-failure that published a message, and the message."""
    for state in states:
        if state.name in ("Notify", "NotifyLater"):
            for tried in state.tries:
                if tried.is_done and isinstance(tried.parameters, dict):
                    return state, tried.parameters.get("Message")
    return None


def _nested_arn(stack: Stack, job: Job, attempt: Attempt, step: str) -> str:
    machine: str = stack.outputs["run_sql_state_machine_arn"]
    attempted = executions.mark_of(attempt.execution_arn, attempt.redrive_count)
    return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{job.job_id}-{step}-{attempted}-0"


def _statement_of(states: Sequence[StateRun]) -> str | None:
    """The ID of the last statement that a nested execution started."""
    answers = [
        tried.output
        for state in states
        if state.name == "ExecuteBatch"
        for tried in state.tries
        if isinstance(tried.output, dict) and "Id" in tried.output
    ]
    return str(answers[-1]["Id"]) if answers else None


def _statement(stack: Stack, identifier: str) -> JsonObject:
    return dict(stack.client("redshift-data").describe_statement(Id=identifier))

"""What an execution started and nobody waits for any more is stopped, and nothing is started after its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.unit.local_aws.engines.step_functions.conftest import Functions, Machine
from tests.waiting import SECONDS

FOREVER = {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}
START = {"Resource": "arn:aws:states:::glue:startJobRun.sync", "Arguments": {"JobName": "j"}}
GLUE = {"Type": "Task", **START, "End": True}
AGAIN = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3000, "MaxAttempts": 3}]


def answer_as_itself(functions: Functions) -> None:
    """Have the service's own API answer tasks that call Step Functions."""

    def ask(operation: str) -> Any:
        def answer(request: Any) -> Any:
            found = functions.ask(operation, **request)
            return {
                name: value.timestamp() if isinstance(value, datetime) else getattr(value, "value", value)
                for name, value in found.items()
                if not isinstance(value, dict)
            }

        return answer

    functions.answers |= {
        name: ask(name[0].upper() + name[1:]) for name in ("startExecution", "describeExecution", "stopExecution")
    }


def nested(functions: Functions, **fields: Any) -> tuple[Machine, str]:
    """A state machine with a task that waits for an execution that does not end, and that execution's ARN."""
    answer_as_itself(functions)
    child = functions.machine(FOREVER, name="child")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": child.arn, "Name": "one"},
        "End": True,
        **fields,
    }
    return functions.machine({"Run": task}, name="parent"), child.arn.replace(":stateMachine:", ":execution:") + ":one"


def run_out(functions: Functions, arn: str) -> None:
    """Have the time of an execution end now."""
    functions.service.store.executions[arn].exec_worker.time_out_after(0)


@pytest.mark.parametrize("how", ["the task times out", "the execution times out", "stopped"])
def test_a_nested_execution_ends_with_the_task_that_waits_for_it(functions: Functions, how: str) -> None:
    functions.client_for("us-east-1", "stepfunctions", None)  # making one takes a while
    parent, child = nested(functions, **({"TimeoutSeconds": 3} if how == "the task times out" else {}))
    arn = parent.start()
    functions.reached(arn, "TaskSubmitted")
    if how == "the execution times out":
        run_out(functions, arn)
    elif how == "stopped":
        functions.ask("StopExecution", executionArn=arn)
    functions.ended(arn)
    assert functions.ended(child)["status"] == "ABORTED"
    # Nothing says that the task came to an end by itself.
    last = {"stopped": ["ExecutionAborted"], "the execution times out": ["ExecutionTimedOut"]}
    types = functions.types(arn)
    assert types[types.index("TaskSubmitted") + 1 :] == last.get(how, ["TaskTimedOut", "ExecutionFailed"])


@pytest.mark.parametrize("how", ["the task times out", "the execution times out", "stopped"])
def test_a_job_run_whose_start_was_under_way_at_the_end_is_stopped(functions: Functions, how: str) -> None:
    asked, go_on, stopped = threading.Event(), threading.Event(), threading.Event()

    def start(_: Any) -> Any:
        asked.set()
        go_on.wait(SECONDS)
        return {"JobRunId": "jr"}

    def stop(request: Any) -> Any:
        assert request == {"JobName": "j", "JobRunIds": ["jr"]}
        stopped.set()
        return {}

    functions.answers |= {"startJobRun": start, "batchStopJobRun": stop}
    functions.answers["getJobRun"] = lambda _: {"JobRun": {"Id": "jr", "JobRunState": "RUNNING"}}
    functions.client_for("us-east-1", "glue", None)  # making one takes a while
    state = {**GLUE, "TimeoutSeconds": 1} if how == "the task times out" else GLUE
    arn = functions.machine({"Run": state}).start()
    assert asked.wait(SECONDS)
    if how == "the execution times out":
        run_out(functions, arn)
    elif how == "stopped":
        functions.ask("StopExecution", executionArn=arn)
    functions.ended(arn)
    go_on.set()
    assert stopped.wait(SECONDS)


@pytest.mark.parametrize("how", ["timed out", "stopped"])
@pytest.mark.parametrize("depth", ["in the machine", "in a Map", "in a Parallel"])
def test_the_wait_for_a_retry_ends_with_the_execution(functions: Functions, how: str, depth: str) -> None:
    started: list[Any] = []

    def start(request: Any) -> Any:
        started.append(request)
        return "ConcurrentRunsExceededException", "later"

    functions.answers["startJobRun"] = start
    functions.client_for("us-east-1", "glue", None)
    states: dict[str, Any] = {"Run": {**GLUE, "Retry": AGAIN}}
    inner = {"StartAt": "Run", "States": states}
    if depth == "in a Map":
        states = {"All": {"Type": "Map", "Items": [1], "ItemProcessor": inner, "End": True}}
    elif depth == "in a Parallel":
        states = {"All": {"Type": "Parallel", "Branches": [inner], "End": True}}
    arn = functions.machine(states).start()
    functions.reached(arn, "TaskFailed")
    if how == "timed out":
        run_out(functions, arn)
    else:
        functions.ask("StopExecution", executionArn=arn)
    functions.ended(arn)
    for thread in [found for found in threading.enumerate() if found.name == "program"]:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert len(started) == 1


def test_nothing_is_started_once_the_execution_has_ended(functions: Functions) -> None:
    """The end comes after the task began and before it asks the service."""
    begun, go_on = threading.Event(), threading.Event()
    started: list[Any] = []

    def permit(*_: Any) -> None:
        begun.set()
        go_on.wait(SECONDS)

    def start(request: Any) -> Any:
        started.append(request)
        return {"JobRunId": "jr"}

    functions.permit = permit
    functions.answers |= {"startJobRun": start, "batchStopJobRun": lambda _: {}}
    functions.client_for("us-east-1", "glue", None)
    arn = functions.machine({"Run": GLUE}).start()
    assert begun.wait(SECONDS)
    functions.ask("StopExecution", executionArn=arn)
    before = [found for found in threading.enumerate() if "_exec_and_notify" in found.name]
    assert before
    go_on.set()
    for thread in before:
        thread.join(SECONDS)
    assert started == []


def test_a_look_that_is_throttled_does_not_leave_the_job_run(functions: Functions) -> None:
    looks: Iterator[Any] = iter(
        [("ThrottlingException", "Rate exceeded"), {"JobRun": {"Id": "jr", "JobRunState": "SUCCEEDED"}}]
    )
    functions.answers |= {"startJobRun": lambda _: {"JobRunId": "jr"}, "getJobRun": lambda _: next(looks)}
    assert functions.machine({"Run": GLUE}).run()["status"] == "SUCCEEDED"


def test_a_job_run_that_cannot_be_followed_is_stopped(functions: Functions) -> None:
    stopped: list[Any] = []

    def stop(request: Any) -> Any:
        stopped.append(request)
        return {}

    functions.answers |= {"startJobRun": lambda _: {"JobRunId": "jr"}, "batchStopJobRun": stop}
    functions.answers["getJobRun"] = lambda _: ("AccessDeniedException", "no")
    assert functions.machine({"Run": GLUE}).run()["error"] == "Glue.AccessDeniedException"
    assert stopped == [{"JobName": "j", "JobRunIds": ["jr"]}]

"""RedriveExecution: the right state, with its input, its variables and the count."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local_aws.errors import AwsError
from tests.unit.local_aws.engines.step_functions.conftest import Functions, Machine
from tests.waiting import SECONDS

COUNT = "{% $states.context.Execution.RedriveCount %}"
INVOKE = "arn:aws:states:::lambda:invoke"
FIRST = {"Type": "Pass", "Assign": {"kept": "{% $states.input.n + 1 %}"}, "Output": {"m": 2}, "Next": "Task"}
LAST = {"Type": "Pass", "Output": {"input": "{% $states.input %}", "kept": "{% $kept %}", "count": COUNT}, "End": True}


def task(**fields: Any) -> dict[str, Any]:
    payload = {"input": "{% $states.input %}", "count": COUNT, "retries": "{% $states.context.State.RetryCount %}"}
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Arguments": {"FunctionName": "f", "Payload": payload},
        "Output": "{% $states.result.Payload %}",
        **fields,
    }


class Function:
    """Answers each call by the next of its plan (an error's message, or None), and keeps what it was given."""

    def __init__(self, functions: Functions, plan: Callable[[Mapping[str, Any]], str | None]) -> None:
        self.asked: list[Any] = []
        self._plan = plan
        self._lock = threading.Lock()
        functions.answers["invoke"] = self

    def __call__(self, request: Mapping[str, Any]) -> Any:
        payload = json.loads(request["Payload"])
        with self._lock:
            self.asked.append(payload)
        refused = self._plan(payload)
        return ("ServiceException", refused) if refused else payload


def before(count: int) -> Callable[[Mapping[str, Any]], str | None]:
    """Fail until the execution was redriven so often."""
    return lambda payload: None if payload["count"] >= count else "not yet"


def redriven(functions: Functions, arn: str) -> dict[str, Any]:
    told = len(functions.events)
    functions.ask("RedriveExecution", executionArn=arn)
    with functions.told:
        assert functions.told.wait_for(
            lambda: any(event["status"] != "RUNNING" for event in functions.events[told:]), SECONDS
        )
    return functions.ask("DescribeExecution", executionArn=arn)


def test_a_failed_execution_goes_on_at_its_state_twice(functions: Functions) -> None:
    running: list[set[str]] = []

    def note(payload: Mapping[str, Any]) -> str | None:
        running.append(set(functions.running))
        return before(2)(payload)

    function = Function(functions, note)
    machine = functions.machine({"First": FIRST, "Task": task(Next="Last"), "Last": LAST})
    described = machine.run({"n": 1})
    arn = described["executionArn"]
    assert (running, functions.running) == ([{arn}], set())  # what a crash of the endpoint would cut off
    assert (described["status"], described["redriveCount"], described["redriveStatus"]) == ("FAILED", 0, "REDRIVABLE")
    described = redriven(functions, arn)
    assert (described["status"], described["redriveCount"]) == ("FAILED", 1)
    described = redriven(functions, arn)
    assert (described["status"], described["redriveCount"], described["redriveStatus"]) == (
        "SUCCEEDED",
        2,
        "NOT_REDRIVABLE",
    )
    assert "error" not in described
    assert (running, functions.running) == (3 * [{arn}], set())
    assert function.asked == [{"input": {"m": 2}, "count": count, "retries": 0} for count in range(3)]
    output = json.loads(described["output"])
    assert output == {"input": {"input": {"m": 2}, "count": 2, "retries": 0}, "kept": 2, "count": 2}
    types = functions.types(arn)
    assert types.count("PassStateEntered") == 2  # First and Last, once each
    assert [types.count(name) for name in ("ExecutionStarted", "ExecutionRedriven", "ExecutionFailed")] == [1, 2, 2]
    assert [event["id"] for event in functions.history(arn)] == list(range(1, len(types) + 1))
    counts = [
        event["executionRedrivenEventDetails"]["redriveCount"]
        for event in functions.history(arn)
        if "executionRedrivenEventDetails" in event
    ]
    assert counts == [1, 2]


def test_its_events_tell_the_redrive(functions: Functions) -> None:
    Function(functions, before(1))
    arn = functions.machine({"Task": task(End=True)}).run()["executionArn"]
    described = redriven(functions, arn)
    assert [event["status"] for event in functions.events] == ["RUNNING", "FAILED", "RUNNING", "SUCCEEDED"]
    assert [event["redriveCount"] for event in functions.events] == [0, 0, 1, 1]
    assert functions.events[-1]["redriveDate"] == int(described["redriveDate"].timestamp() * 1000)
    assert functions.events[0]["redriveDate"] is None
    machine = described["stateMachineArn"]
    for wanted, counts in ((None, [1]), ("REDRIVEN", [1]), ("NOT_REDRIVEN", [])):
        listed = functions.ask("ListExecutions", stateMachineArn=machine, redriveFilter=wanted)["executions"]
        assert [found["redriveCount"] for found in listed] == counts


def test_the_retries_begin_anew(functions: Functions) -> None:
    function = Function(functions, before(1))
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    arn = functions.machine({"Task": task(End=True, Retry=retry)}).run()["executionArn"]
    redriven(functions, arn)
    assert [(asked["count"], asked["retries"]) for asked in function.asked] == [(0, 0), (0, 1), (1, 0)]


def stopped(functions: Functions, machine: Machine, document: Any = None) -> str:
    arn = machine.start(document)
    functions.ask("StopExecution", executionArn=arn)
    return arn


def test_a_stopped_execution_goes_on_where_it_waited(functions: Functions) -> None:
    wait = {"Type": "Wait", "Seconds": "{% $states.context.Execution.RedriveCount = 0 ? 3600 : 0 %}", "Next": "Last"}
    machine = functions.machine({"First": {**FIRST, "Next": "Wait"}, "Wait": wait, "Last": LAST})
    arn = machine.start({"n": 5})
    functions.reached(arn, "WaitStateEntered")
    functions.ask("StopExecution", executionArn=arn, error="Stopped")
    described = redriven(functions, arn)
    assert (described["status"], "error" in described) == ("SUCCEEDED", False)
    assert json.loads(described["output"]) == {"input": {"m": 2}, "kept": 6, "count": 1}
    assert functions.types(arn).count("WaitStateEntered") == 1


def test_one_that_was_stopped_at_any_moment_does_each_state_once(functions: Functions) -> None:
    states = {
        f"S{number}": {
            "Type": "Pass",
            "Assign": {f"v{number}": "{% $states.input.n %}"},
            "Output": {"n": "{% $states.input.n + 1 %}"},
            **({"Next": f"S{number + 1}"} if number < 9 else {"End": True}),
        }
        for number in range(10)
    }
    machine = functions.machine(states)
    for _ in range(20):
        arn = stopped(functions, machine, {"n": 0})
        if functions.ask("DescribeExecution", executionArn=arn)["status"] != "SUCCEEDED":
            assert redriven(functions, arn)["status"] == "SUCCEEDED"
        described = functions.ask("DescribeExecution", executionArn=arn)
        assert described["output"] == '{"n":10}'


def test_a_timed_out_execution_has_its_time_anew(functions: Functions) -> None:
    wait = {"Type": "Wait", "Seconds": "{% $states.context.Execution.RedriveCount = 0 ? 3600 : 0 %}", "End": True}
    described = functions.machine({"Wait": wait}, TimeoutSeconds=1).run()
    assert described["status"] == "TIMED_OUT"
    assert redriven(functions, described["executionArn"])["status"] == "SUCCEEDED"


def inner(suffix: object = "", **fields: Any) -> dict[str, Any]:
    note = {"Type": "Pass", "Assign": {"mine": "{% $states.input.id %}"}, "Next": f"Task{suffix}"}
    end = {"Type": "Pass", "Output": {"id": "{% $mine %}", "count": "{% $states.input.count %}"}, "End": True}
    states = {f"Note{suffix}": note, f"Task{suffix}": task(Next=f"Out{suffix}"), f"Out{suffix}": end}
    return {"StartAt": f"Note{suffix}", "States": states, **fields}


@pytest.mark.parametrize("kind", ["Map", "Parallel"])
def test_only_what_did_not_end_goes_on(functions: Functions, kind: str) -> None:
    # 0 has ended, 1 fails, until it was redriven twice.
    first_done = threading.Event()

    def plan(payload: Mapping[str, Any]) -> str | None:
        if payload["input"]["id"] == 0:
            first_done.set()
            return None
        assert first_done.wait(SECONDS)
        return before(2)(payload)

    function = Function(functions, plan)
    if kind == "Map":
        fields = {"Items": [{"id": 0}, {"id": 1}], "MaxConcurrency": 1, "ItemProcessor": inner()}
    else:
        branches = [inner(number) for number in range(2)]
        for number, branch in enumerate(branches):
            pick = {"Type": "Pass", "Output": {"id": number}, "Next": f"Note{number}"}
            branch.update(StartAt=f"Pick{number}", States={f"Pick{number}": pick, **branch["States"]})
        fields = {"Branches": branches}
    machine = functions.machine({"First": {**FIRST, "Next": "All"}, "All": {"Type": kind, "End": True, **fields}})
    arn = machine.start({"n": 1})
    assert functions.ended(arn)["status"] == "FAILED"
    assert redriven(functions, arn)["status"] == "FAILED"
    described = redriven(functions, arn)
    assert described["status"] == "SUCCEEDED"
    outputs = json.loads(described["output"])
    assert [found["id"] for found in outputs] == [0, 1]
    assert outputs[1]["count"] == 2
    counts = [(asked["input"]["id"], asked["count"]) for asked in function.asked]
    assert [count for number, count in counts if number == 1] == [0, 1, 2]
    # The branch or iteration that ended is not run again; one that was cut off just before its end is.
    assert counts.count((0, 0)) == 1
    assert (0, 2) not in counts
    begun = [
        event["mapIterationStartedEventDetails"]["index"]
        for event in functions.history(arn)
        if "mapIterationStartedEventDetails" in event
    ]
    assert begun == ([0, 1, 1, 1] if kind == "Map" else [])


def test_what_ended_is_not_run_again_though_the_next_run_did_not_come_to_it(functions: Functions) -> None:
    second_done = threading.Event()

    def plan(payload: Mapping[str, Any]) -> str | None:
        if payload["input"]["id"] == 1:
            second_done.set()
            return None
        assert second_done.wait(SECONDS)
        return before(2)(payload)

    function = Function(functions, plan)
    at_once = "{% $states.context.Execution.RedriveCount = 0 ? 2 : 1 %}"
    fields = {"Items": [{"id": 0}, {"id": 1}], "MaxConcurrency": at_once, "ItemProcessor": inner()}
    arn = functions.machine({"All": {"Type": "Map", "End": True, **fields}}).start()
    functions.ended(arn)
    assert redriven(functions, arn)["status"] == "FAILED"
    assert redriven(functions, arn)["status"] == "SUCCEEDED"
    assert [asked["count"] for asked in function.asked if asked["input"]["id"] == 1] == [0]


def test_a_fail_state_fails_again(functions: Functions) -> None:
    arn = functions.machine({"Fail": {"Type": "Fail", "Error": "Broken"}}).run()["executionArn"]
    assert redriven(functions, arn)["error"] == "Broken"


def test_a_choice_is_made_anew(functions: Functions) -> None:
    choice = {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $states.context.Execution.RedriveCount > 0 %}", "Next": "Yes"}],
    }
    arn = functions.machine({"Choice": choice, "Yes": {"Type": "Pass", "End": True}}).run()["executionArn"]
    assert functions.last_status(arn) == "FAILED"
    assert redriven(functions, arn)["status"] == "SUCCEEDED"


def test_what_runs_or_succeeded_is_refused(functions: Functions) -> None:
    succeeded = functions.machine({"Only": {"Type": "Pass", "End": True}}).run()["executionArn"]
    waiting = {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}
    running = functions.machine(waiting, name="waiting").start()
    for arn, status in ((succeeded, "SUCCEEDED"), (running, "RUNNING")):
        reason = f"Execution is {status} and cannot be redriven"
        with pytest.raises(AwsError, match=f"ExecutionNotRedrivable: {reason}"):
            functions.ask("RedriveExecution", executionArn=arn)
        described = functions.ask("DescribeExecution", executionArn=arn)
        assert (described["redriveStatus"], described["redriveStatusReason"]) == ("NOT_REDRIVABLE", reason)
    functions.ask("StopExecution", executionArn=running)


def test_a_token_asks_once(functions: Functions) -> None:
    Function(functions, before(1))
    arn = functions.machine({"Task": task(End=True)}).run()["executionArn"]
    asked = {"executionArn": arn, "clientToken": "one"}
    first = functions.ask("RedriveExecution", **asked)
    assert functions.ask("RedriveExecution", **asked) == first
    functions.ended(arn)
    assert functions.types(arn).count("ExecutionRedriven") == 1


def test_the_definition_is_that_of_the_start(functions: Functions) -> None:
    Function(functions, before(1))
    machine = functions.machine({"Task": task(Next="Old"), "Old": {"Type": "Pass", "Output": "old", "End": True}})
    arn = machine.run()["executionArn"]
    changed = {"StartAt": "Task", "States": {"Task": {"Type": "Pass", "End": True}}}
    functions.ask("UpdateStateMachine", stateMachineArn=machine.arn, definition=json.dumps(changed))
    assert redriven(functions, arn)["output"] == '"old"'

"""Starting, stopping, timing out and ending of executions."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from local_aws.engines.step_functions import validation
from local_aws.engines.step_functions.copies import copied
from local_aws.engines.step_functions.interpreter import MOTO
from local_aws.errors import AwsError
from tests.unit.local_aws.engines.step_functions.conftest import ROLE, Functions, Machine
from tests.waiting import SECONDS

WAIT = {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}
INVOKE = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "f"}, "End": True}
LAST = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")


def test_an_execution_has_a_name_an_input_and_a_history_at_once(functions: Functions) -> None:
    machine = functions.machine(WAIT)
    arn = machine.start({"a": 1})
    described = functions.ask("DescribeExecution", executionArn=arn)
    assert described["name"] == arn.rpartition(":")[2] != "None"
    assert (described["status"], json.loads(described["input"])) == ("RUNNING", {"a": 1})
    assert functions.types(arn)[0] == "ExecutionStarted"
    functions.ask("StopExecution", executionArn=arn)


def test_it_can_be_stopped_at_once_and_says_what_with(functions: Functions) -> None:
    machine = functions.machine(WAIT)
    for number in range(20):
        arn = machine.start()
        functions.ask("StopExecution", executionArn=arn, error="Stopped", cause=f"number {number}")
        described = functions.ask("DescribeExecution", executionArn=arn)
        assert (described["status"], described["error"], described["cause"]) == (
            "ABORTED",
            "Stopped",
            f"number {number}",
        )
        last = functions.history(arn)[-1]
        assert last["executionAbortedEventDetails"] == {"error": "Stopped", "cause": f"number {number}"}
        assert "output" not in described


def test_a_stop_is_told_of_what_is_within(functions: Functions) -> None:
    inner = {"StartAt": "Wait", "States": WAIT}
    arn = functions.machine({"All": {"Type": "Map", "Items": [1, 2], "ItemProcessor": inner, "End": True}}).start()
    functions.reached(arn, "WaitStateEntered", 2)
    functions.ask("StopExecution", executionArn=arn)
    types = functions.types(arn)
    assert "MapIterationAborted" in types
    assert types[-1] == "ExecutionAborted"


def test_what_a_task_does_after_the_stop_changes_nothing(functions: Functions) -> None:
    called, go_on = threading.Event(), threading.Event()

    def invoke(_: Any) -> tuple[str, str]:
        called.set()
        go_on.wait(SECONDS)
        return "ServiceException", "too late"

    functions.answers["invoke"] = invoke
    arn = functions.machine({"Invoke": INVOKE}).start()
    assert called.wait(SECONDS)
    functions.ask("StopExecution", executionArn=arn)
    assert functions.ask("DescribeExecution", executionArn=arn)["status"] == "ABORTED"
    before = functions.types(arn)
    assert before[-1] == "ExecutionAborted"
    go_on.set()
    for thread in [found for found in threading.enumerate() if found.name == "program"]:
        thread.join(SECONDS)
    assert functions.types(arn) == before
    assert functions.ask("DescribeExecution", executionArn=arn)["status"] == "ABORTED"


def test_a_state_machine_that_takes_too_long_times_out_with_its_event(functions: Functions) -> None:
    machine = functions.machine(WAIT, TimeoutSeconds=1)
    described = machine.run()
    assert described["status"] == "TIMED_OUT"
    assert functions.types(described["executionArn"])[-1] == "ExecutionTimedOut"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({"Type": "Pass", "End": True}, "SUCCEEDED"),
        ({"Type": "Fail", "Error": "Broken"}, "FAILED"),
    ],
)
def test_the_status_is_told_at_the_start_and_at_the_end(functions: Functions, state: Any, status: str) -> None:
    described = functions.machine({"Only": state}).run({"n": 1})
    assert [event["status"] for event in functions.events] == ["RUNNING", status]
    begun, ended = functions.events
    assert begun["startDate"] == int(described["startDate"].timestamp() * 1000)
    assert (begun["stopDate"], begun["output"]) == (None, None)
    assert ended["stopDate"] == int(described["stopDate"].timestamp() * 1000)
    assert ended["input"] == '{"n":1}'
    assert sum(type_ in LAST for type_ in functions.types(described["executionArn"])) == 1


def test_an_input_that_is_too_large_is_not_in_the_event(functions: Functions) -> None:
    functions.machine({"Only": {"Type": "Fail"}}).run({"note": "x" * 255_000})
    for event in functions.events:
        assert (event["input"], event["inputDetails"]) == (None, {"included": False})


def test_the_same_name_and_input_is_the_same_execution_while_it_runs(functions: Functions) -> None:
    machine = functions.machine(WAIT)
    arn = machine.start({"n": 1}, name="one")
    assert machine.start({"n": 1}, name="one") == arn
    with pytest.raises(AwsError, match="ExecutionAlreadyExists"):
        machine.start({"n": 2}, name="one")
    functions.ask("StopExecution", executionArn=arn)
    with pytest.raises(AwsError, match="ExecutionAlreadyExists"):
        machine.start({"n": 1}, name="one")


def test_versions_and_aliases_can_be_started(functions: Functions) -> None:
    machine = functions.machine({"Only": {"Type": "Pass", "End": True}})
    version = functions.ask("PublishStateMachineVersion", stateMachineArn=machine.arn)["stateMachineVersionArn"]
    routing = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = functions.ask("CreateStateMachineAlias", name="live", routingConfiguration=routing)["stateMachineAliasArn"]
    for started in (version, alias):
        arn = str(functions.ask("StartExecution", stateMachineArn=started)["executionArn"])
        described = functions.ended(arn)
        assert described["status"] == "SUCCEEDED"
        assert (described["stateMachineArn"], described["stateMachineVersionArn"]) == (machine.arn, version)
        assert described.get("stateMachineAliasArn") == (alias if started == alias else None)
        listed = functions.ask("ListExecutions", stateMachineArn=started)["executions"]
        assert arn in [found["executionArn"] for found in listed]


def test_executions_at_the_same_time_share_the_program_and_nothing_else(functions: Functions) -> None:
    tries: dict[str, int] = {}
    lock, all_in = threading.Lock(), threading.Barrier(4)

    def invoke(request: Any) -> Any:
        number = json.loads(request["Payload"])["number"]
        with lock:
            tries[number] = tries.get(number, 0) + 1
        if tries[number] == 1:
            all_in.wait(SECONDS)
        return "ServiceException", "again"

    functions.answers["invoke"] = invoke
    retry = [{"ErrorEquals": ["Lambda.ServiceException"], "MaxAttempts": 2, "IntervalSeconds": 1, "BackoffRate": 1}]
    payload = {"FunctionName": "f", "Payload": "{% $states.input %}"}
    machine = functions.machine({"Invoke": {**INVOKE, "Arguments": payload, "Retry": retry}})
    arns = [machine.start({"number": str(number)}) for number in range(4)]
    assert {functions.ended(arn)["error"] for arn in arns} == {"Lambda.ServiceException"}
    assert tries == {str(number): 3 for number in range(4)}


def test_a_definition_is_parsed_once(functions: Functions) -> None:
    machine = functions.machine({"Only": {"Type": "Pass", "End": True}})
    first, second = (functions.service.store.executions[machine.start()].exec_worker.program for _ in range(2))
    assert first is second


def test_a_definition_that_is_refused_leaves_nothing_behind(functions: Functions) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:nothing", "Arguments": {}, "End": True}
    with pytest.raises(AwsError, match="InvalidDefinition"):
        functions.machine({"Only": task})
    states = {"Only": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "End": True}}
    definition = json.dumps({"StartAt": "Only", "States": states})  # JSONPath, which is the default
    made = functions.ask("CreateStateMachine", name="path", definition=definition, roleArn=ROLE)
    assert Machine(functions, made["stateMachineArn"]).run({"n": 1})["output"] == '{"n":1}'


def test_a_history_without_data_has_neither_inputs_nor_outputs(functions: Functions) -> None:
    arn = functions.machine({"Only": {"Type": "Pass", "Assign": {"kept": 1}, "End": True}}).run({"n": 1})[
        "executionArn"
    ]
    whole = functions.ask("GetExecutionHistory", executionArn=arn)["events"]
    bare = functions.ask("GetExecutionHistory", executionArn=arn, includeExecutionData=False, reverseOrder=True)
    assert [event["id"] for event in bare["events"]] == [event["id"] for event in reversed(whole)]
    assert all(text in json.dumps(whole, default=str) for text in ('"input"', '"output"'))
    assert not any(text in json.dumps(bare, default=str) for text in ('"input', '"output'))
    entered = next(event for event in bare["events"] if event["type"] == "PassStateEntered")
    assert entered["stateEnteredEventDetails"] == {"name": "Only"}


def test_who_is_told_of_the_start_can_read_the_history(functions: Functions) -> None:
    read: list[list[str]] = []
    functions.heard = lambda event: read.append(functions.types(event["executionArn"]))
    functions.machine({"Only": {"Type": "Pass", "End": True}}).run()
    assert read[0] == ["ExecutionStarted"]


def test_an_error_after_the_stop_is_none_of_the_execution(functions: Functions) -> None:
    arn = functions.machine(WAIT).start()
    functions.ask("StopExecution", executionArn=arn)
    env = functions.service.store.executions[arn].exec_worker.env
    env.set_error(error={"error": "Late"})
    assert isinstance(env.program_state(), MOTO.get("asl.eval.program_state", "ProgramStopped"))


@pytest.mark.parametrize(
    ("state", "status", "members"),
    [
        ({"Type": "Pass", "Output": 1, "End": True}, "SUCCEEDED", {"output": "1"}),
        ({"Type": "Fail", "Error": "E", "Cause": "c"}, "FAILED", {"error": "E", "cause": "c"}),
    ],
)
def test_who_sees_the_end_sees_what_it_ended_with(
    functions: Functions, monkeypatch: pytest.MonkeyPatch, state: Any, status: str, members: dict[str, str]
) -> None:
    seen: list[dict[str, Any]] = []
    arns: list[str] = []

    class Watched:
        """An execution whose status is looked at whenever it changes."""

        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(self, name, value)
            seen.extend(functions.ask("DescribeExecution", executionArn=arn) for arn in arns)

    machine = functions.machine({"Only": state})
    execution = MOTO.get("backend.execution", "Execution")
    functions.heard = lambda event: arns.append(event["executionArn"])
    monkeypatch.setattr(execution, "__setattr__", Watched.__setattr__)
    described = machine.run()
    assert seen
    assert {name: described[name] for name in members} == members
    for found in seen:
        assert {name: found.get(name) for name in members} == (
            members if found["status"] == status else dict.fromkeys(members)
        )
        assert ("stopDate" in found) == (found["status"] == status)


def test_an_execution_takes_one_thread(functions: Functions) -> None:
    known = set(threading.enumerate())
    arn = functions.machine(WAIT).start()
    functions.reached(arn, "WaitStateEntered")
    assert len(set(threading.enumerate()) - known) == 1
    functions.ask("StopExecution", executionArn=arn)


def test_what_is_answered_at_once_waits_for_no_definition_that_is_read(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, check, started = functions.machine(WAIT), validation.check_definition, []

    def start_beside(*arguments: Any) -> None:
        thread = threading.Thread(target=lambda: started.append(machine.start()))
        thread.start()
        thread.join(SECONDS)
        assert started, "the start waits"
        check(*arguments)

    monkeypatch.setattr(validation, "check_definition", start_beside)
    other = functions.machine({"Only": {"Type": "Pass", "End": True}}, name="other")
    monkeypatch.setattr(MOTO.get("asl.parse.asl_parser", "AmazonStateLanguageParser"), "parse", None)
    assert functions.ended(other.start())["status"] == "SUCCEEDED"  # what was made has been parsed
    functions.ask("StopExecution", executionArn=started[0])


def test_what_an_execution_gives_away_is_a_copy() -> None:
    value = {"a": [{"b": 1}, "text", None, 1.5, True], "when": datetime.now(UTC), "c": (1, [2])}
    copy = copied(value)
    assert copy == value
    copy["a"][0]["b"] = 2
    copy["c"][1].append(3)
    assert (value["a"][0], value["c"]) == ({"b": 1}, (1, [2]))  # type: ignore[index]


def test_no_thread_is_kept(functions: Functions) -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
    functions.machine({"Only": {"Type": "Map", "Items": [1], "ItemProcessor": inner, "End": True}}).run()
    kept = [
        name for name, module in sys.modules.items() if name.startswith("moto.") and vars(module).get("TMP_THREADS")
    ]
    assert kept == []

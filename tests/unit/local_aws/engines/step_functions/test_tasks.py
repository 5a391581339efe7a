"""How requests, answers and errors of tasks are named, and what ends with a task."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.engines.step_functions import tasks
from local_aws.engines.step_functions.errors import sdk_name
from tests.unit.local_aws.engines.step_functions.conftest import Functions
from tests.waiting import SECONDS, until

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:child"


def task(resource: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    resource = f"arn:aws:states:::{resource}"
    return {"Only": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **fields}}


def denied(_: Any) -> tuple[str, str]:
    return "AccessDeniedException", "User: me is not authorized to perform: it"


@pytest.mark.parametrize(
    ("service_id", "name"),
    [
        ("Redshift Data", "RedshiftData"),
        ("DynamoDB", "DynamoDb"),
        ("SQS", "Sqs"),
        ("S3", "S3"),
        ("EC2", "Ec2"),
        ("SFN", "Sfn"),
        ("Secrets Manager", "SecretsManager"),
        ("API Gateway", "ApiGateway"),
        ("EventBridge", "EventBridge"),
    ],
)
def test_a_service_is_written_as_in_the_sdk_for_java(service_id: str, name: str) -> None:
    assert sdk_name(service_id) == name


@pytest.mark.parametrize(
    ("resource", "api", "arguments", "error"),
    [
        (
            "states:startExecution",
            "startExecution",
            {"StateMachineArn": MACHINE},
            "StepFunctions.AccessDeniedException",
        ),
        ("lambda:invoke", "invoke", {"FunctionName": "f"}, "Lambda.AccessDeniedException"),
        ("glue:startJobRun", "startJobRun", {"JobName": "j"}, "Glue.AccessDeniedException"),
        (
            "aws-sdk:redshiftdata:describeStatement",
            "describeStatement",
            {"Id": "i"},
            "RedshiftData.AccessDeniedException",
        ),
    ],
)
def test_a_denied_call_is_named_so_and_logged(
    functions: Functions, resource: str, api: str, arguments: Any, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    functions.answers[api] = denied
    described = functions.machine(task(resource, arguments)).run()
    assert described["error"] == error
    assert "is not authorized to perform: it" in described["cause"]
    assert "denied: User: me is not authorized to perform: it" in caplog.messages


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ValidationException", "RedshiftData.ValidationException"),
        ("ThrottlingException", "RedshiftData.RedshiftDataException"),
    ],
)
def test_an_error_that_the_model_has_not_has_the_name_of_the_service(
    functions: Functions, code: str, error: str
) -> None:
    functions.answers["describeStatement"] = lambda _: (code, "no")
    assert functions.machine(task("aws-sdk:redshiftdata:describeStatement", {"Id": "i"})).run()["error"] == error


def test_an_answer_may_tell_an_error_without_being_one(functions: Functions) -> None:
    functions.answers["describeStatement"] = lambda _: {"Id": "i", "Status": "FAILED", "Error": "no such table"}
    described = functions.machine(task("aws-sdk:redshiftdata:describeStatement", {"Id": "i"})).run()
    assert (described["status"], json.loads(described["output"])["Error"]) == ("SUCCEEDED", "no such table")


def test_members_are_named_as_step_functions_does(functions: Functions) -> None:
    asked: list[Any] = []

    def get_result(request: Any) -> Any:
        asked.append(request)
        return {"Records": [[{"stringValue": "a"}, {"longValue": 1}]], "TotalNumRows": 1}

    functions.answers["getStatementResult"] = get_result
    described = functions.machine(task("aws-sdk:redshiftdata:getStatementResult", {"Id": "i"})).run()
    assert asked == [{"Id": "i"}]
    answer = json.loads(described["output"])
    assert answer["Records"] == [[{"StringValue": "a"}, {"LongValue": 1}]]


def test_the_error_of_a_branch_or_an_item_goes_through(functions: Functions) -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Output": "{% $states.input.missing %}", "End": True}}}
    parallel = {"Only": {"Type": "Parallel", "Branches": [inner], "End": True}}
    each = {"Only": {"Type": "Map", "Items": [1], "ItemProcessor": inner, "End": True}}
    for number, states in enumerate((parallel, each)):
        assert functions.machine(states, name=f"m{number}").run()["error"] == "States.QueryEvaluationError"


@pytest.mark.parametrize(
    ("resource", "api", "arguments", "error"),
    [
        ("glue:startJobRun.sync", "startJobRun", {"JobName": "j"}, "Glue.AccessDeniedException"),
        (
            "states:startExecution.sync:2",
            "startExecution",
            {"StateMachineArn": MACHINE},
            "StepFunctions.AccessDeniedException",
        ),
    ],
)
def test_what_could_not_be_stopped_is_not_started(
    functions: Functions, resource: str, api: str, arguments: Any, error: str
) -> None:
    asked: list[Any] = []

    def refuse(*what: Any) -> None:
        asked.append(what[:4])
        metadata: Any = {"HTTPStatusCode": 400, "RequestId": "-"}
        said: Any = {"Error": {"Code": "AccessDeniedException", "Message": "no"}, "ResponseMetadata": metadata}
        raise ClientError(said, api)

    functions.permit = refuse
    functions.answers[api] = lambda _: pytest.fail("started")
    described = functions.machine(task(resource, arguments)).run()
    assert described["error"] == error
    members = {"startJobRun": arguments, "startExecution": {"stateMachineArn": MACHINE, "input": "{}"}}
    integration, _, pattern = resource.partition(".")
    assert asked == [(*integration.split(":"), f".{pattern}", members[api])]


def child(functions: Functions, **described: Any) -> None:
    arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:one"
    functions.answers["startExecution"] = lambda _: {"executionArn": arn, "startDate": 1}
    functions.answers["describeExecution"] = lambda _: {
        "executionArn": arn,
        "stateMachineArn": MACHINE,
        "startDate": 1,
        "input": "{}",
        **described,
    }


def test_a_failed_child_is_a_failed_task_with_its_description(functions: Functions) -> None:
    child(functions, status="FAILED", error="Refused", cause="bad input")
    described = functions.machine(task("states:startExecution.sync:2", {"StateMachineArn": MACHINE})).run()
    assert described["error"] == "States.TaskFailed"
    cause = json.loads(described["cause"])
    assert (cause["Status"], cause["Error"], cause["Cause"]) == ("FAILED", "Refused", "bad input")


def only_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a task look once, and again only when it is told."""
    monkeypatch.setattr(tasks, "_SECONDS_TO_FIRST_LOOK", 3600.0)
    monkeypatch.setattr(tasks, "_SECONDS_BETWEEN_LOOKS", 3600.0)


def told_until_ended(functions: Functions, arn: str, name: str) -> dict[str, Any]:
    """An execution once it has ended, whose task is told of an ending until it was heard: it may not wait yet."""

    def has_ended() -> bool:
        functions.endings.tell(name)
        return functions.last_status(arn) not in (None, "RUNNING")

    until(has_ended, "the task looked again")
    return functions.ended(arn)


def test_a_task_looks_again_when_its_job_run_has_ended(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    only_told(monkeypatch)
    looked, states = threading.Event(), ["RUNNING", "SUCCEEDED"]

    def get(_: Any) -> Any:
        looked.set()
        return {"JobRun": {"Id": "jr", "JobRunState": states.pop(0)}}

    functions.answers |= {"startJobRun": lambda _: {"JobRunId": "jr"}, "getJobRun": get}
    arn = functions.machine(task("glue:startJobRun.sync", {"JobName": "j"})).start()
    assert looked.wait(SECONDS)
    functions.endings.tell("another")
    assert functions.last_status(arn) in (None, "RUNNING")
    assert told_until_ended(functions, arn, "jr")["status"] == "SUCCEEDED"


def test_the_end_of_an_execution_is_told_once(functions: Functions) -> None:
    times = []

    class Told(threading.Event):
        def set(self) -> None:
            times.append(functions.ask("DescribeExecution", executionArn=arn)["status"])

    machine = functions.machine({"Pass": {"Type": "Pass", "End": True}})
    arn = f"{machine.arn.replace(':stateMachine:', ':execution:')}:one"
    with functions.endings.waking(arn, Told()):
        functions.ended(machine.start(name="one"))
    assert times == ["SUCCEEDED"]  # whoever looks then sees it


@pytest.mark.parametrize("how", ["stopped", "timed out"])
def test_what_a_task_waited_for_ends_with_it(functions: Functions, how: str) -> None:
    waited, stopped = threading.Event(), threading.Event()
    functions.answers["startJobRun"] = lambda _: {"JobRunId": "jr"}

    def get(_: Any) -> Any:
        waited.set()
        return {"JobRun": {"Id": "jr", "JobRunState": "RUNNING"}}

    def stop(request: Any) -> Any:
        assert request == {"JobName": "j", "JobRunIds": ["jr"]}
        stopped.set()
        return {}

    functions.answers |= {"getJobRun": get, "batchStopJobRun": stop}
    functions.client_for("us-east-1", "glue", None)  # making one takes a while
    fields = {"TimeoutSeconds": 3} if how == "timed out" else {}
    arn = functions.machine(task("glue:startJobRun.sync", {"JobName": "j"}, **fields)).start()
    assert waited.wait(SECONDS)
    if how == "stopped":
        functions.ask("StopExecution", executionArn=arn)
    else:
        assert functions.ended(arn)["error"] == "States.Timeout"
    assert stopped.wait(SECONDS)


def test_a_nested_execution_is_stopped_with_its_parent(functions: Functions) -> None:
    waited, stopped = threading.Event(), threading.Event()
    child(functions, status="RUNNING")
    describe = functions.answers["describeExecution"]

    def describe_and_tell(request: Any) -> Any:
        waited.set()
        return describe(request)

    def stop(request: Any) -> Any:
        assert request == {"executionArn": f"{MACHINE.replace(':stateMachine:', ':execution:')}:one"}
        stopped.set()
        return {"stopDate": 1}

    functions.answers |= {"describeExecution": describe_and_tell, "stopExecution": stop}
    arn = functions.machine(task("states:startExecution.sync:2", {"StateMachineArn": MACHINE})).start()
    assert waited.wait(SECONDS)
    functions.ask("StopExecution", executionArn=arn)
    assert stopped.wait(SECONDS)

"""Faults at tasks: their names, before and after the work, retries that take less time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from local_aws.engines.step_functions.errors import optimized_name
from local_aws.services.faults.fault_rules import Error, FaultPlan, Rule

from .conftest import Answer, Functions

JOB = {"Resource": "arn:aws:states:::glue:startJobRun", "Arguments": {"JobName": "clean-spark"}}
FUNCTION = {
    "Resource": "arn:aws:states:::lambda:invoke",
    "Arguments": {"FunctionName": "f", "Payload": {"action": "start"}},
}
SDK = {"Resource": "arn:aws:states:::aws-sdk:redshiftdata:describeStatement", "Arguments": {"Id": "x"}}
OBJECT = {"Resource": "arn:aws:states:::aws-sdk:s3:getObject", "Arguments": {"Bucket": "b", "Key": "k"}}
NESTED = {"Resource": "arn:aws:states:::states:startExecution", "Arguments": {"StateMachineArn": "arn:x", "Input": {}}}
TOPIC = {"Resource": "arn:aws:states:::sns:publish", "Arguments": {"TopicArn": "arn:x", "Message": "m"}}


def task(of: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", **of, "End": True, **fields}


def counted(functions: Functions, api: str, answer: Answer) -> list[Mapping[str, Any]]:
    """Have a service answer, and keep what it was asked."""
    asked: list[Mapping[str, Any]] = []

    def keep(parameters: Mapping[str, Any]) -> Any:
        asked.append(parameters)
        return answer(parameters)

    functions.answers[api] = keep
    return asked


@pytest.mark.parametrize(
    ("state", "code", "name"),
    [
        (JOB, "ThrottlingException", "Glue.AWSGlueException"),
        (JOB, "InternalFailure", "Glue.AWSGlueException"),
        (JOB, "ConcurrentRunsExceededException", "Glue.ConcurrentRunsExceededException"),
        (JOB, "ResourceNumberLimitExceededException", "Glue.ResourceNumberLimitExceededException"),
        (JOB, "AccessDeniedException", "Glue.AccessDeniedException"),
        (JOB, "Glue.SdkClientException", "Glue.SdkClientException"),
        (FUNCTION, "TooManyRequestsException", "Lambda.TooManyRequestsException"),
        (FUNCTION, "ServiceException", "Lambda.ServiceException"),
        (FUNCTION, "InternalFailure", "Lambda.AWSLambdaException"),
        (FUNCTION, "Lambda.Unknown", "Lambda.Unknown"),
        (NESTED, "ThrottlingException", "StepFunctions.AWSStepFunctionsException"),
        (NESTED, "ExecutionLimitExceeded", "StepFunctions.ExecutionLimitExceededException"),
        (TOPIC, "Throttled", "SNS.ThrottledException"),
        (TOPIC, "ThrottledException", "SNS.ThrottledException"),
        (TOPIC, "Throttling", "SNS.AmazonSNSException"),
        (SDK, "ThrottlingException", "RedshiftData.RedshiftDataException"),
        (SDK, "InternalServerException", "RedshiftData.InternalServerException"),
        (OBJECT, "SlowDown", "S3.S3Exception"),
        (OBJECT, "NoSuchKey", "S3.NoSuchKeyException"),
        (OBJECT, "States.Timeout", "States.Timeout"),
    ],
)
def test_an_error_has_the_name_that_the_integration_gives_it(
    functions: Functions, state: Mapping[str, Any], code: str, name: str
) -> None:
    functions.faults.put(FaultPlan((Rule("r", "task", error=Error(code, "as told")),)))

    found = functions.machine({"State": task(state)}).run()

    assert (found["status"], found["error"]) == ("FAILED", name)
    assert "as told" in found["cause"]


def test_what_a_service_answers_has_the_same_name_as_a_fault(functions: Functions) -> None:
    functions.answers["startJobRun"] = lambda _: ("ThrottlingException", "Rate exceeded")
    found = functions.machine({"State": task(JOB)}).run()
    assert found["error"] == "Glue.AWSGlueException"


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (JOB, "Glue"),
        (FUNCTION, "Lambda"),
        (NESTED, "StepFunctions"),
        (TOPIC, "SNS"),
        (OBJECT, "S3"),
        (SDK, "RedshiftData"),
    ],
)
def test_no_answer_is_an_error_of_the_sdk(functions: Functions, state: Mapping[str, Any], name: str) -> None:
    def lost(_: Any) -> Any:
        raise ConnectionResetError("reset")

    functions.answers = dict.fromkeys(
        ("startJobRun", "invoke", "startExecution", "publish", "getObject", "describeStatement"), lost
    )
    found = functions.machine({"State": task(state)}).run()
    assert (found["status"], found["error"]) == ("FAILED", f"{name}.SdkClientException")


def test_before_the_work_nothing_is_asked_and_after_it_the_answer_is_lost(functions: Functions) -> None:
    asked = counted(functions, "startJobRun", lambda _: {"JobRunId": "jr_1"})
    machine = functions.machine({"State": task(JOB)})

    functions.faults.put(FaultPlan((Rule("r", "task", service="glue", operation="StartJobRun", error=Error("X")),)))
    assert machine.run()["status"] == "FAILED"
    assert asked == []

    functions.faults.put(FaultPlan((Rule("r", "task", "after", "glue", "StartJobRun", error=Error("X")),)))
    assert machine.run()["status"] == "FAILED"
    assert len(asked) == 1

    assert machine.run()["status"] == "SUCCEEDED"
    assert functions.faults.met() == {"r": 1}


@pytest.mark.parametrize(
    ("match", "met"),
    [
        ({"JobName": "*-spark"}, True),
        ({"JobName": "*-python"}, False),
        ({"state_machine": "mach*", "state": "State", "execution": "*"}, True),
        ({"state": "Other"}, False),
        ({"Arguments.--job_id": "?"}, True),
        ({"Arguments": '*"1"*'}, True),
    ],
)
def test_a_task_is_chosen_by_its_names_and_arguments(functions: Functions, match: dict[str, str], met: bool) -> None:
    functions.answers["startJobRun"] = lambda _: {"JobRunId": "jr_1"}
    functions.faults.put(FaultPlan((Rule("r", "task", match=match, error=Error("X")),)))
    arguments = {"JobName": "clean-spark", "Arguments": {"--job_id": "1"}}

    found = functions.machine({"State": task({**JOB, "Arguments": arguments})}).run()

    assert (found["status"] == "FAILED") is met


def test_a_payload_is_looked_into(functions: Functions) -> None:
    functions.faults.put(FaultPlan((Rule("r", "task", match={"Payload.action": "start"}, error=Error("X")),)))
    assert functions.machine({"State": task(FUNCTION)}).run()["error"] == "Lambda.AWSLambdaException"


def test_what_a_task_waits_for_is_asked_for_by_calls_of_their_own(functions: Functions) -> None:
    functions.answers["startJobRun"] = lambda _: {"JobRunId": "jr_1"}
    looks = counted(functions, "getJobRun", lambda _: {"JobRun": {"JobRunState": "SUCCEEDED", "Id": "jr_1"}})
    stopped = counted(functions, "batchStopJobRun", lambda _: {})
    rule = Rule("r", "task", "after", "glue", "GetJobRun", {"RunId": "jr_1"}, error=Error("OperationTimeoutException"))
    functions.faults.put(FaultPlan((rule,)))
    waiting = {**JOB, "Resource": "arn:aws:states:::glue:startJobRun.sync"}

    found = functions.machine({"State": task(waiting)}).run()

    assert (found["error"], len(looks), len(stopped)) == ("Glue.OperationTimeoutException", 1, 1)


def test_waits_are_shortened(functions: Functions) -> None:
    asked = counted(functions, "startJobRun", lambda _: {"JobRunId": "jr_1"})
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 50, "BackoffRate": 2, "MaxAttempts": 2}]
    states = {
        "Pause": {"Type": "Wait", "Seconds": 100, "Next": "State"},
        "State": task(JOB, Retry=retry),
    }
    functions.faults.put(FaultPlan((Rule("r", "task", times=2, error=Error("X")),), waits=0.001))
    began = time.monotonic()

    assert functions.machine(states).run()["status"] == "SUCCEEDED"

    assert 0.25 <= time.monotonic() - began < 20
    assert len(asked) == 1


def test_a_delay_ends_with_the_state_and_the_work_is_not_begun(functions: Functions) -> None:
    asked = counted(functions, "startJobRun", lambda _: {"JobRunId": "jr_1"})
    functions.faults.put(FaultPlan((Rule("r", "task", delay=60.0),)))
    machine = functions.machine({"State": task(JOB, TimeoutSeconds=1)})

    assert machine.run()["error"] == "States.Timeout"
    assert asked == []


def test_a_delay_alone_lets_the_work_be_done(functions: Functions) -> None:
    asked = counted(functions, "startJobRun", lambda _: {"JobRunId": "jr_1"})
    functions.faults.put(FaultPlan((Rule("r", "task", delay=0.01),)))
    assert functions.machine({"State": task(JOB)}).run()["status"] == "SUCCEEDED"
    assert len(asked) == 1


def test_throttling_is_known_by_a_name_of_its_own_where_an_operation_has_it() -> None:
    assert optimized_name("glue", "glue", "startJobRun", "ThrottlingException") == "Glue.AWSGlueException"
    assert optimized_name("glue", "glue", "createGlossary", "ThrottlingException") == "Glue.ThrottlingException"

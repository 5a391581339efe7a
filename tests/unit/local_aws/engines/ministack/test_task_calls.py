from __future__ import annotations

from typing import Any

import pytest

from aws_facts.permissions import LOG_DELIVERY_ACTIONS
from local_aws.engines.ministack.task_calls import (
    Location,
    ResourceAction,
    data_api_calls,
    definition_calls,
    sync_calls,
)

PLACE = Location("eu-west-1", "111122223333")
MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:child"
JOB = "arn:aws:glue:eu-west-1:111122223333:job/j"
CLUSTER = "arn:aws:redshift:eu-west-1:111122223333:cluster:c"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s"


@pytest.mark.parametrize(
    ("operation", "request_", "expected"),
    [
        (
            "BatchExecuteStatement",
            {"ClusterIdentifier": "c", "SecretArn": SECRET},
            [("redshift-data:BatchExecuteStatement", CLUSTER), ("secretsmanager:GetSecretValue", SECRET)],
        ),
        ("ExecuteStatement", {"WorkgroupName": "w"}, [("redshift-data:ExecuteStatement", None)]),
        ("DescribeStatement", {"Id": "i"}, [("redshift-data:DescribeStatement", "*")]),
    ],
)
def test_a_request_to_the_data_api_needs(
    operation: str, request_: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    found = data_api_calls(operation, request_, PLACE)
    assert found == [ResourceAction(action, on) for action, on in expected]


@pytest.mark.parametrize(
    ("task", "parameters", "actions", "on"),
    [
        (("glue", "startJobRun", ".sync"), {"JobName": "j"}, ("GetJobRun", "GetJobRuns", "BatchStopJobRun"), JOB),
        *(
            (
                ("states", "startExecution", pattern),
                {"stateMachineArn": MACHINE, "name": "n"},
                ("DescribeExecution", "StopExecution"),
                "arn:aws:states:eu-west-1:111122223333:execution:child:n",
            )
            for pattern in (".sync", ".sync:2")
        ),
    ],
)
def test_what_is_started_can_be_followed_and_stopped(
    task: tuple[str, str, str], parameters: dict[str, Any], actions: tuple[str, ...], on: str
) -> None:
    assert sync_calls(*task, parameters, PLACE) == [ResourceAction(f"{task[0]}:{action}", on) for action in actions]


def machine(resource: str) -> dict[str, Any]:
    inner = {"States": {"Task": {"Type": "Task", "Resource": f"arn:aws:states:::{resource}"}}}
    return {"States": {"Parallel": {"Type": "Parallel", "Branches": [inner]}}}


def test_a_machine_that_waits_for_nested_executions_needs_the_managed_rule() -> None:
    rule = "arn:aws:events:eu-west-1:111122223333:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    found = definition_calls(machine("states:startExecution.sync:2"), None, PLACE)
    assert found == [ResourceAction(f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")]
    assert definition_calls(machine("states:startExecution"), None, PLACE) == []


@pytest.mark.parametrize(("level", "needed"), [("ALL", LOG_DELIVERY_ACTIONS), ("OFF", ())])
def test_a_machine_that_logs_needs_log_delivery(level: str, needed: tuple[str, ...]) -> None:
    logging = {"level": level, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:g"}}]}
    found = definition_calls(machine("lambda:invoke"), logging, PLACE)
    assert found == [ResourceAction(action, "*") for action in needed]

from __future__ import annotations

from typing import Any

import pytest

from aws_facts.permissions import LOG_DELIVERY_ACTIONS
from local_aws.engines.task_calls import Call, Place, calls, definition_calls

PLACE = Place("eu-west-1", "111122223333")
MACHINE = "arn:aws:states:eu-west-1:111122223333:stateMachine:child"
JOB = "arn:aws:glue:eu-west-1:111122223333:job/j"
CLUSTER = "arn:aws:redshift:eu-west-1:111122223333:cluster:c"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s"


@pytest.mark.parametrize(
    ("resource", "arguments", "expected"),
    [
        (
            "lambda:invoke",
            {"FunctionName": "f"},
            [("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:111122223333:function:f")],
        ),
        ("glue:startJobRun", {"JobName": "j"}, [("glue:StartJobRun", JOB)]),
        (
            "glue:startJobRun.sync",
            {"JobName": "j"},
            [
                ("glue:StartJobRun", JOB),
                ("glue:GetJobRun", JOB),
                ("glue:GetJobRuns", JOB),
                ("glue:BatchStopJobRun", JOB),
            ],
        ),
        (
            "states:startExecution.sync:2",
            {"StateMachineArn": MACHINE, "Name": "n"},
            [
                ("states:StartExecution", MACHINE),
                ("states:DescribeExecution", "arn:aws:states:eu-west-1:111122223333:execution:child:n"),
                ("states:StopExecution", "arn:aws:states:eu-west-1:111122223333:execution:child:n"),
            ],
        ),
        ("sns:publish", {"TopicArn": "arn:t"}, [("sns:Publish", "arn:t")]),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k/x"}, [("s3:GetObject", "arn:aws:s3:::b/k/x")]),
        ("aws-sdk:s3:putObject", {"Bucket": "b", "Key": "k/x"}, [("s3:PutObject", "arn:aws:s3:::b/k/x")]),
        (
            "aws-sdk:redshiftdata:batchExecuteStatement",
            {"ClusterIdentifier": "c", "SecretArn": SECRET},
            [("redshift-data:BatchExecuteStatement", CLUSTER), ("secretsmanager:GetSecretValue", SECRET)],
        ),
        (
            "aws-sdk:redshiftdata:executeStatement",
            {"WorkgroupName": "w"},
            [("redshift-data:ExecuteStatement", None)],
        ),
        ("aws-sdk:redshiftdata:describeStatement", {"Id": "i"}, [("redshift-data:DescribeStatement", "*")]),
        ("aws-sdk:sfn:getExecutionHistory", {"ExecutionArn": "arn:e"}, [("states:GetExecutionHistory", "arn:e")]),
        ("aws-sdk:dynamodb:getItem", {"TableName": "t"}, [("dynamodb:GetItem", None)]),
    ],
)
def test_a_task_needs(resource: str, arguments: dict[str, Any], expected: list[tuple[str, str | None]]) -> None:
    found = calls(f"arn:aws:states:::{resource}", arguments, PLACE)
    assert found == [Call(action, on) for action, on in expected]


def machine(resource: str) -> dict[str, Any]:
    inner = {"States": {"Task": {"Type": "Task", "Resource": f"arn:aws:states:::{resource}"}}}
    return {"States": {"Parallel": {"Type": "Parallel", "Branches": [inner]}}}


def test_a_machine_that_waits_for_nested_executions_needs_the_managed_rule() -> None:
    rule = "arn:aws:events:eu-west-1:111122223333:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    found = definition_calls(machine("states:startExecution.sync:2"), None, PLACE)
    assert found == [Call(f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")]
    assert definition_calls(machine("states:startExecution"), None, PLACE) == []


@pytest.mark.parametrize(("level", "needed"), [("ALL", LOG_DELIVERY_ACTIONS), ("OFF", ())])
def test_a_machine_that_logs_needs_log_delivery(level: str, needed: tuple[str, ...]) -> None:
    logging = {"level": level, "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:g"}}]}
    found = definition_calls(machine("lambda:invoke"), logging, PLACE)
    assert found == [Call(action, "*") for action in needed]

"""Which permissions a task of Step Functions needs: the calls that the service makes with the state machine's role.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MANAGED_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LOG_DELIVERY_ACTIONS = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
# aws-sdk names of services whose actions IAM prefixes otherwise.
_PREFIXES = {"sfn": "states", "redshiftdata": "redshift-data", "eventbridge": "events", "cloudwatchlogs": "logs"}
_S3_OBJECT_ACTIONS = {"getObject": "GetObject", "headObject": "GetObject", "putObject": "PutObject"}


@dataclass(frozen=True)
class Call:
    """An action on a resource. `resource`: an ARN, "*" where the action has none, None where it is not known here."""

    action: str
    resource: str | None


@dataclass(frozen=True)
class Place:
    """Where the resources are."""

    region: str
    account_id: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


def calls(resource: str, arguments: Mapping[str, Any], place: Place) -> list[Call]:
    """The calls of a task. Those that wait for its end and that stop it come at its start: what could be neither
    followed nor stopped should not be started.
    """
    integration, _, pattern = resource.removeprefix("arn:aws:states:::").partition(".")
    if integration.startswith("aws-sdk:"):
        _, service, api = integration.split(":", 2)
        return list(_sdk_calls(service, api, arguments, place))
    return list(_optimized_calls(integration, pattern, arguments, place))


def definition_calls(definition: Mapping[str, Any], logging: Mapping[str, Any] | None, place: Place) -> list[Call]:
    """What Step Functions tries with the role when a state machine is created or updated."""
    found = []
    if logging and logging.get("level", "OFF") != "OFF" and logging.get("destinations"):
        found += [Call(action, "*") for action in LOG_DELIVERY_ACTIONS]
    if any(str(resource).startswith("arn:aws:states:::states:startExecution.sync") for resource in _tasks(definition)):
        rule = place.arn("events", f"rule/{MANAGED_RULE}")
        found += [Call(f"events:{action}", rule) for action in ("PutTargets", "PutRule", "DescribeRule")]
    return found


def _tasks(definition: Any) -> Iterator[Any]:
    if isinstance(definition, Mapping):
        if definition.get("Type") == "Task":
            yield definition.get("Resource")
        for member in definition.values():
            yield from _tasks(member)
    elif isinstance(definition, list):
        for member in definition:
            yield from _tasks(member)


def _optimized_calls(integration: str, pattern: str, arguments: Mapping[str, Any], place: Place) -> Iterator[Call]:
    if integration == "lambda:invoke":
        name = str(arguments.get("FunctionName", ""))
        yield Call(
            "lambda:InvokeFunction", name if name.startswith("arn:") else place.arn("lambda", f"function:{name}")
        )
    elif integration == "glue:startJobRun":
        job = place.arn("glue", f"job/{arguments.get('JobName')}")
        yield Call("glue:StartJobRun", job)
        if pattern == "sync":
            for action in ("GetJobRun", "GetJobRuns", "BatchStopJobRun"):
                yield Call(f"glue:{action}", job)
    elif integration == "states:startExecution":
        yield Call("states:StartExecution", str(arguments.get("StateMachineArn")))
        if pattern.startswith("sync"):
            for action in ("DescribeExecution", "StopExecution"):
                yield Call(f"states:{action}", _execution_arn(arguments))
    elif integration == "sns:publish":
        yield Call("sns:Publish", arguments.get("TopicArn"))
    else:
        service, _, api = integration.partition(":")
        yield Call(f"{_PREFIXES.get(service, service)}:{api[:1].upper()}{api[1:]}", None)


def _sdk_calls(service: str, api: str, arguments: Mapping[str, Any], place: Place) -> Iterator[Call]:
    action = f"{_PREFIXES.get(service, service)}:{api[:1].upper()}{api[1:]}"
    if service == "s3" and api in _S3_OBJECT_ACTIONS:
        yield Call(f"s3:{_S3_OBJECT_ACTIONS[api]}", f"arn:aws:s3:::{arguments.get('Bucket')}/{arguments.get('Key')}")
    elif service == "redshiftdata":
        yield Call(action, _warehouse(api, arguments, place))
        if secret := arguments.get("SecretArn"):
            # The Data API reads it with the caller's permissions.
            yield Call("secretsmanager:GetSecretValue", str(secret))
    elif service == "sfn" and arguments.get("ExecutionArn"):
        yield Call(action, str(arguments["ExecutionArn"]))
    else:
        yield Call(action, None)


def _warehouse(api: str, arguments: Mapping[str, Any], place: Place) -> str | None:
    if api not in ("executeStatement", "batchExecuteStatement"):
        return "*"
    if cluster := arguments.get("ClusterIdentifier"):
        return place.arn("redshift", f"cluster:{cluster}")
    return None  # a workgroup's ARN ends with an ID that the request does not have


def _execution_arn(arguments: Mapping[str, Any]) -> str:
    machine = str(arguments.get("StateMachineArn")).replace(":stateMachine:", ":execution:")
    return f"{machine}:{arguments.get('Name', 'unnamed')}"

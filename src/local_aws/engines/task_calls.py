"""Which permissions a task of Step Functions needs: the calls that the service makes with the state machine's role.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_facts.permissions import LOG_DELIVERY_ACTIONS, MANAGED_RULE, MANAGED_RULE_ACTIONS, SYNC_ACTIONS, action


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
        found += [Call(needed, "*") for needed in LOG_DELIVERY_ACTIONS]
    if any(str(resource).startswith("arn:aws:states:::states:startExecution.sync") for resource in _tasks(definition)):
        rule = place.arn("events", f"rule/{MANAGED_RULE}")
        found += [Call(needed, rule) for needed in MANAGED_RULE_ACTIONS]
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
    service, _, api = integration.partition(":")
    own, followed = action(service, api), SYNC_ACTIONS.get((service, api, f".{pattern}"), ())
    if integration == "lambda:invoke":
        name = str(arguments.get("FunctionName", ""))
        yield Call(own, name if name.startswith("arn:") else place.arn("lambda", f"function:{name}"))
    elif integration == "glue:startJobRun":
        job = place.arn("glue", f"job/{arguments.get('JobName')}")
        yield from (Call(needed, job) for needed in (own, *followed))
    elif integration == "states:startExecution":
        yield Call(own, str(arguments.get("StateMachineArn")))
        yield from (Call(needed, _execution_arn(arguments)) for needed in followed)
    elif integration == "sns:publish":
        yield Call(own, arguments.get("TopicArn"))
    else:
        yield Call(own, None)


def _sdk_calls(service: str, api: str, arguments: Mapping[str, Any], place: Place) -> Iterator[Call]:
    own = action(service, api)
    if own in ("s3:GetObject", "s3:PutObject"):
        yield Call(own, f"arn:aws:s3:::{arguments.get('Bucket')}/{arguments.get('Key')}")
    elif service == "redshiftdata":
        yield Call(own, _warehouse(api, arguments, place))
        if secret := arguments.get("SecretArn"):
            # The Data API reads it with the caller's permissions.
            yield Call("secretsmanager:GetSecretValue", str(secret))
    elif service == "sfn" and arguments.get("ExecutionArn"):
        yield Call(own, str(arguments["ExecutionArn"]))
    else:
        yield Call(own, None)


def _warehouse(api: str, arguments: Mapping[str, Any], place: Place) -> str | None:
    if api not in ("executeStatement", "batchExecuteStatement"):
        return "*"
    if cluster := arguments.get("ClusterIdentifier"):
        return place.arn("redshift", f"cluster:{cluster}")
    return None  # a workgroup's ARN ends with an ID that the request does not have


def _execution_arn(arguments: Mapping[str, Any]) -> str:
    machine = str(arguments.get("StateMachineArn")).replace(":stateMachine:", ":execution:")
    return f"{machine}:{arguments.get('Name', 'unnamed')}"

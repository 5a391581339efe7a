"""Which permissions are needed where MiniStack's evaluator sees no request, or none to a service that it knows.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_facts.permissions import LOG_DELIVERY_ACTIONS, MANAGED_RULE, MANAGED_RULE_ACTIONS, SYNC_ACTIONS


@dataclass(frozen=True)
class ResourceAction:
    """An action on a resource. `resource`: an ARN, "*" where the action has none, None where it is not known here."""

    action: str
    resource: str | None


@dataclass(frozen=True)
class Location:
    """Where the resources are."""

    region: str
    account_id: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of a service."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


def data_api_calls(operation: str, request: Mapping[str, object], place: Location) -> list[ResourceAction]:
    """The calls that a request to the Redshift Data API makes with the permissions of its sender."""
    found = [ResourceAction(f"redshift-data:{operation}", _warehouse(operation, request, place))]
    if secret := request.get("SecretArn"):
        found.append(ResourceAction("secretsmanager:GetSecretValue", str(secret)))
    return found


def sync_calls(
    service: str, api: str, pattern: str, parameters: Mapping[str, object], place: Location
) -> list[ResourceAction]:
    """The calls by which Step Functions follows and stops what a task with a pattern (".sync") starts.

    They are asked for at its start: what could be neither followed nor stopped should not be started.
    """
    resource = None
    if service == "glue":
        resource = place.arn("glue", f"job/{parameters.get('JobName')}")
    elif service == "states":
        machine = str(parameters.get("stateMachineArn")).replace(":stateMachine:", ":execution:")
        resource = f"{machine}:{parameters.get('name', 'unnamed')}"
    return [ResourceAction(needed, resource) for needed in SYNC_ACTIONS.get((service, api, pattern), ())]


def definition_calls(
    definition: Mapping[str, object], logging: Mapping[str, object] | None, place: Location
) -> list[ResourceAction]:
    """What Step Functions tries with the role when a state machine is created or updated."""
    found = []
    if logging and logging.get("level", "OFF") != "OFF" and logging.get("destinations"):
        found += [ResourceAction(needed, "*") for needed in LOG_DELIVERY_ACTIONS]
    if any(str(resource).startswith("arn:aws:states:::states:startExecution.sync") for resource in _tasks(definition)):
        rule = place.arn("events", f"rule/{MANAGED_RULE}")
        found += [ResourceAction(needed, rule) for needed in MANAGED_RULE_ACTIONS]
    return found


def _tasks(definition: object) -> Iterator[Any]:
    if isinstance(definition, Mapping):
        if definition.get("Type") == "Task":
            yield definition.get("Resource")
        for member in definition.values():
            yield from _tasks(member)
    elif isinstance(definition, list):
        for member in definition:
            yield from _tasks(member)


def _warehouse(operation: str, request: Mapping[str, object], place: Location) -> str | None:
    if operation not in ("ExecuteStatement", "BatchExecuteStatement"):
        return "*"
    if cluster := request.get("ClusterIdentifier"):
        return place.arn("redshift", f"cluster:{cluster}")
    return None  # a workgroup's ARN ends with an ID that the request does not have

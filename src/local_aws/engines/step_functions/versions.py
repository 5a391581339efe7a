"""Versions of state machines, and aliases, which route to them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from local_aws.engines.step_functions import validation
from local_aws.engines.step_functions.paging import page
from local_aws.engines.step_functions.store import Store
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject

_ALIAS_NAME = r"^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$"


class Versions:
    """Operations on versions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = store.interpreter.get("backend.state_machine", "StateMachineVersion")

    def publish(self, request: JsonMapping) -> JsonObject:
        """Answer PublishStateMachineVersion."""
        arn, revision = request["stateMachineArn"], request.get("revisionId")
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        machine = self._store.revision(arn)
        with self._store.lock:
            if revision is not None and machine.revision_id != revision:
                said = (
                    f"Failed to publish the State Machine version for revision {revision}. "
                    f"The current State Machine revision is {machine.revision_id}."
                )
                raise AwsError("ConflictException", said)
            version = machine.create_version(description=request.get("description"))
            if version is None:
                version = self._store.state_machines[machine.versions[machine.revision_id]]
            self._store.state_machines[version.arn] = version
        return {"creationDate": version.create_date, "stateMachineVersionArn": version.arn}

    def list(self, request: JsonMapping) -> JsonObject:
        """ListStateMachineVersions, the latest first."""
        arn = request["stateMachineArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        machine = _revision_or_invalid(self._store, arn)
        found = [self._store.state_machines[version].itemise() for version in reversed(machine.versions.values())]
        items, more = page(found, request, lambda item: str(item["stateMachineVersionArn"]))
        return {"stateMachineVersions": items, **more}

    def delete(self, request: JsonMapping) -> JsonObject:
        """DeleteStateMachineVersion, which succeeds for one that is not there."""
        arn = request["stateMachineVersionArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        with self._store.lock:
            version = self._store.state_machines.get(arn)
            if not isinstance(version, self._version):
                return {}
            machine = self._store.state_machines.get(version.source_arn)
            if machine is not None:
                routing = [alias.name for alias in machine.aliases if alias.is_router_for(arn)]
                if routing:
                    said = (
                        "Version to be deleted must not be referenced by an alias. "
                        f"Current list of aliases referencing this version: [{', '.join(routing)}]"
                    )
                    raise AwsError("ConflictException", said)
                machine.delete_version(arn)
            del self._store.state_machines[arn]
        return {}


class Aliases:
    """Operations on aliases."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._alias = store.interpreter.get("backend.alias", "Alias")
        self._version = store.interpreter.get("backend.state_machine", "StateMachineVersion")

    def create(self, request: JsonMapping) -> JsonObject:
        """Answer CreateStateMachineAlias."""
        name, routing = request["name"], request["routingConfiguration"]
        _check_alias_name(name)
        self._check_routing(routing)
        arn = routing[0]["stateMachineVersionArn"].rpartition(":")[0]
        with self._store.lock:
            machine = self._store.revision(arn)
            alias = self._alias(
                state_machine_arn=arn,
                name=name,
                description=request.get("description"),
                routing_configuration_list=routing,
            )
            known = self._store.aliases.get(alias.state_machine_alias_arn)
            if known is not None and not alias.is_idempotent(known):
                said = (
                    "Failed to create alias because an alias with the same name and a "
                    "different routing configuration already exists."
                )
                raise AwsError("ConflictException", said)
            if known is None:
                self._store.aliases[alias.state_machine_alias_arn] = alias
                machine.aliases.add(alias)
            alias = known or alias
        return {"stateMachineAliasArn": alias.state_machine_alias_arn, "creationDate": alias.create_date}

    def describe(self, request: JsonMapping) -> JsonObject:
        """Answer DescribeStateMachineAlias."""
        return dict(self._found(request).to_description())

    def update(self, request: JsonMapping) -> JsonObject:
        """Answer UpdateStateMachineAlias."""
        routing = request.get("routingConfiguration")
        if routing is None and request.get("description") is None:
            said = "Either the description or the RoutingConfiguration must be specified"
            raise AwsError("MissingRequiredParameter", said)
        if routing is not None:
            self._check_routing(routing)
        alias = self._found(request)
        alias.update(description=request.get("description"), routing_configuration_list=routing)
        return {"updateDate": alias.update_date}

    def delete(self, request: JsonMapping) -> JsonObject:
        """DeleteStateMachineAlias, which succeeds for one that is not there."""
        arn = request["stateMachineAliasArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        with self._store.lock:
            alias = self._store.aliases.pop(arn, None)
            machine = self._store.state_machines.get(arn.rpartition(":")[0])
            if alias is not None and machine is not None:
                machine.aliases.discard(alias)
        return {}

    def list(self, request: JsonMapping) -> JsonObject:
        """ListStateMachineAliases, the first made first."""
        arn = request["stateMachineArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        machine = _revision_or_invalid(self._store, arn)
        found = [alias.to_item() for alias in sorted(machine.aliases, key=lambda alias: alias.create_date)]
        items, more = page(found, request, lambda item: str(item["stateMachineAliasArn"]))
        return {"stateMachineAliases": items, **more}

    def _found(self, request: JsonMapping) -> Any:
        arn = request["stateMachineAliasArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        alias = self._store.aliases.get(arn)
        if alias is None:
            raise AwsError("ResourceNotFound", "Request references a resource that does not exist.")
        return alias

    def _check_routing(self, routing: Sequence[JsonMapping]) -> None:
        if not 1 <= len(routing) <= 2:
            given = ", ".join(
                f"RoutingConfigurationListItem(stateMachineVersionArn={item['stateMachineVersionArn']}, "
                f"weight={item['weight']})"
                for item in routing
            )
            said = "Member must have length less than or equal to 2"
            raise _invalid(f"Value '[{given}]' at 'routingConfiguration' failed to satisfy constraint: {said}")
        arns = [item["stateMachineVersionArn"] for item in routing]
        received = f"Received: [{', '.join(arns)}]"
        if len(set(arns)) < len(arns):
            said = f"Routing configuration must contain distinct state machine version ARNs. {received}"
            raise AwsError("ValidationException", said)
        weights = [item["weight"] for item in routing]
        for number, weight in enumerate(weights, 1):
            if weight < 0:
                where = f"routingConfiguration[{number}].weight"
                said = f"Invalid value for parameter {where}, value: {weight}, valid min value: 0"
                raise AwsError("ValidationException", said)
            if weight > 100:
                where = f"'routingConfiguration.{number}.member.weight'"
                said = "Member must have value less than or equal to 100"
                raise _invalid(f"Value '{weight}' at {where} failed to satisfy constraint: {said}")
        if sum(weights) != 100:
            said = f"Sum of routing configuration weights must equal 100. Received: {json.dumps(weights)}"
            raise AwsError("ValidationException", said)
        if not all(isinstance(self._store.state_machines.get(arn), self._version) for arn in arns):
            said = f"Routing configuration must contain state machine version ARNs. {received}"
            raise AwsError("ValidationException", said)
        if len({arn.rpartition(":")[0] for arn in arns}) > 1:
            said = f"Routing configuration must contain versions of the same state machine. {received}"
            raise AwsError("ValidationException", said)


def _revision_or_invalid(store: Store, arn: str) -> Any:
    try:
        return store.revision(arn)
    except AwsError as error:
        raise AwsError("InvalidArn", f"Invalid arn: {arn}") from error


def _check_alias_name(name: str) -> None:
    problem = ""
    if len(name) > 80:
        problem = "Member must have length less than or equal to 80"
    elif not re.match(_ALIAS_NAME, name):
        problem = f"Member must satisfy regular expression pattern: {_ALIAS_NAME}"
    if problem:
        raise _invalid(f"Value '{name}' at 'name' failed to satisfy constraint: {problem}")


def _invalid(problem: str) -> AwsError:
    return AwsError("ValidationException", f"1 validation error detected: {problem}")

"""State machines: create, update, describe, list, delete, tags, validation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from local_aws.engines.step_functions import diagnostics, validation
from local_aws.engines.step_functions.paging import page
from local_aws.engines.step_functions.store import Store
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.jsonata import refused_definitions


class StateMachines:
    """Operations on state machines."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._revision = store.interpreter.get("backend.state_machine", "StateMachineRevision")
        self._logging = store.interpreter.get("asl.eval.event.logging", "CloudWatchLoggingConfiguration")

    def create(self, request: JsonMapping) -> JsonObject:
        """Answer CreateStateMachine."""
        if request.get("versionDescription") and not request.get("publish"):
            raise AwsError("ValidationException", "Version description can only be set when publish is true")
        name, kind = request["name"], request.get("type") or "STANDARD"
        validation.check_name(name)
        validation.check_tags([], request.get("tags"))
        logging = self._checked_logging(request.get("loggingConfiguration"))
        if known := self._known(request, logging):
            return known
        # Not with the lock, for which executions that start wait.
        self._read(request["definition"], kind)
        with self._store.lock:
            if known := self._known(request, logging):
                return known
            arn = self._store.arn("stateMachine", name)
            machine = self._revision(
                name=name,
                arn=arn,
                definition=request["definition"],
                role_arn=request["roleArn"],
                sm_type=self._store.interpreter.of_api("StateMachineType")(kind),
                logging_config=logging,
                cloud_watch_logging_configuration=self._logging.from_logging_configuration(
                    state_machine_arn=arn, logging_configuration=logging
                ),
                tags=request.get("tags"),
                tracing_config=request.get("tracingConfiguration"),
            )
            self._store.state_machines[arn] = machine
            answer: JsonObject = {"stateMachineArn": arn, "creationDate": machine.create_date}
            if request.get("publish"):
                version = machine.create_version(description=request.get("versionDescription"))
                self._store.state_machines[version.arn] = version
                answer["stateMachineVersionArn"] = version.arn
        return answer

    def _known(self, request: JsonMapping, logging: Mapping[str, object]) -> JsonObject | None:
        """The answer for a state machine that is there already; roleArn and tags of a second request are ignored.

        Raises:
            AwsError: StateMachineAlreadyExists, where the one that is there is another.
        """
        found = self._store.state_machines.get(self._store.arn("stateMachine", request["name"]))
        if found is None:
            return None
        asked = (request["definition"], request.get("type") or "STANDARD", logging, request.get("tracingConfiguration"))
        if asked != (found.definition, found.sm_type, found.logging_config, found.tracing_config):
            raise AwsError("StateMachineAlreadyExists", f"State Machine Already Exists: '{found.arn}'")
        return {"stateMachineArn": found.arn, "creationDate": found.create_date}

    def update(self, request: JsonMapping) -> JsonObject:
        """Answer UpdateStateMachine."""
        arn = request["stateMachineArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        machine = self._store.revision(arn)
        changes = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
        if not any(request.get(name) for name in changes):
            said = "the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration"
            raise AwsError("MissingRequiredParameter", f"Either {said} must be specified")
        if request.get("versionDescription") and not request.get("publish"):
            raise AwsError("ValidationException", "Version description can only be set when publish is true")
        if request.get("definition") is not None:
            self._read(request["definition"], machine.sm_type.value)
        logging = request.get("loggingConfiguration")
        checked = None if logging is None else self._checked_logging(logging)
        with self._store.lock:
            revision = machine.create_revision(
                definition=request.get("definition"),
                role_arn=request.get("roleArn"),
                logging_configuration=checked,
            )
            if request.get("tracingConfiguration") is not None:
                machine.tracing_config = request["tracingConfiguration"]
            answer: JsonObject = {"updateDate": datetime.now(UTC)}
            if revision is not None:
                answer["revisionId"] = revision
            if request.get("publish"):
                version = machine.create_version(description=request.get("versionDescription"))
                if version is not None:
                    self._store.state_machines[version.arn] = version
                answer["stateMachineVersionArn"] = version.arn if version else machine.versions[machine.revision_id]
        return answer

    def describe(self, request: JsonMapping) -> JsonObject:
        """DescribeStateMachine, also of a version."""
        arn = request["stateMachineArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        found = self._store.state_machines.get(arn)
        if found is None:
            raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return {**found.describe(), "tracingConfiguration": found.tracing_config or {"enabled": False}}

    def list(self, request: JsonMapping) -> JsonObject:
        """Answer ListStateMachines."""
        found = sorted((machine.itemise() for machine in self._store.revisions()), key=lambda item: item["name"])
        items, more = page(found, request, lambda item: str(item["stateMachineArn"]))
        return {"stateMachines": items, **more}

    def delete(self, request: JsonMapping) -> JsonObject:
        """DeleteStateMachine, which succeeds for one that is not there."""
        arn = request["stateMachineArn"]
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        with self._store.lock:
            machine = self._store.state_machines.get(arn)
            if isinstance(machine, self._revision):
                for gone in (arn, *machine.versions.values()):
                    self._store.state_machines.pop(gone, None)
                for alias in machine.aliases:
                    self._store.aliases.pop(alias.state_machine_alias_arn, None)
        return {}

    def validate(self, request: JsonMapping) -> JsonObject:
        """Answer ValidateStateMachineDefinition."""
        kind = request.get("type") or "STANDARD"
        found = diagnostics.diagnose(request["definition"], kind)
        if not found:
            found = [
                diagnostics.Diagnostic(problem.code, problem.message, problem.location)
                for problem in refused_definitions.problems(json.loads(request["definition"]))
            ]
        if not found:
            try:
                validation.check_definition(self._store.interpreter, request["definition"], kind)
            except AwsError as error:
                found = [diagnostics.Diagnostic("SCHEMA_VALIDATION_FAILED", error.message)]
        return diagnostics.answer(found, request.get("maxResults") or 100)

    def _read(self, definition: str, kind: str) -> None:
        """Check a definition, and parse it for the executions that will start.

        Raises:
            AwsError: InvalidDefinition.
        """
        validation.check_definition(self._store.interpreter, definition, kind)
        self._store.interpreter.get("backend.execution_worker", "ExecutionWorker").program_of(definition)

    def _checked_logging(self, configuration: Mapping[str, object] | None) -> JsonObject:
        checked = validation.check_logging(configuration)
        self._store.logs.check(checked)
        return checked

    def tag(self, request: JsonMapping) -> JsonObject:
        """Answer TagResource."""
        tags = self._tagged(request)
        validation.check_tags(tags.to_tag_list(), request.get("tags"))
        tags.add_all(request.get("tags") or [])
        return {}

    def untag(self, request: JsonMapping) -> JsonObject:
        """Answer UntagResource."""
        self._tagged(request).remove_all(request.get("tagKeys") or [])
        return {}

    def tags(self, request: JsonMapping) -> JsonObject:
        """Answer ListTagsForResource."""
        return {"tags": self._tagged(request).to_tag_list()}

    def _tagged(self, request: JsonMapping) -> Any:
        arn = request["resourceArn"]
        found = self._store.state_machines.get(arn)
        if not isinstance(found, self._revision):
            raise AwsError("ResourceNotFound", f"Resource not found: '{arn}'")
        return found.tag_manager

"""Executions: start, stop, describe, list, history, and the map runs in them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aws_facts.states_api import MOST_EXECUTIONS_TOKEN_CHARACTERS
from local_aws.engines.step_functions import execution_input, history, validation
from local_aws.engines.step_functions.paging import page
from local_aws.engines.step_functions.store import Store
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject


class Executions:
    """Operations on executions."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._execution = store.interpreter.get("backend.execution", "Execution")
        self._sync_execution = store.interpreter.get("backend.execution", "SyncExecution")
        self._version = store.interpreter.get("backend.state_machine", "StateMachineVersion")

    def start(self, request: JsonMapping) -> JsonObject:
        """StartExecution, of a state machine, a version, or the version that an alias routes to.

        The same name and input, while it runs, is the same execution.
        """
        machine, alias = self._machine(request["stateMachineArn"])
        name = self._name(request)
        text = execution_input.read(request.get("input"))
        express = machine.sm_type == "EXPRESS"
        arn = self._arn(machine, name, express=express)
        with self._store.lock:
            known = self._store.executions.get(arn)
            if known is not None:
                if known.exec_status == "RUNNING" and known.input_data == json.loads(text):
                    return dict(known.to_start_output())
                raise AwsError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
            execution = self._new(self._execution, machine, name, arn, text, request)
            execution.state_machine_alias_arn = alias
            self._store.add_execution(execution)
            execution.start()
        return dict(execution.to_start_output())

    def start_sync(self, request: JsonMapping) -> JsonObject:
        """Answer StartSyncExecution."""
        machine, _alias = self._machine(request["stateMachineArn"])
        if machine.sm_type != "EXPRESS":
            raise _unsupported_type()
        name = self._name(request)
        text = execution_input.read(request.get("input"))
        arn = self._arn(machine, name, express=True)
        execution = self._new(self._sync_execution, machine, name, arn, text, request)
        execution.start()
        return dict(execution.to_start_sync_execution_output())

    def stop(self, request: JsonMapping) -> JsonObject:
        """Answer StopExecution."""
        execution = self._standard(request)
        now = datetime.now(UTC)
        execution.stop(stop_date=now, error=request.get("error"), cause=request.get("cause"))
        return {"stopDate": execution.stop_date or now}

    def redrive(self, request: JsonMapping) -> JsonObject:
        """Answer RedriveExecution."""
        return {"redriveDate": self._standard(request).redrive(request.get("clientToken"))}

    def describe(self, request: JsonMapping) -> JsonObject:
        """Answer DescribeExecution."""
        return self._described(self._standard(request))

    def state_machine(self, request: JsonMapping) -> JsonObject:
        """DescribeStateMachineForExecution: as it was when the execution began."""
        arn = request["executionArn"]
        validation.check_arn(arn, validation.EXECUTION_ARN)
        return dict(self._store.execution(arn).to_describe_state_machine_for_execution_output())

    def history(self, request: JsonMapping) -> JsonObject:
        """Answer GetExecutionHistory."""
        return history.answer(self._standard(request).to_history_output()["events"], request)

    def list(self, request: JsonMapping) -> JsonObject:
        """ListExecutions, the latest first."""
        arn, status = request.get("stateMachineArn"), request.get("statusFilter")
        if not arn:
            raise AwsError("ValidationException", "Must provide a StateMachine ARN or MapRun ARN")
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        machine, _alias = self._machine(arn)
        if machine.sm_type == "EXPRESS":
            raise _unsupported_type()
        redriven = {"REDRIVEN": True, "NOT_REDRIVEN": False}.get(str(request.get("redriveFilter")))
        found = [
            self._item(execution)
            for execution in reversed(list(self._store.executions.values()))
            if arn in _machine_arns(execution) and (not status or execution.exec_status == status)
        ]
        if redriven is not None:
            found = [item for item in found if (item["redriveCount"] > 0) == redriven]
        items, more = page(found, request, lambda item: str(item["executionArn"]), MOST_EXECUTIONS_TOKEN_CHARACTERS)
        return {"executions": items, **more}

    # Map runs

    def describe_map_run(self, request: JsonMapping) -> JsonObject:
        """Answer DescribeMapRun."""
        return dict(self._map_run(request).describe())

    def list_map_runs(self, request: JsonMapping) -> JsonObject:
        """Answer ListMapRuns."""
        execution = self._store.execution(request["executionArn"])
        found = [record.list_item() for record in execution.exec_worker.env.map_run_record_pool_manager.get_all()]
        items, more = page(found, request, lambda item: str(item["mapRunArn"]))
        return {"mapRuns": items, **more}

    def update_map_run(self, request: JsonMapping) -> JsonObject:
        """Answer UpdateMapRun."""
        self._map_run(request).update(
            max_concurrency=request.get("maxConcurrency"),
            tolerated_failure_count=request.get("toleratedFailureCount"),
            tolerated_failure_percentage=request.get("toleratedFailurePercentage"),
        )
        return {}

    def _map_run(self, request: JsonMapping) -> Any:
        arn = request["mapRunArn"]
        for execution in list(self._store.executions.values()):
            record = execution.exec_worker.env.map_run_record_pool_manager.get(arn)
            if record is not None:
                return record
        raise AwsError("ResourceNotFound", f"Resource not found: '{arn}'")

    # What these need

    def _machine(self, arn: str) -> tuple[Any, str | None]:
        """A state machine or version, and the alias that named it."""
        validation.check_arn(arn, validation.STATE_MACHINE_ARN)
        alias = self._store.aliases.get(arn)
        machine = self._store.state_machines.get(alias.sample() if alias else arn)
        if machine is None:
            raise AwsError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine, alias.state_machine_alias_arn if alias else None

    def _name(self, request: JsonMapping) -> str:
        name = request.get("name")
        if name is None:
            return str(uuid4())
        validation.check_name(name)
        return str(name)

    def _arn(self, machine: Any, name: str, *, express: bool) -> str:
        if not express:
            return self._store.arn("execution", f"{machine.name}:{name}")
        return self._store.arn("express", f"{machine.name}:{name}:{uuid4()}")

    def _new(self, kind: Any, machine: Any, name: str, arn: str, text: str, request: JsonMapping) -> Any:
        execution = kind(
            name=name,
            sm_type=machine.sm_type,
            role_arn=machine.role_arn,
            exec_arn=arn,
            account_id=self._store.account_id,
            region_name=self._store.region,
            # As it is now: a change later is none of this execution's.
            state_machine=copy.copy(machine),
            start_date=datetime.now(UTC),
            cloud_watch_logging_session=self._store.logs.open(arn, machine),
            activity_store=self._store.activities,
            input_data=text,
            trace_header=request.get("traceHeader"),
        )
        execution.state_machine_arn = machine.source_arn if isinstance(machine, self._version) else machine.arn
        return execution

    def _standard(self, request: JsonMapping) -> Any:
        arn = request["executionArn"]
        validation.check_arn(arn, validation.EXECUTION_ARN)
        execution = self._store.execution(arn)
        if execution.sm_type != "STANDARD":
            kind = str(execution.sm_type.value).lower()
            raise AwsError("InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {kind}'")
        return execution

    def _described(self, execution: Any) -> JsonObject:
        return {**execution.to_describe_output(), **_origin(execution, self._version)}

    def _item(self, execution: Any) -> JsonObject:
        return {**execution.to_execution_list_item(), **_origin(execution, self._version)}


def _origin(execution: Any, version: Any) -> JsonObject:
    """The state machine, version and alias that an execution was started by."""
    answer = {"stateMachineArn": execution.state_machine_arn}
    if isinstance(execution.state_machine, version):
        answer["stateMachineVersionArn"] = execution.state_machine.arn
    if execution.state_machine_alias_arn:
        answer["stateMachineAliasArn"] = execution.state_machine_alias_arn
    return answer


def _machine_arns(execution: Any) -> tuple[str, str, str | None]:
    return execution.state_machine_arn, execution.state_machine.arn, execution.state_machine_alias_arn


def _unsupported_type() -> AwsError:
    return AwsError("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")

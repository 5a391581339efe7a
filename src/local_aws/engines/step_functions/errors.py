"""What errors of tasks and of inner states are called."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError, DataNotFoundError, HTTPClientError, IncompleteReadError

from aws_facts import errors as facts
from local_aws.engines.step_functions.interpreter import SERVICE, Changes
from local_aws.services.request_model import find_operation, service_model

_NO_ANSWER: Final = (HTTPClientError, IncompleteReadError, ConnectionError)


def optimized_name(integration: str, service: str, action: str, code: str) -> str:
    """What an optimized integration calls an error, after the class that the SDK for Java 1.x throws.

    Args:
        integration: of the Resource, such as "states".
        service: boto3's name of what it calls.
        action: of the Resource, such as "startJobRun".
        code: of the answer.
    """
    names = facts.OPTIMIZED[integration]
    if code.startswith("AccessDenied"):
        # By its own name, whether the service's model has it or not: a Retry of other errors shall not meet it.
        return f"{names.prefix}.AccessDeniedException"
    operation = find_operation(service, action)
    own = {shape.name for shape in operation.error_shapes} if operation else set()
    known = next((shape.name for shape in service_model(service).error_shapes if code in _names(shape)), None)
    if known in facts.NOT_IN_THE_CLASSES and known not in own:
        known = None
    return f"{names.prefix}.{known.removesuffix('Exception') + 'Exception' if known else names.base}"


def _names(shape: Any) -> tuple[str, str]:
    return shape.name, shape.error_code


def sdk_name(service_id: str) -> str:
    """How AWS's SDK for Java, which Step Functions calls services with, writes a service: DynamoDb, RedshiftData, Sqs.

    Args:
        service_id: of the service's model, such as "Redshift Data".
    """
    words = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+", service_id)
    return "".join(word.capitalize() for word in words)


def change(changes: Changes) -> None:
    """Name errors as AWS does."""
    interpreter = changes.interpreter
    sdk = interpreter.module(f"{SERVICE}.state_task_service_aws_sdk")
    service = interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")
    names: dict[str, str] = {}

    def service_error_name(service_name: str) -> str:
        known = service._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.get(service_name.lower(), service_name.lower())
        if known not in names:
            try:
                names[known] = sdk_name(str(service_model(known).service_id))
            except DataNotFoundError:
                return service_name
        return names[known]

    def exception_name(norm_service_name: str, ex: Exception) -> str:
        name = type(ex).__name__
        code = ex.response["Error"].get("Code", "") if isinstance(ex, ClientError) else ""
        if code.startswith("AccessDenied"):
            # By its own name, whether the service's model has it or not: a Retry of other errors shall not meet it.
            name = "AccessDeniedException"
        elif name == "ClientError":
            name = norm_service_name
        return f"{norm_service_name}.{name.removesuffix('Exception')}Exception"

    kind = sdk.StateTaskServiceAwsSdk
    changes.replace(kind, "_normalise_service_error_name", staticmethod(service_error_name))
    changes.replace(kind, "_normalise_exception_name", staticmethod(exception_name))

    for optimized in (
        interpreter.get(f"{SERVICE}.state_task_service_glue", "StateTaskServiceGlue"),
        interpreter.get(f"{SERVICE}.state_task_service_lambda", "StateTaskServiceLambda"),
        interpreter.get(f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn"),
        interpreter.get(f"{SERVICE}.state_task_service_sns", "StateTaskServiceSns"),
    ):
        _name_as_the_integration_does(changes, optimized)
    _name_what_was_not_answered(changes, service, service_error_name)

    # What a worker or an inner state calls its error may begin with "States.": it is passed on as it is.
    for path in (
        "asl.component.state.exec.state_parallel.branches_decl",
        "asl.component.state.exec.state_map.iteration.iteration_worker",
        f"{SERVICE}.state_task_service_callback",
    ):
        any_name = interpreter.get("asl.component.common.error_name.error_name", "ErrorName")
        changes.replace(interpreter.module(path), "CustomErrorName", any_name)

    # A state that fails would be logged with the whole of its definition, once for each component that it is in.
    component = interpreter.get("asl.component.eval_component", "EvalComponent")
    for name in ("_log_failure_event_exception", "_log_exception"):
        changes.replace(component, name, lambda _self, *_, **__: None)


def _name_as_the_integration_does(changes: Changes, kind: Any) -> None:
    # The interpreters take the code as it is, which for throttling is a name that AWS's integrations never use.
    from_error = kind._from_error

    def from_error_named(self: Any, env: Any, ex: Exception) -> Any:
        event = from_error(self, env, ex)
        if isinstance(ex, ClientError):
            code = str(ex.response["Error"].get("Code", ""))
            service, action = self._get_boto_service_name(), self.resource.api_action
            _rename(event, optimized_name(self.resource.service_name, service, action, code))
        return event

    changes.replace(kind, "_from_error", from_error_named)


def _name_what_was_not_answered(changes: Changes, service: Any, sdk_service_name: Callable[[str], str]) -> None:
    """A call whose answer does not come is an error of the SDK's; the interpreters end an execution with it."""
    interpreter = changes.interpreter
    state = interpreter.get("asl.component.state.exec.execute_state", "ExecutionState")
    from_error = state._from_error
    details_of = interpreter.get("asl.eval.event.event_detail", "EventDetails")
    failed = interpreter.of_api("TaskFailedEventDetails")
    made = interpreter.get("asl.component.common.error_name.failure_event", "FailureEvent")
    any_name = interpreter.get("asl.component.common.error_name.error_name", "ErrorName")

    def from_error_named(self: Any, env: Any, ex: Exception) -> Any:
        if not isinstance(self, service) or not isinstance(ex, _NO_ANSWER):
            return from_error(self, env, ex)
        names = facts.OPTIMIZED.get(self.resource.service_name)
        prefix = names.prefix if names else sdk_service_name(self.resource.api_name)
        error = f"{prefix}.{facts.NO_ANSWER}"
        resource = {"resource": self._get_sfn_resource(), "resourceType": self._get_sfn_resource_type()}
        return made(
            env=env,
            error_name=any_name(error_name=error),
            event_type=interpreter.of_api("HistoryEventType").TaskFailed,
            event_details=details_of(taskFailedEventDetails=failed(error=error, cause=str(ex), **resource)),
        )

    changes.replace(state, "_from_error", from_error_named)


def _rename(event: Any, name: str) -> None:
    event.error_name = type(event.error_name)(name)
    event.event_details["taskFailedEventDetails"]["error"] = name

"""What errors of tasks and of inner states are called."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from local_aws.engines.step_functions.interpreter import SERVICE, Changes
from local_aws.services.request_model import service_model


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
    custom_name = interpreter.get("asl.component.common.error_name.custom_error_name", "CustomErrorName")
    service = interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")
    names: dict[str, str] = {}

    def service_error_name(service_name: str) -> str:
        known = service._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.get(service_name.lower(), service_name.lower())
        if known not in names:
            try:
                names[known] = sdk_name(str(service_model(known).service_id))
            except Exception:
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

    # StepFunctions.AccessDeniedExceptionException
    nested = interpreter.get(f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn")
    from_error = nested._from_error

    def from_error_once(self: Any, env: Any, ex: Exception) -> Any:
        event = from_error(self, env, ex)
        name = event.error_name.error_name if event.error_name else ""
        if name.endswith("ExceptionException"):
            event.error_name = custom_name(name.removesuffix("Exception"))
            event.event_details["taskFailedEventDetails"]["error"] = event.error_name.error_name
        return event

    changes.replace(nested, "_from_error", from_error_once)

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

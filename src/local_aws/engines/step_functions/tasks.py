"""Tasks: who calls the services, how members of requests and answers are named, and what ends with a task."""

from __future__ import annotations

import json
import logging
import pkgutil
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import ListShape, StructureShape
from botocore.response import StreamingBody

from aws_facts import service_names
from aws_facts.states_language import JSONATA
from local_aws.endings import Endings
from local_aws.engines.step_functions import call_parameters
from local_aws.engines.step_functions.interpreter import SERVICE, Changes
from local_aws.engines.step_functions.mends import failure
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.request_model import find_operation

# Region, service and the credentials of a state; the client acts with them.
ClientFor = Callable[[str, str, Any], Any]
# Service, API, pattern (".sync"), parameters of the request, credentials of a state; a ClientError is a refusal.
Permit = Callable[[str, str, str, JsonMapping, Any], None]

_log = logging.getLogger(__name__)
_SECONDS_TO_FIRST_LOOK, _SECONDS_BETWEEN_LOOKS = 0.05, 0.5
_FIRST_SERVER_ERROR = 500
_NO_REQUEST = "00000000-0000-0000-0000-000000000000"


def change(changes: Changes, client_for: ClientFor | None, permit: Permit | None, endings: Endings) -> None:
    """Change how tasks of an interpreter call services."""
    interpreter = changes.interpreter
    # Modules of services are imported when a definition first names one.
    package = interpreter.module("asl.component")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    if client_for is not None:
        _call_with(changes, client_for)
        _name_by_shapes(changes)
    service = interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")
    names = {**service._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES, **service_names.BOTOCORE}
    changes.replace(service, "_SERVICE_NAME_SFN_TO_BOTO_OVERRIDES", names)
    _name_list_members(changes)
    _take_any_body(changes)
    _refuse_requests(changes)
    _wait_for_what_was_started(changes, endings)
    _start_nothing_after_the_end(changes)
    if permit is not None:
        _ask_before_starting(changes, permit)


# Clients


def _call_with(changes: Changes, client_for: ClientFor) -> None:
    def client(region: str, service: str, state_credentials: object = None) -> Any:
        made = client_for(region, service, state_credentials)
        made.meta.events.register_first("after-call", _with_request_id, unique_id="request-id")
        made.meta.events.register_last("after-call", _tell_of_denial, unique_id="denial")
        return made

    # Imported by name in each module of a service.
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{changes.interpreter.root}.asl.") and "boto_client_for" in vars(module):
            changes.replace(module, "boto_client_for", client)


def _with_request_id(parsed: JsonObject, **_: object) -> None:
    # The interpreter reads it from every error, and an emulator leaves it out of some.
    parsed.setdefault("ResponseMetadata", {}).setdefault("RequestId", _NO_REQUEST)


def _tell_of_denial(http_response: Any, parsed: JsonObject, **_: object) -> None:
    # A state machine may catch it, and nobody may look into an execution that a rule has started.
    if http_response.status_code < 300:
        return  # an answer may have a member of that name, as that of DescribeStatement has
    error = parsed.get("Error") or {}
    if str(error.get("Code", "")).startswith("AccessDenied"):
        _log.warning("denied: %s", error.get("Message"))


# What a task would ask


def _refuse_requests(changes: Changes) -> None:
    """Refuse what one expression for all Arguments gives, where a definition that says the same would be refused.

    An SDK sends no request whose place would be empty: of S3 it would be the one that lists the bucket.
    """
    interpreter = changes.interpreter
    task = interpreter.get("asl.component.state.exec.state_task.state_task", "StateTask")
    sdk = interpreter.get(f"{SERVICE}.state_task_service_aws_sdk", "StateTaskServiceAwsSdk")
    call = sdk._eval_service_task

    def evaluate_known(self: Any, env: Any) -> Any:
        # The interpreters drop what they do not know of a call.
        if self.parargs is None:
            return {}
        self.parargs.eval(env)
        given = env.stack.pop()
        body = {"Resource": self.resource.resource_arn, "Arguments": given}
        if problems := [problem for problem, _ in call_parameters.of_task(body, JSONATA)]:
            shown = json.dumps(given, separators=(",", ":"), default=str)
            cause = f"The Parameters '{shown}' could not be used to start the Task: [{', '.join(problems)}]"
            raise failure(interpreter, env, "States.Runtime", cause)
        return given

    def call_with_place(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        if empty := call_parameters.empty_place(self.resource.resource_arn, normalised_parameters):
            name = self._normalise_service_error_name(self.resource.api_name)
            raise _sdk_failure(changes, self, env, f"{name}.SdkClientException", f"{empty} cannot be empty.")
        call(self, env, resource_runtime_part, normalised_parameters, state_credentials)

    changes.replace(task, "_eval_parameters", evaluate_known)
    changes.replace(sdk, "_eval_service_task", call_with_place)


def _sdk_failure(changes: Changes, task: Any, env: Any, error: str, cause: str) -> Exception:
    """What ends a task that its SDK does not send."""
    interpreter = changes.interpreter
    name = interpreter.get("asl.component.common.error_name.custom_error_name", "CustomErrorName")(error)
    details = interpreter.of_api("TaskFailedEventDetails")(
        error=error, cause=cause, resource=task._get_sfn_resource(), resourceType=task._get_sfn_resource_type()
    )
    event = interpreter.get("asl.component.common.error_name.failure_event", "FailureEvent")(
        env=env,
        error_name=name,
        event_type=interpreter.of_api("HistoryEventType").TaskFailed,
        event_details=interpreter.get("asl.eval.event.event_detail", "EventDetails")(taskFailedEventDetails=details),
    )
    raised = interpreter.get("asl.component.common.error_name.failure_event", "FailureEventException")
    return raised(failure_event=event)  # type: ignore[no-any-return]


# Names of members


def _name_list_members(changes: Changes) -> None:
    """Members of a list in a list: Records[0][0].StringValue, where the interpreters keep botocore's .stringValue."""
    service = changes.interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")
    name_structure = service._from_boto_response

    def name_members(self: Any, response: object, shape: Any) -> None:
        if isinstance(response, list) and isinstance(shape, ListShape):
            for member in response:
                self._from_boto_response(member, shape.member)
        else:
            name_structure(self, response, shape)

    changes.replace(service, "_from_boto_response", name_members)


def _take_any_body(changes: Changes) -> None:
    """A body that is not UTF-8 is a text all the same, and no error that nothing catches."""
    service = changes.interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")

    def text_of(value: object) -> Any:
        return value.read().decode("utf-8", "replace") if isinstance(value, StreamingBody) else value

    changes.replace(service, "_from_boto_response_value", staticmethod(text_of))


def _name_by_shapes(changes: Changes) -> None:
    """Members of requests and answers by the service's model, which moto left out of its copy."""
    service = changes.interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")

    def shape(self: Any, boto_name: str | None, action: str | None, kind: str) -> Any:
        wanted = self._get_boto_service_action(action).replace("_", "")
        operation = find_operation(self._get_boto_service_name(boto_name), wanted)
        return getattr(operation, kind) if operation else None

    def normalise_parameters(
        self: Any, parameters: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        found = shape(self, boto_service_name, service_action_name, "input_shape")
        if isinstance(found, StructureShape):
            self._to_boto_request(parameters, found)

    def normalise_response(
        self: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
    ) -> None:
        found = shape(self, boto_service_name, service_action_name, "output_shape")
        if isinstance(found, StructureShape):
            self._from_boto_response(response, found)

    changes.replace(service, "_normalise_parameters", normalise_parameters)
    changes.replace(service, "_normalise_response", normalise_response)


# What a task waits for


def _wait_for_what_was_started(changes: Changes, endings: Endings) -> None:
    """.sync and .sync:2: what its execution no longer waits for is stopped; the interpreters leave it going.

    moto also interrupts a task token after each wait, which a task of Glue does not have.
    """
    glue = changes.interpreter.module(f"{SERVICE}.state_task_service_glue")
    nested = changes.interpreter.module(f"{SERVICE}.state_task_service_sfn")
    condition = changes.interpreter.get(f"{SERVICE}.resource", "ResourceCondition")
    failed = changes.interpreter.get("asl.component.common.error_name.failure_event", "FailureEventException")
    callback = changes.interpreter.get(f"{SERVICE}.state_task_service_callback", "StateTaskServiceCallback")

    def stop_job_run(submitted: Mapping[str, object], region: str, credentials: object) -> None:
        client = glue.boto_client_for(service="glue", region=region, state_credentials=credentials)
        client.batch_stop_job_run(JobName=submitted["JobName"], JobRunIds=[submitted["JobRunId"]])

    def stop_execution(submitted: Mapping[str, object], region: str, credentials: object) -> None:
        client = nested.boto_client_for(service="stepfunctions", region=region, state_credentials=credentials)
        client.stop_execution(executionArn=submitted["ExecutionArn"])

    stops = {glue.StateTaskServiceGlue: stop_job_run, nested.StateTaskServiceSfn: stop_execution}
    wait_for_token = callback._eval_integration_pattern

    def stop(kind: object, submitted: Mapping[str, object], region: str, credentials: object) -> None:
        try:
            stops[kind](submitted, region, credentials)
        except ClientError as error:  # as on AWS, which tries it and no more
            _log.warning("what a task had started could not be stopped: %s", error)

    def look(resolver: Callable[[], Any]) -> Any:
        try:
            return resolver()
        except ClientError as error:
            if not _is_passing(error):
                raise
            return None  # it is asked again, as AWS does

    def wait(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        if self.resource.condition == condition.WaitForTaskToken:
            wait_for_token(self, env, resource_runtime_part, normalised_parameters, state_credentials)
            return
        submitted = env.stack[-1]
        sync = self.resource.condition == condition.Sync
        build = self._build_sync_resolver if sync else self._build_sync2_resolver
        resolver = build(env, resource_runtime_part, normalised_parameters, state_credentials)
        result, seconds = None, _SECONDS_TO_FIRST_LOOK
        is_over = False  # by itself
        try:
            started = submitted.get("JobRunId") or submitted.get("ExecutionArn", "")
            with endings.waking(started, env.program_state_event):
                while env.is_running() and not (result := look(resolver)):
                    # The end of what was started ends the wait, as does that of the execution. What ends between a look
                    # and the wait is seen at the next look.
                    env.program_state_event.wait(seconds)
                    seconds = min(2 * seconds, _SECONDS_BETWEEN_LOOKS)
            is_over = bool(result)
        except failed:
            is_over = True
            raise
        finally:
            if not is_over and type(self) in stops:
                stop(type(self), submitted, resource_runtime_part.region, state_credentials)
        if not result:
            raise EndedError(f"nobody waits for {self.resource.resource_arn} any more")
        env.stack.append(result)

    changes.replace(callback, "_eval_integration_pattern", wait)


def _is_passing(error: ClientError) -> bool:
    """Whether the service said: later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= _FIRST_SERVER_ERROR or "Throttl" in error.response.get("Error", {}).get("Code", "")


class EndedError(RuntimeError):
    """The execution, or the time of the task, ended before the task asked its service."""


def _start_nothing_after_the_end(changes: Changes) -> None:
    service = changes.interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")
    owners = [service]
    for owner in owners:
        owners += [found for found in owner.__subclasses__() if found not in owners]
        if "_eval_service_task" in vars(owner):
            changes.replace(owner, "_eval_service_task", _unless_ended(owner._eval_service_task))


def _unless_ended(evaluate: Callable[..., None]) -> Callable[..., None]:
    def evaluate_running(self: Any, env: Any, *arguments: object, **named: object) -> None:
        if not env.is_running():
            raise EndedError(f"{self.resource.resource_arn} was not called: the execution or its task had ended")
        evaluate(self, env, *arguments, **named)

    return evaluate_running


def _ask_before_starting(changes: Changes, permit: Permit) -> None:
    for owner in (
        changes.interpreter.get(f"{SERVICE}.state_task_service_glue", "StateTaskServiceGlue"),
        changes.interpreter.get(f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn"),
    ):
        changes.replace(owner, "_eval_service_task", _permitted(owner._eval_service_task, permit))


def _permitted(evaluate: Callable[..., None], permit: Permit) -> Callable[..., None]:
    def evaluate_permitted(
        self: Any, env: object, resource_runtime_part: object, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        resource = self.resource
        if str(resource.condition).startswith("sync"):
            pattern = f".{resource.condition}"
            permit(resource.service_name, resource.api_action, pattern, normalised_parameters, state_credentials)
        evaluate(self, env, resource_runtime_part, normalised_parameters, state_credentials)

    return evaluate_permitted

"""Faults at the tasks of Step Functions."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import ClientError

from local_aws.engines.step_functions.interpreter import SERVICE, Changes, Interpreter
from local_aws.engines.step_functions.tasks import EndedError
from local_aws.engines.step_functions.waits import pause
from local_aws.json_types import JsonObject
from local_aws.services import wire
from local_aws.services.faults.fault_rules import Error, Faults, Occasion, When
from local_aws.services.request_model import find_operation, service_model

# How a task with a pattern learns of the end of what it started: the call, and its members by the names in that answer.
_FOLLOWED_BY = {
    "glue": ("glue", "GetJobRun", {"JobName": "JobName", "RunId": "JobRunId"}),
    "states": ("stepfunctions", "DescribeExecution", {"executionArn": "ExecutionArn"}),
}


def change(changes: Changes, faults: Faults) -> None:
    """Have an interpreter ask for faults."""
    _meet_calls(changes, faults)
    _meet_invocations(changes, faults)
    _meet_looks(changes, faults)


def _meet_calls(changes: Changes, faults: Faults) -> None:
    """Apply faults to the calls of every integration."""
    interpreter = changes.interpreter
    invoked = interpreter.get(f"{SERVICE}.state_task_service_lambda", "StateTaskServiceLambda")
    for kind in _kinds(interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")):
        evaluate = vars(kind).get("_eval_service_task")
        if evaluate is None or kind is invoked or inspect.isabstract(kind):
            continue
        changes.replace(kind, "_eval_service_task", _watched_call(interpreter, faults, evaluate))


def _kinds(kind: type[Any]) -> list[type[Any]]:
    return [kind, *(below for each in kind.__subclasses__() for below in _kinds(each))]


def _watched_call(interpreter: Interpreter, faults: Faults, evaluate: Callable[..., None]) -> Callable[..., None]:
    def watch(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        def work() -> None:
            evaluate(self, env, resource_runtime_part, normalised_parameters, state_credentials)

        if not faults.task:
            work()
            return
        service, wanted = self._get_boto_service_name(), self._get_boto_service_action().replace("_", "")
        operation = find_operation(service, wanted)
        name = operation.name if operation else str(self.resource.api_action)
        _Met(interpreter, faults, env, service, name, normalised_parameters, self).around(work)

    return watch


def _meet_invocations(changes: Changes, faults: Faults) -> None:
    """Apply faults to calls of functions: by the integration, and by a Resource that is an ARN."""
    interpreter = changes.interpreter
    module = interpreter.module("asl.component.state.exec.state_task.lambda_eval_utils")
    execute = module.execute_lambda_function_integration

    def watch(env: object, parameters: JsonObject, region: str, state_credentials: object) -> None:
        def work() -> None:
            execute(env=env, parameters=parameters, region=region, state_credentials=state_credentials)

        if faults.task:
            _Met(interpreter, faults, env, "lambda", "Invoke", parameters, None).around(work)
        else:
            work()

    changes.replace(module, "execute_lambda_function_integration", watch)


def _meet_looks(changes: Changes, faults: Faults) -> None:
    """Apply faults to the calls with which a task follows its work."""
    interpreter = changes.interpreter
    for kind in (
        interpreter.get(f"{SERVICE}.state_task_service_glue", "StateTaskServiceGlue"),
        interpreter.get(f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn"),
    ):
        for builder in ("_build_sync_resolver", "_build_sync2_resolver"):
            if builder in vars(kind):
                changes.replace(kind, builder, _watched_looks(interpreter, faults, vars(kind)[builder]))


def _watched_looks(interpreter: Interpreter, faults: Faults, build: Callable[..., Any]) -> Callable[..., Any]:
    def watch(
        self: Any, env: Any, resource_runtime_part: object, normalised_parameters: object, state_credentials: object
    ) -> Callable[[], Any]:
        submitted = dict(env.stack[-1])
        look = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)

        def look_watched() -> Any:
            if not faults.task:
                return look()
            service, operation, names = _FOLLOWED_BY[self.resource.service_name]
            members = {name: submitted.get(known) for name, known in names.items()}
            return _Met(interpreter, faults, env, service, operation, members, self).around(look)

        return look_watched

    return watch


class _Met:
    """The call of a task, at which faults may arise."""

    def __init__(
        self,
        interpreter: Interpreter,
        faults: Faults,
        env: Any,
        service: str,
        operation: str,
        members: Mapping[str, object],
        task: Any,
    ) -> None:
        self._interpreter, self._faults, self._env, self._task = interpreter, faults, env, task
        context = env.states.context_object.context_object_data
        names = {
            "state_machine": str(context["StateMachine"]["Name"]),
            "state": str((context.get("State") or {}).get("Name")),
            "execution": str(context["Execution"]["Name"]),
        }
        self._occasion = Occasion(service, operation, members, names)

    def around(self, work: Callable[[], Any]) -> Any:
        """Do the work, with what rules add before and after it."""
        self._meet("before")
        result = work()
        self._meet("after")
        return result

    def _meet(self, when: When) -> None:
        rule = self._faults.take(self._faults.task, when, self._occasion)
        if rule is None:
            return
        if rule.delay:
            pause(self._env, rule.delay)
            if not self._env.is_running():
                raise EndedError("the execution or its task ended during the delay of a fault")
        self._faults.kill(rule)
        if rule.error is not None:
            raise self._error(rule.error)

    def _error(self, error: Error) -> Exception:
        if "." in error.code:
            return self._named(error)
        return client_error(self._occasion.service, self._occasion.operation, error)

    def _named(self, error: Error) -> Exception:
        """The error with the whole name that Retry and Catch see, such as Lambda.Unknown."""
        interpreter = self._interpreter
        details = interpreter.of_api("TaskFailedEventDetails")(error=error.code, cause=error.message)
        if self._task is not None:
            details["resource"] = self._task._get_sfn_resource()
            details["resourceType"] = self._task._get_sfn_resource_type()
        event = interpreter.get("asl.component.common.error_name.failure_event", "FailureEvent")(
            env=self._env,
            error_name=interpreter.get("asl.component.common.error_name.error_name", "ErrorName")(
                error_name=error.code
            ),
            event_type=interpreter.of_api("HistoryEventType").TaskFailed,
            event_details=interpreter.get("asl.eval.event.event_detail", "EventDetails")(
                taskFailedEventDetails=details
            ),
        )
        raised = interpreter.get("asl.component.common.error_name.failure_event", "FailureEventException")
        return raised(failure_event=event)  # type: ignore[no-any-return]


def client_error(service: str, operation: str, error: Error) -> ClientError:
    """An error as the service's client raises it.

    Args:
        service: boto3's name.
        operation: of the call.
        error: a rule's.
    """
    code = wire.error_code(service, error.code)
    status = error.status or wire.error_status(service, error.code)
    metadata = {"HTTPStatusCode": status, "RequestId": str(uuid.uuid4()), "HTTPHeaders": {}, "RetryAttempts": 0}
    response = {"Error": {"Code": code, "Message": error.message}, "ResponseMetadata": metadata}
    kinds = ClientExceptionsFactory().create_client_exceptions(service_model(service))
    kind: Any = kinds.from_code(code)
    made: ClientError = kind(response, operation)
    return made

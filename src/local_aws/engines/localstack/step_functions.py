"""LocalStack's Step Functions, closer to AWS. What it keeps in dictionaries is added to; the rest is replaced.

Each change has its reason beside it, and a test that fails when LocalStack no longer needs it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape
from localstack.aws.api import RequestContext
from localstack.aws.api.stepfunctions import (
    DescribeStateMachineOutput,
    EvaluationFailedEventDetails,
    ExecutionStatus,
    HistoryEventType,
    StopExecutionOutput,
    TracingConfiguration,
    UpdateStateMachineOutput,
)
from localstack.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
from localstack.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localstack.services.stepfunctions.asl.component.common.string.string_expression import StringJSONata
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_aws_sdk,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_glue import (  # noqa: E501
    StateTaskServiceGlue,
)
from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_sfn import (  # noqa: E501
    StateTaskServiceSfn,
)
from localstack.services.stepfunctions.asl.eval.environment import Environment
from localstack.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localstack.services.stepfunctions.asl.jsonata import jsonata as localstack_jsonata
from localstack.services.stepfunctions.asl.utils.boto_client import boto_client_for
from localstack.services.stepfunctions.asl.utils.encoding import to_json_str
from localstack.services.stepfunctions.backend.execution import Execution
from localstack.services.stepfunctions.provider import StepFunctionsProvider

from local_aws import jsonata

Resolver = Callable[[], Any]

_log = logging.getLogger(__name__)
# In every status event, as null where an execution has none.
_OPTIONAL_DETAILS = (
    "stateMachineVersionArn",
    "stateMachineAliasArn",
    "stopDate",
    "output",
    "outputDetails",
    "error",
    "cause",
)
_NOT_IN_EVENTS = ("traceHeader",)
# What a name may not have: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
_NAME = r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff]{1,80}"""
_EXECUTION_ARN = re.compile(
    rf"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{{12}}:(stateMachine|execution|express):{_NAME}(:{_NAME})*$"
)


def change() -> None:
    """Make the changes; more than once does no harm."""
    # aws-sdk:redshiftdata: Step Functions' name of the service is not botocore's.
    StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES["redshiftdata"] = "redshift-data"
    state_task_service_aws_sdk._SERVICE_ERROR_NAMES["redshiftdata"] = "RedshiftData"
    # JSONPath states that use variables ask for JSONata by this function; left alone, it would fetch a Java library.
    localstack_jsonata._eval_jsonata = _evaluate_text
    # {% … %}: LocalStack writes the variables into the expression's text, where a string with a quote or a line break
    # breaks it, and every evaluation parses them all; it also lacks $hash, $uuid and $random.
    StringJSONata._eval_body = _evaluate_expression
    # Members of a list in a list keep botocore's names: Records[0][0].stringValue instead of .StringValue.
    if StateTaskService._from_boto_response is not _name_members:
        StateTaskService._from_boto_response = _name_members
    # A task that its execution no longer waits for leaves its job run, or its nested execution, going.
    for kind, name, stop in (
        (StateTaskServiceGlue, "_build_sync_resolver", _stop_job_run),
        (StateTaskServiceSfn, "_build_sync_resolver", _stop_execution),
        (StateTaskServiceSfn, "_build_sync2_resolver", _stop_execution),
    ):
        if not hasattr(getattr(kind, name), "_stops"):
            setattr(kind, name, _with_stop(getattr(kind, name), stop))
    StateTaskServiceCallback._eval_sync = _wait_or_stop
    # Names beyond ASCII: LocalStack starts such an execution and then answers InvalidArn to its ARN.
    StepFunctionsProvider._STATE_MACHINE_EXECUTION_ARN_REGEX = _EXECUTION_ARN
    # Status events carry times as text, where AWS has milliseconds, and no input of an execution without any.
    Execution.publish_execution_status_change_event = _publish_status


class Provider(StepFunctionsProvider):
    """Registered in the place of LocalStack's own."""

    def stop_execution(
        self,
        context: RequestContext,
        execution_arn: str,
        error: str | None = None,
        cause: str | None = None,
        **kwargs: Any,
    ) -> StopExecutionOutput:
        """Keeps what it was stopped with: DescribeExecution and the status event give it back."""
        execution = self._get_execution(context=context, execution_arn=execution_arn)
        if execution.exec_status == ExecutionStatus.RUNNING:
            execution.error, execution.cause = error, cause
        return super().stop_execution(context, execution_arn, error=error, cause=cause, **kwargs)

    def update_state_machine(
        self,
        context: RequestContext,
        state_machine_arn: str,
        *args: Any,
        tracing_configuration: TracingConfiguration | None = None,
        **kwargs: Any,
    ) -> UpdateStateMachineOutput:
        """Keeps the tracing configuration too."""
        answer = super().update_state_machine(context, state_machine_arn, *args, **kwargs)
        if tracing_configuration is not None:
            self.get_store(context).state_machines[state_machine_arn].tracing_config = tracing_configuration
        return answer

    def describe_state_machine(
        self, context: RequestContext, state_machine_arn: str, *args: Any, **kwargs: Any
    ) -> DescribeStateMachineOutput:
        """With the tracing configuration, which LocalStack keeps and does not give back."""
        answer = super().describe_state_machine(context, state_machine_arn, *args, **kwargs)
        tracing = self.get_store(context).state_machines[state_machine_arn].tracing_config
        return DescribeStateMachineOutput(**answer, tracingConfiguration=tracing or {"enabled": False})


# JSONata


def _evaluate_text(expression: str) -> Any:
    try:
        return jsonata.evaluate(expression, {})
    except jsonata.QueryError as error:
        raise localstack_jsonata.JSONataException("States.QueryEvaluationError", str(error)) from error


def _evaluate_expression(self: StringJSONata, env: Environment) -> None:
    try:
        env.stack.append(jsonata.evaluate(self.expression, variables(env, jsonata.variables_in(self.expression))))
    except jsonata.QueryError as error:
        name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
        details = EvaluationFailedEventDetails(cause=str(error), error=name.error_name)
        event = FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),
        )
        raise FailureEventException(failure_event=event) from error


def variables(env: Environment, names: set[str]) -> dict[str, Any]:
    """The values that an expression may name, as JSON: `states`, and the variables in scope."""
    store = env.variable_store
    known = {**store._outer_scope, **store._inner_scope}
    found: dict[str, Any] = {name: known[name] for name in names & known.keys()}
    if "states" in names:
        states = {name: value for name, value in env.states._states_data.items() if name != "errorOutput" or value}
        found["states"] = states
    plain: dict[str, Any] = json.loads(to_json_str(found))
    state = plain.get("states", {}).get("context", {}).get("State", {})
    if "EnteredTime" in state:
        state["EnteredTime"] = _as_aws_writes(state["EnteredTime"])
    return plain


def _as_aws_writes(time: str) -> str:
    """UTC with a Z and milliseconds: LocalStack writes an offset and microseconds."""
    moment = datetime.fromisoformat(time).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


# Service integrations

_name_structure = StateTaskService._from_boto_response


def _name_members(self: StateTaskService, response: Any, shape: Any) -> None:
    if isinstance(response, list) and isinstance(shape, ListShape):
        for member in response:
            self._from_boto_response(member, shape.member)
    else:
        _name_structure(self, response, shape)


def _publish_status(self: Execution) -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html"""
    described = {**dict.fromkeys(_OPTIONAL_DETAILS), **self.to_describe_output()}
    detail = {name: _milliseconds(value) for name, value in described.items() if name not in _NOT_IN_EVENTS}
    entry = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Resources": [self.exec_arn],
        "Detail": json.dumps(detail),
    }
    try:
        self._get_events_client().put_events(Entries=[entry])
    except Exception:  # an execution does not depend on who is told about it
        _log.exception("the status of %s could not be sent to EventBridge", self.exec_arn)


def _milliseconds(value: Any) -> Any:
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


class _Stoppable:
    """A resolver that knows how to stop what it looks at."""

    def __init__(self, resolve: Resolver, stop: Callable[[], None]) -> None:
        self._resolve = resolve
        self.stop = stop

    def __call__(self) -> Any:
        return self._resolve()


def _with_stop(build: Callable[..., Resolver], stop: Callable[..., None]) -> Callable[..., Resolver]:
    def build_stoppable(
        self: StateTaskServiceCallback,
        env: Environment,
        resource_runtime_part: Any,
        normalised_parameters: Mapping[str, Any],
        state_credentials: Any,
    ) -> Resolver:
        submitted = env.stack[-1]
        resolve = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)
        return _Stoppable(resolve, lambda: stop(submitted, resource_runtime_part.region, state_credentials))

    build_stoppable._stops = True  # type: ignore[attr-defined]
    return build_stoppable


_wait = StateTaskServiceCallback._eval_sync


def _wait_or_stop(
    self: StateTaskServiceCallback, env: Environment, sync_resolver: Resolver, *args: Any, **kwargs: Any
) -> Any:
    outcome = _wait(self, env, sync_resolver, *args, **kwargs)
    if outcome is None and not env.is_running() and isinstance(sync_resolver, _Stoppable):
        sync_resolver.stop()
    return outcome


def _stop_job_run(submitted: Mapping[str, Any], region: str, credentials: Any) -> None:
    client = boto_client_for(service="glue", region=region, state_credentials=credentials)
    client.batch_stop_job_run(JobName=submitted["JobName"], JobRunIds=[submitted["JobRunId"]])


def _stop_execution(submitted: Mapping[str, Any], region: str, credentials: Any) -> None:
    client = boto_client_for(service="stepfunctions", region=region, state_credentials=credentials)
    client.stop_execution(executionArn=submitted["ExecutionArn"])

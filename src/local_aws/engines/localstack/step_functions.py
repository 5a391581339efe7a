"""LocalStack's Step Functions, closer to AWS: what differs from the interpreter of the other engine is here.

Each change has its reason beside it, and a test that fails when LocalStack no longer needs it.
"""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.api.stepfunctions import (
    CreateStateMachineInput,
    CreateStateMachineOutput,
    DescribeStateMachineOutput,
    GetExecutionHistoryOutput,
    InvalidDefinition,
    RedriveExecutionOutput,
    StartExecutionOutput,
    StartSyncExecutionOutput,
    TagList,
    TagResourceOutput,
    TracingConfiguration,
    UpdateStateMachineOutput,
)
from localstack.aws.connect import connect_to
from localstack.services.stepfunctions.asl.static_analyser.express_static_analyser import ExpressStaticAnalyser
from localstack.services.stepfunctions.asl.static_analyser.static_analyser import StaticAnalyser
from localstack.services.stepfunctions.asl.static_analyser.test_state.test_state_analyser import (
    TestStateStaticAnalyser,
)
from localstack.services.stepfunctions.provider import StepFunctionsProvider

from local_aws.endings import Endings
from local_aws.engines.step_functions import changes, diagnostics, history, validation
from local_aws.engines.step_functions.history_events import Note
from local_aws.engines.step_functions.interpreter import LOCALSTACK, Changes
from local_aws.errors import AwsError
from local_aws.json_types import JsonObject
from local_aws.services.faults.fault_rules import Faults


def change(faults: Faults, note: Note, endings: Endings) -> Changes:
    """Make the changes, once.

    Args:
        faults: are asked at each task.
        note: is told of an execution that begins or ends.
        endings: tells of the end of what tasks wait for.
    """
    made = changes.apply(LOCALSTACK, emit=_emit, note=note, faults=faults, endings=endings)
    # It is called by the name of its class too.
    made.replace(StepFunctionsProvider, "_validate_definition", staticmethod(Provider._validate_definition))
    # Names beyond ASCII: LocalStack starts such an execution and then answers InvalidArn to its ARN.
    made.replace(StepFunctionsProvider, "_STATE_MACHINE_EXECUTION_ARN_REGEX", validation.EXECUTION_ARN)
    return made


def _check_tags(known: Any, given: Any) -> None:
    try:
        validation.check_tags(known, given)
    except AwsError as error:
        raise CommonServiceException(error.code, error.message) from error


def _check_name(name: str | None) -> None:
    try:
        if name is not None:
            validation.check_name(name)
    except AwsError as error:
        raise CommonServiceException(error.code, error.message) from error


def _emit(execution: Any, event: JsonObject) -> None:
    client = connect_to(aws_access_key_id=execution.account_id, region_name=execution.region_name).events
    client.put_events(Entries=[event])


_validate_definition = StepFunctionsProvider._validate_definition


class Provider(StepFunctionsProvider):
    """Registered in the place of LocalStack's own."""

    @staticmethod
    def _validate_definition(definition: str, static_analysers: list[StaticAnalyser]) -> None:
        kind = "EXPRESS" if any(isinstance(one, ExpressStaticAnalyser) for one in static_analysers) else "STANDARD"
        try:
            # A single state, as TestState has it, is not a state machine.
            if not any(isinstance(one, TestStateStaticAnalyser) for one in static_analysers):
                diagnostics.refuse(diagnostics.diagnose(definition, kind))
        except AwsError as error:
            raise InvalidDefinition(error.message) from error
        _validate_definition(definition, static_analysers)

    def create_state_machine(
        self, context: RequestContext, request: CreateStateMachineInput, **kwargs: object
    ) -> CreateStateMachineOutput:
        """Refuses tags that AWS refuses."""
        _check_tags([], request.get("tags"))
        return super().create_state_machine(context, request, **kwargs)

    def tag_resource(
        self, context: RequestContext, resource_arn: str, tags: TagList, **kwargs: object
    ) -> TagResourceOutput:
        """Refuses tags that AWS refuses."""
        known = self.get_store(context).state_machines.get(resource_arn)
        _check_tags(known.tag_manager.to_tag_list() if known else [], tags)
        return super().tag_resource(context, resource_arn, tags, **kwargs)

    def start_execution(
        self, context: RequestContext, state_machine_arn: str, name: str | None = None, **kwargs: object
    ) -> StartExecutionOutput:
        """Refuses names that AWS refuses; LocalStack starts such an execution and then answers InvalidArn to it."""
        _check_name(name)
        return super().start_execution(context, state_machine_arn, name, **kwargs)

    def start_sync_execution(
        self, context: RequestContext, state_machine_arn: str, name: str | None = None, **kwargs: object
    ) -> StartSyncExecutionOutput:
        """Refuses names that AWS refuses."""
        _check_name(name)
        return super().start_sync_execution(context, state_machine_arn, name, **kwargs)

    def get_execution_history(
        self,
        context: RequestContext,
        execution_arn: str,
        max_results: int | None = None,
        reverse_order: bool | None = None,
        next_token: str | None = None,
        include_execution_data: bool | None = None,
        **kwargs: object,
    ) -> GetExecutionHistoryOutput:
        """LocalStack gives all events, with all data."""
        found = super().get_execution_history(context, execution_arn)
        request = {
            "reverseOrder": reverse_order,
            "maxResults": max_results,
            "nextToken": next_token,
            "includeExecutionData": include_execution_data,
        }
        try:
            return GetExecutionHistoryOutput(**history.answer(found["events"], request))
        except AwsError as error:
            raise CommonServiceException(error.code, error.message) from error

    def redrive_execution(
        self, context: RequestContext, execution_arn: str, client_token: str | None = None, **kwargs: object
    ) -> RedriveExecutionOutput:
        """LocalStack has none."""
        self._validate_state_machine_execution_arn(execution_arn)
        try:
            moment = self._get_execution(context=context, execution_arn=execution_arn).redrive(client_token)
        except AwsError as error:
            raise CommonServiceException(error.code, error.message) from error
        return RedriveExecutionOutput(redriveDate=moment)

    def update_state_machine(
        self,
        context: RequestContext,
        state_machine_arn: str,
        *args: object,
        tracing_configuration: TracingConfiguration | None = None,
        **kwargs: object,
    ) -> UpdateStateMachineOutput:
        """Keeps the tracing configuration too."""
        answer = super().update_state_machine(context, state_machine_arn, *args, **kwargs)
        if tracing_configuration is not None:
            self.get_store(context).state_machines[state_machine_arn].tracing_config = tracing_configuration
        return answer

    def describe_state_machine(
        self, context: RequestContext, state_machine_arn: str, *args: object, **kwargs: object
    ) -> DescribeStateMachineOutput:
        """Add the tracing configuration, which LocalStack keeps and does not give back."""
        answer = super().describe_state_machine(context, state_machine_arn, *args, **kwargs)
        tracing = self.get_store(context).state_machines[state_machine_arn].tracing_config
        return DescribeStateMachineOutput(**answer, tracingConfiguration=tracing or {"enabled": False})

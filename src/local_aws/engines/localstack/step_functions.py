"""LocalStack's Step Functions, closer to AWS: what differs from the interpreter of the other engine is here.

Each change has its reason beside it, and a test that fails when LocalStack no longer needs it.
"""

from __future__ import annotations

from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.api.stepfunctions import (
    DescribeStateMachineOutput,
    RedriveExecutionOutput,
    TracingConfiguration,
    UpdateStateMachineOutput,
)
from localstack.aws.connect import connect_to
from localstack.services.stepfunctions.provider import StepFunctionsProvider

from local_aws.engines.step_functions import changes, validation
from local_aws.engines.step_functions.interpreter import LOCALSTACK, Changes
from local_aws.errors import AwsError
from local_aws.services.faults import Faults


def change(faults: Faults) -> Changes:
    """Make the changes, once."""
    made = changes.apply(LOCALSTACK, emit=_emit, faults=faults)
    # Names beyond ASCII: LocalStack starts such an execution and then answers InvalidArn to its ARN.
    made.replace(StepFunctionsProvider, "_STATE_MACHINE_EXECUTION_ARN_REGEX", validation.EXECUTION_ARN)
    return made


def _emit(execution: Any, event: dict[str, Any]) -> None:
    client = connect_to(aws_access_key_id=execution.account_id, region_name=execution.region_name).events
    client.put_events(Entries=[event])


class Provider(StepFunctionsProvider):
    """Registered in the place of LocalStack's own."""

    def redrive_execution(
        self, context: RequestContext, execution_arn: str, client_token: str | None = None, **kwargs: Any
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

"""The AWS APIs that a Task can call: what they take and answer, which errors they have, which IAM actions they need.

The shapes and errors are botocore's, the actions those of aws_facts.permissions. Step Functions' names are from
https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html and the pages below it, and
https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from aws_facts import errors, permissions, redshift_data, service_names
from pipeline_tools.crosscheck.sample_values import UNKNOWN

_RESOURCE = re.compile(r"arn:[^:]+:states:::(aws-sdk:)?([a-z0-9]+):([A-Za-z0-9]+)(\.[a-zA-Z]+(?::2)?)?")
_DEPTH = 5  # of an answer's sample; deeper is UNKNOWN


# The services that a state machine may call, each with the prefix of its error names in the aws-sdk integration.
_ERROR_PREFIXES = {
    "dynamodb": "DynamoDb",
    "eventbridge": "EventBridge",
    "glue": "Glue",
    "lambda": "Lambda",
    "redshiftdata": "RedshiftData",
    "s3": "S3",
    "secretsmanager": "SecretsManager",
    "sfn": "Sfn",
    "sns": "Sns",
    "sqs": "Sqs",
    "states": "StepFunctions",
}
# The APIs that need credentials of the database.
_DATA_API = {("redshiftdata", "executeStatement"), ("redshiftdata", "batchExecuteStatement")}
# The AWS SDK's own errors, beside those of a service.
_SDK_ERRORS = {errors.NO_ANSWER, "SdkException"}
_OTHER_ERRORS = {
    "lambda": {"Unknown"},
    "redshiftdata": {name.partition(".")[2] for name in redshift_data.THROTTLED},
}


@dataclass(frozen=True)
class Api:
    """What the Resource of a Task calls."""

    service: str
    action: str
    sdk: bool
    pattern: str

    @classmethod
    def read(cls, resource: str) -> Api:
        """Raises ValueError, which says what is not known."""
        match = _RESOURCE.fullmatch(resource)
        if not match:
            raise ValueError(
                f"Resource {resource!r} is not an integration arn:aws:states:::[aws-sdk:]<service>:<action>"
            )
        api = cls(match[2], match[3], bool(match[1]), match[4] or "")
        if api.service not in _ERROR_PREFIXES:
            raise ValueError(f"service {api.service!r} is not among those that pipeline_tools.crosscheck.apis knows")
        if api.pattern.startswith(".sync") and (api.service, api.action, api.pattern) not in permissions.SYNC_ACTIONS:
            raise ValueError(f"{api.service}:{api.action}{api.pattern} is not known to pipeline_tools.crosscheck.apis")
        if api._operation_name not in _model(api.service).operation_names:
            raise ValueError(f"{api.service} has no action {api.action!r}")
        return api

    def __str__(self) -> str:
        return f"{'aws-sdk:' if self.sdk else ''}{self.service}:{self.action}{self.pattern}"

    @property
    def _operation_name(self) -> str:
        return self.action[0].upper() + self.action[1:]

    @property
    def _operation(self) -> OperationModel:
        return _model(self.service).operation_model(self._operation_name)

    @property
    def _iam_action(self) -> str:
        return permissions.action(self.service, self.action)

    def required_actions(self) -> set[str]:
        """The IAM actions without which the call fails."""
        followed = permissions.SYNC_ACTIONS.get((self.service, self.action, self.pattern), ())
        # The end of a nested execution comes by a rule; that of a job run is asked for.
        rule = permissions.MANAGED_RULE_ACTIONS if followed and self.service == "states" else ()
        return {self._iam_action, *followed, *rule}

    def alternative_actions(self) -> frozenset[str]:
        """IAM actions of which the call needs at least one; none where this is empty."""
        return permissions.DATA_API_CREDENTIALS if (self.service, self.action) in _DATA_API else frozenset()

    def optional_actions(self) -> set[str]:
        """IAM actions that the call needs under some configurations: with a key of the account's own, for one."""
        called = {self._iam_action, *self.alternative_actions()}
        return {key for name in called for key in permissions.CALLER_KEY_ACTIONS.get(name, ())}

    def has_error(self, name: str) -> bool:
        """Whether an error name such as Glue.ThrottlingException can be one of this call."""
        prefix, _, error = name.partition(".")
        prefix_of_sdk = _ERROR_PREFIXES[self.service]
        names = errors.Names(prefix_of_sdk, f"{prefix_of_sdk}Exception")
        if not self.sdk:
            names = errors.OPTIMIZED[self.service]
        if prefix != names.prefix:
            return False
        if error in _SDK_ERRORS | _OTHER_ERRORS.get(self.service, set()) or error == names.base:
            return True
        # The SDK for Java, whose names these are, ends each with "Exception".
        shapes = {shape.name for shape in _model(self.service).error_shapes}
        return bool({error, error.removesuffix("Exception")} & shapes)

    def members(self) -> tuple[set[str], set[str]]:
        """The names that Arguments may have, and those that it must have."""
        shape = self._operation.input_shape
        if shape is None:
            return set(), set()
        tokens = {name for name, member in shape.members.items() if member.metadata.get("idempotencyToken")}
        return {_pascal(name) for name in shape.members}, {
            _pascal(name) for name in set(shape.required_members) - tokens
        }

    def answer(self) -> Any:
        """`$states.result` with UNKNOWN values: of a .sync call, what it waited for."""
        operation = self._operation
        if self.pattern.startswith(".sync"):
            waits = {"startJobRun": "GetJobRun", "startExecution": "DescribeExecution"}[self.action]
            sample = _sample(_model(self.service).operation_model(waits).output_shape, _DEPTH)
            return sample["JobRun"] if waits == "GetJobRun" else sample
        return _sample(operation.output_shape, _DEPTH)


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service_names.of_botocore(service))


def _pascal(name: str) -> str:
    """As Step Functions spells the members of every API."""
    return name[0].upper() + name[1:]


def _sample(shape: Shape | None, depth: int) -> Any:
    if shape is None or depth == 0:
        return UNKNOWN
    if isinstance(shape, StructureShape):
        return {_pascal(name): _sample(member, depth - 1) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [_sample(shape.member, depth - 1)]
    return UNKNOWN

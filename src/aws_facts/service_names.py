"""What a service is called where: by Step Functions in a Task's Resource, by botocore, by IAM."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html: as the SDK for Java has it; what
# botocore calls it is in its data. `states` is the optimized integration of Step Functions itself.
BOTOCORE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cloudwatchlogs": "logs",
        "eventbridge": "events",
        "redshiftdata": "redshift-data",
        "sfn": "stepfunctions",
        "states": "stepfunctions",
    }
)
# https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_IAM: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cloudwatchlogs": "logs",
        "eventbridge": "events",
        "redshiftdata": "redshift-data",
        "sfn": "states",
    }
)


def of_botocore(service: str) -> str:
    """The client's name of a service that a Resource names."""
    return BOTOCORE.get(service, service)


def of_iam(service: str) -> str:
    """The prefix of a service's IAM actions, by the name in a Resource."""
    return _IAM.get(service, service)

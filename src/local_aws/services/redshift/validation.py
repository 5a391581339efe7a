"""Holds requests to the API's own model."""

from __future__ import annotations

from collections.abc import Mapping

from botocore.model import ServiceModel

from local_aws.services import request_model
from local_aws.services.request_model import validation_error

__all__ = ["check_request", "service_model", "validation_error"]


def service_model() -> ServiceModel:
    """The model of the service redshift-data."""
    return request_model.service_model("redshift-data")


def check_request(operation: str, request: Mapping[str, object]) -> None:
    """Raise ValidationException for the first member of ``request`` that the model of ``operation`` does not allow."""
    request_model.check_request("redshift-data", operation, request)

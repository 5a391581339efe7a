"""Requests that make or change a Glue job, held to the API's model and to what a job may be."""

from __future__ import annotations

from aws_facts.glue import job_refusal
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping
from local_aws.services.request_model import check_request


def check_job(operation: str, request: JsonMapping) -> None:
    """Check a CreateJob or UpdateJob.

    Raises:
        AwsError: ValidationException, or InvalidInputException.
    """
    check_request("glue", operation, request)
    if refused := job_refusal(request["JobUpdate"] if operation == "UpdateJob" else request):
        raise AwsError("InvalidInputException", refused)

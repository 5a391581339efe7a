"""What answers for Glue, Redshift and the Redshift Data API: LocalStack's dispatch tables over our services."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore import xform_name
from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.skeleton import DispatchTable
from localstack.aws.spec import load_service
from localstack.http import Response
from localstack.http.request import restore_payload
from localstack.services.moto import call_moto
from localstack.services.sts.models import sts_stores
from localstack.utils.aws.request_context import extract_access_key_id_from_auth_header
from moto.glue.models import glue_backends

from local_aws.engines.moto_redshift import MotoRedshift
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.glue.job_requests import check_job
from local_aws.services.glue.job_runs import OPERATIONS as GLUE_RUN_OPERATIONS
from local_aws.services.glue.job_runs import GlueJobRuns
from local_aws.services.redshift.data_api import RedshiftData

_Operation = Callable[[RequestContext, JsonMapping], Any]
_Handle = Callable[[str, JsonMapping], JsonObject]


def glue(runs: GlueJobRuns) -> DispatchTable:
    """Job runs are ours; what else Glue has is moto's, which cannot update a job."""
    table: dict[str, _Operation] = dict.fromkeys(
        load_service("glue").operation_names, lambda context, _request: call_moto(context)
    )
    table |= dict.fromkeys(("GetJob", "GetJobs", "BatchGetJobs"), _get_jobs)
    table["CreateJob"] = _checked("CreateJob", table["CreateJob"])
    table["UpdateJob"] = _checked("UpdateJob", _update_job)
    return table | dict.fromkeys(GLUE_RUN_OPERATIONS, _json_operation(runs.handle))


def redshift_data(service: RedshiftData) -> DispatchTable:
    """Every operation; those that are not implemented say so."""

    def operation(context: RequestContext, request: Mapping[str, object]) -> Response:
        answer = _json_operation(partial(service.handle, caller_arn=_role_session(context)))
        return answer(context, request)

    return dict.fromkeys(load_service("redshift-data").operation_names, operation)


def redshift(service: MotoRedshift) -> DispatchTable:
    """Every operation, by moto with what it lacks."""

    def operation(context: RequestContext, _request: Mapping[str, object]) -> Response:
        request = context.request
        status, headers, body = service.handle(request.method, dict(request.headers), restore_payload(request))
        return Response(body, status, {**headers, "x-amzn-RequestId": context.request_id})

    return dict.fromkeys(load_service("redshift").operation_names, operation)


def _get_jobs(context: RequestContext, _request: Mapping[str, object]) -> Any:
    answer = call_moto(context)
    for job in [answer["Job"]] if "Job" in answer else answer.get("Jobs", []):
        if job["Command"].get("Name") == "pythonshell":
            # moto gives every job the default of a Spark job.
            job.pop("ExecutionClass", None)
    return answer


def _checked(name: str, operation: _Operation) -> _Operation:
    def check_and_answer(context: RequestContext, request: Mapping[str, object]) -> Any:
        try:
            check_job(name, request)
        except AwsError as error:
            raise CommonServiceException(error.code, error.message) from error
        return operation(context, request)

    return check_and_answer


def _update_job(context: RequestContext, request: JsonMapping) -> dict[str, str]:
    """JobUpdate is the whole new definition: what it leaves out is gone.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html
    """
    name, update = request["JobName"], request["JobUpdate"]
    job = glue_backends[context.account_id][context.region].jobs.get(name)
    if job is None:
        raise CommonServiceException("EntityNotFoundException", f"Job {name} not found.")
    for member in load_service("glue").shape_for("JobUpdate").members:
        attribute = xform_name(member)
        if hasattr(job, attribute):
            setattr(job, attribute, update.get(member))
    job.execution_property = job.execution_property or {}
    job.last_modified_on = datetime.now(UTC)
    return {"JobName": name}


def _role_session(context: RequestContext) -> str | None:
    """The ARN of the role's session that signed a request; None where it was the account."""
    key = extract_access_key_id_from_auth_header(dict(context.request.headers))
    # LocalStack keeps all sessions in this one.
    session = sts_stores[context.account_id]["us-east-1"].credentials.get(key)
    return session.arn if session else None


def _json_operation(handle: _Handle) -> _Operation:
    """Our services answer in the JSON of the wire, so their answer goes out as it is."""

    def operation(context: RequestContext, request: Mapping[str, object]) -> Response:
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": context.request_id}
        try:
            document = handle(context.operation.name, request or {})
        except AwsError as error:
            document = {"__type": error.code, "message": error.message, "Message": error.message, **error.fields}
            headers["x-amzn-ErrorType"] = error.code
            return Response(json.dumps(document), error.status, headers)
        # The JSON protocols write a timestamp as seconds since 1970-01-01 UTC.
        return Response(json.dumps(document, default=lambda value: value.timestamp()), 200, headers)

    return operation

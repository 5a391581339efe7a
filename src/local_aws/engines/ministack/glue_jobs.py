"""Glue on MiniStack: job runs are ours; of jobs, MiniStack checks nothing and forgets some."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from local_aws.engines.ministack.json_protocol import (
    Handler,
    Response,
    answer_json,
    document_of,
    error_json,
    operation_of,
)
from local_aws.errors import AwsError
from local_aws.json_types import JsonObject
from local_aws.services.glue.job_requests import check_job
from local_aws.services.glue.job_runs import OPERATIONS as RUN_OPERATIONS
from local_aws.services.glue.job_runs import GlueJobRuns


class GlueJobs:
    """What is kept of jobs beside MiniStack, which has them."""

    def __init__(self, runs: GlueJobRuns, region: str, account_id: str) -> None:
        self._runs, self._region, self._account_id = runs, region, account_id
        self._properties: dict[str, JsonObject] = {}

    def wrap(self, ministack: Handler) -> Handler:
        """A handler before MiniStack's own: job runs are ours, jobs are checked, and nothing of a job is forgotten."""

        async def handle(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Response:
            operation = operation_of(headers)
            if operation in RUN_OPERATIONS:
                return await asyncio.to_thread(answer_json, self._runs.handle, headers, body)
            request = document_of(body)
            try:
                if operation in ("CreateJob", "UpdateJob"):
                    check_job(operation, request)
            except AwsError as error:
                return error_json(error)
            response = await ministack(method, path, headers, body, query)
            if response[0] >= 400:
                return response
            if operation == "CreateJob" and request.get("Tags"):
                # MiniStack forgets the tags of a new job.
                arn = f"arn:aws:glue:{self._region}:{self._account_id}:job/{request['Name']}"
                tag = {**headers, "x-amz-target": "AWSGlue.TagResource"}
                tags = json.dumps({"ResourceArn": arn, "TagsToAdd": request["Tags"]}).encode()
                await ministack(method, path, tag, tags, query)
            return self._keep_properties(operation, request, response)

        return handle

    def _keep_properties(self, operation: str, request: JsonObject, response: Response) -> Response:
        """MiniStack forgets these properties of a job; what a job run does depends on them."""
        if operation == "CreateJob":
            self._properties[request["Name"]] = _properties_of(request)
        elif operation == "UpdateJob":
            self._properties[request["JobName"]] = _properties_of(request.get("JobUpdate") or {})
        elif operation == "DeleteJob":
            self._properties.pop(request.get("JobName", ""), None)
        elif operation in ("GetJob", "GetJobs"):
            document = document_of(response[2])
            for job in [document["Job"]] if operation == "GetJob" else document.get("Jobs", []):
                job.update(self._properties.get(job["Name"], {}))
                if (job.get("Command") or {}).get("Name") == "pythonshell":
                    for name in ("WorkerType", "NumberOfWorkers", "GlueVersion"):
                        job.pop(name, None)
            return response[0], response[1], json.dumps(document).encode()
        return response


def _properties_of(request: Mapping[str, object]) -> JsonObject:
    names = ("ExecutionProperty", "ExecutionClass", "MaintenanceWindow", "JobMode", "JobRunQueuingEnabled")
    return {name: request[name] for name in names if name in request}

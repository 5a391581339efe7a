"""The execution input `{"job_id": …}`: another execution goes on with an earlier job, under its ID."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dataset_contract.json_types import JsonObject
from dataset_contract.naming import as_json, as_name
from lambda_generate_param import job_id
from lambda_generate_param.job_id import FIELD
from lambda_generate_param.request import InvalidInputError

# Of audit.job_run, in the order in which the state machine asks for them.
COLUMNS = ("dataset", "source_uri", "parameters", "repeat", "replays", "status", "execution_arn")
# Of an execution that works, or waits to do so: another one must not go on with its job.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
AT_WORK = ("RUNNING", "PENDING_REDRIVE")


def earlier_job(document: Mapping[str, object], records: Any, owner_status: object) -> tuple[str, JsonObject]:
    """The ID of the job to continue, and the execution input that it began with.

    Args:
        document: the execution input.
        records: the rows of audit.job_run with that ID, as GetStatementResult gives them: dataset, source_uri,
            parameters, repeat, replays, status, execution_arn.
        owner_status: of the execution that the row names, as DescribeExecution gives it; "" for one that is forgotten,
            or is this one. The row itself does not tell of a redrive.

    Raises:
        InvalidInputError: another field is there, or there is no such job, or nothing is left to do of it, or its
            execution is at work.
    """
    for field in document:
        if field != FIELD:
            raise InvalidInputError(
                f"{as_name(field)} is given beside {FIELD}; accepted: {FIELD} alone, since the job keeps the input it "
                "began with"
            )
    identifier = document[FIELD]
    if not isinstance(identifier, str) or not job_id.is_job_id(identifier):
        raise InvalidInputError(f"{FIELD} is {as_json(identifier)}; accepted: the ID of an earlier job, {job_id.FORM}")
    if not records:
        raise InvalidInputError(f"{FIELD} is {as_json(identifier)}, a job that audit.job_run does not have")
    row = dict(zip(COLUMNS, map(_value, records[0]), strict=True))
    if row["status"] == "SUCCEEDED":
        raise InvalidInputError(
            f"job {identifier} has succeeded as execution {row['execution_arn']}: there is nothing to continue"
        )
    if owner_status in AT_WORK:
        raise InvalidInputError(
            f"job {identifier} is running as execution {row['execution_arn']}, which is {owner_status}: wait for its "
            "end or stop it, then start another execution with this input"
        )
    if row["parameters"] is None:
        raise InvalidInputError(
            f"job {identifier} failed before it was registered, and its input is not known: start an execution with "
            "its dataset, source_uri and parameters"
        )
    given = {name: row[name] for name in ("dataset", "source_uri", "replays")}
    return identifier, {**given, "parameters": json.loads(row["parameters"]), "repeat": row["repeat"] is True}


def _value(field: Mapping[str, object]) -> Any:
    return None if field.get("IsNull") else next(iter(field.values()))

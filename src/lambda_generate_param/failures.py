"""What an EventBridge event of the type "Step Functions Execution Status Change" says about a failed execution.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dataset_contract.json_types import JsonMapping, JsonObject
from lambda_generate_param import job_id
from lambda_generate_param.audit import AuditColumns, TooLongError
from lambda_generate_param.job_id import is_job_id

# The Data API takes no empty parameter; sql/audit/fail.sql reads this as NULL.
UNKNOWN = "-"


@dataclass(frozen=True)
class Failure:
    """An execution that ended as FAILED, TIMED_OUT or ABORTED; each text as its column of audit.job_run takes it."""

    job_id: str
    execution_arn: str
    redrive_count: int
    status: str
    began_at: datetime  # the execution, or its last redrive
    finished_at: datetime
    dataset: str
    source_uri: str
    failed_state: str
    error: str
    cause: str
    parameters: str = UNKNOWN  # JSON, as the input has them
    repeat: bool = False
    replays: str = UNKNOWN


def read(detail: JsonMapping, *, failed_state: str | None, said: str, columns: AuditColumns) -> Failure:
    """Translate an event's detail.

    Args:
        detail: `detail` of the event; `startDate` and `stopDate` in milliseconds since 1970-01-01 UTC.
        failed_state: the state that the execution was in, where its history told.
        said: why the stage that failed did, in its own words, or "". Glue's message may be no more than the exit code.
        columns: the sizes to which texts are cut.

    Raises:
        JobIdError: the detail names no execution of Step Functions.
    """
    arn, status = detail["executionArn"], str(detail["status"])
    given, redriven = _object(detail.get("input")), detail.get("redriveDate")
    cause = readable(detail.get("cause") or "")
    if status == "FAILED" and said not in cause:
        cause = said

    def text(column: str, value: object) -> str:
        # Cut first: a text of nothing but NULs is empty then, and the Data API takes no empty value.
        cut = columns.cut("job_run", column, value) if isinstance(value, str) else ""
        return cut if cut.strip() else UNKNOWN

    return Failure(
        job_id=job_of(detail),
        execution_arn=text("execution_arn", arn),
        redrive_count=int(detail.get("redriveCount") or 0),
        status=status,
        began_at=moment(redriven if isinstance(redriven, int) else detail["startDate"]),
        finished_at=moment(detail["stopDate"]),
        dataset=text("dataset", given.get("dataset")),
        source_uri=text("source_uri", given.get("source_uri")),
        failed_state=text("failed_state", failed_state),
        error=text("error", detail.get("error") or status),
        cause=text("cause", cause or f"the execution ended as {status}"),
        parameters=_parameters(given, columns),
        repeat=given.get("repeat") is True,
        replays=replays if isinstance(replays := given.get("replays"), str) and is_job_id(replays) else UNKNOWN,
    )


def _parameters(given: Mapping[str, object], columns: AuditColumns) -> str:
    """What another execution would continue the job with. It is not cut: that would be another input."""
    parameters = given.get("parameters", {})
    if "dataset" not in given or not isinstance(parameters, dict):
        return UNKNOWN
    text = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
    try:
        columns.check("job_run", "parameters", text)
    except TooLongError:
        return UNKNOWN
    return text


def job_of(detail: JsonMapping) -> str:
    """The ID of the job; raises JobIdError where the detail names no execution of Step Functions."""
    return job_id.of_attempt(detail["executionArn"], detail["startDate"], _object(detail.get("input")))


def moment(milliseconds: Any) -> datetime:
    """A date of an event's detail."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(milliseconds))


def readable(cause: str) -> str:
    """Take the message out of a cause that is JSON: a Lambda's error, a Glue job run, or a nested execution.

    That of a job run may be no more than its exit code, so where its log is follows.
    """
    document = _object(cause)
    if "JobRunState" in document and document.get("LogGroupName") and document.get("ErrorMessage"):
        where = f"{document['LogGroupName']}/error, job run {document.get('Id')}"
        return f"{document['ErrorMessage']} (log: {where})"
    for field in ("ErrorMessage", "errorMessage"):
        if isinstance(document.get(field), str) and document[field]:
            return str(document[field])
    if isinstance(document.get("Cause"), str) and document["Cause"]:
        inner = readable(document["Cause"])
        return f"{document['Error']}: {inner}" if document.get("Error") else inner
    return cause


def _object(text: Any) -> JsonObject:
    try:
        document = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

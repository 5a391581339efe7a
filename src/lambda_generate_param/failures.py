"""What an EventBridge event of the type "Step Functions Execution Status Change" says about a failed execution.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lambda_generate_param import job_id

# The Data API takes no empty parameter; sql/audit/fail.sql reads this as NULL.
UNKNOWN = "-"
# audit.job_run.cause is VARCHAR(65535), in bytes; Step Functions cuts a cause at 32,768 characters.
_LONGEST_CAUSE = 16_000
_LONGEST_ERROR = 256
_LONGEST_SOURCE_URI = 1_100


@dataclass(frozen=True)
class Failure:
    """An execution that ended as FAILED, TIMED_OUT or ABORTED."""

    job_id: str
    attempt: int
    execution_arn: str
    status: str
    finished_at: datetime
    dataset: str
    source_uri: str
    failed_state: str
    error: str
    cause: str


def read(detail: Mapping[str, Any], *, failed_state: str | None) -> Failure:
    """Translate an event's detail.

    Args:
        detail: `detail` of the event; `startDate` and `stopDate` in milliseconds since 1970-01-01 UTC.
        failed_state: the state that the execution was in, where its history told.

    Raises:
        JobIdError: the detail names no execution of Step Functions.
    """
    arn, status = detail["executionArn"], str(detail["status"])
    given = _object(detail.get("input"))
    error = detail.get("error") or status
    cause = readable(detail.get("cause") or "") or f"the execution ended as {status}"
    return Failure(
        job_id=job_id.make(arn, detail["startDate"]),
        attempt=1 + int(detail.get("redriveCount") or 0),
        execution_arn=arn,
        status=status,
        finished_at=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(detail["stopDate"])),
        dataset=_text(given.get("dataset"), 127),
        source_uri=_text(given.get("source_uri"), _LONGEST_SOURCE_URI),
        failed_state=_text(failed_state, 80),
        error=_text(error, _LONGEST_ERROR),
        cause=_text(cause, _LONGEST_CAUSE),
    )


def readable(cause: str) -> str:
    """Take the message out of a cause that is JSON: a Lambda's error, a Glue job run, or a nested execution."""
    document = _object(cause)
    for field in ("ErrorMessage", "errorMessage"):
        if isinstance(document.get(field), str) and document[field]:
            return str(document[field])
    if isinstance(document.get("Cause"), str) and document["Cause"]:
        inner = readable(document["Cause"])
        return f"{document['Error']}: {inner}" if document.get("Error") else inner
    return cause


def _object(text: Any) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: Any, longest: int) -> str:
    """A non-empty text of at most `longest` characters and, by the worst case of UTF-8, 4 times as many bytes."""
    if not isinstance(value, str) or not value.strip():
        return UNKNOWN
    cleaned = value.replace("\x00", "")
    return cleaned if len(cleaned) <= longest else cleaned[: longest - 1] + "…"

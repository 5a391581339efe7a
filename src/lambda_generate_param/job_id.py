"""The job ID and its format. The prefixes of one that people type are in pipeline/jobs.py.

`<UTC start time, YYYYMMDDTHHMMSSmmmZ>-<UUID>`: 56 characters of `[0-9A-Za-z-]`. It sorts by time and fits an S3 key, a
statement name, an execution name (80), a log-stream prefix and a Spark application name. It is a pure function of the
execution's ARN and start time, so a retried or repeated request gives the same ID.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

# Of an execution input that continues an earlier job: its only one.
FIELD = "job_id"
FORM = "<UTC start time, YYYYMMDDTHHMMSSmmmZ>-<UUID>"

# ASCII: else a digit is one of any script.
_FORMAT = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_EXECUTION_ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:execution:[^:\s]{1,80}:[^:\s]{1,80}")
# Step Functions writes 0, 3, 6 or 9 digits of a second.
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:?00)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JobIdError(ValueError):
    """The execution ARN or the start time is not what Step Functions gives."""


def make(execution_arn: str, start_time: str | int) -> str:
    """Return the job ID of an execution.

    Args:
        execution_arn: of a Standard state machine's execution, `$states.context.Execution.Id`.
        start_time: `$states.context.Execution.StartTime` (ISO 8601, UTC), or `detail.startDate` of a status event
            (milliseconds since 1970-01-01 UTC). Both give the same ID: what is finer than a millisecond is cut off.

    Raises:
        JobIdError: one of them has another form.
    """
    if not isinstance(execution_arn, str) or not _EXECUTION_ARN.fullmatch(execution_arn):
        raise JobIdError(f"execution_arn {execution_arn!r} is not the ARN of a state machine's execution")
    return f"{earliest(_moment(start_time))}-{uuid.uuid5(uuid.NAMESPACE_URL, execution_arn)}"


def earliest(moment: datetime) -> str:
    """What the IDs of jobs that started then begin with; those of later jobs sort after it, earlier ones before."""
    at = moment.astimezone(UTC)
    # %Y writes a year before 1000 with fewer digits, which would sort after this one.
    return f"{at.year:04d}{at:%m%dT%H%M%S}{at.microsecond // 1000:03d}Z"


def is_continued(document: object) -> bool:
    """Whether an execution input asks to continue a job."""
    return isinstance(document, dict) and FIELD in document


def of_attempt(execution_arn: str, start_time: str | int, document: Any) -> str:
    """The ID of the job that an execution is, or would have been, an attempt at.

    Args:
        document: its input.

    Raises:
        JobIdError: the ARN or the start time is not what Step Functions gives.
    """
    own = make(execution_arn, start_time)
    if is_continued(document) and len(document) == 1 and is_job_id(str(document[FIELD])):
        return str(document[FIELD])
    return own


def run_id(job_id: str, execution_arn: str, redrive: int) -> str:
    """A UUID of an attempt at a job: that in the job ID for the first one, and one that is made of it for others."""
    own = job_id[-36:]
    if redrive == 0 and own == str(uuid.uuid5(uuid.NAMESPACE_URL, execution_arn)):
        return own
    return part_id(own, f"{execution_arn}#{redrive}")


def part_id(run: str, name: str) -> str:
    """A UUID of a part of what has a UUID, by its name."""
    return str(uuid.uuid5(uuid.UUID(run), name))


def is_job_id(text: str) -> bool:
    """Whether the text has the form of a job ID, of a moment that there was."""
    try:
        started_at(text)
    except JobIdError:
        return False
    return True


def started_at(job_id: str) -> datetime:
    """Return the start time that a job ID carries, in UTC.

    Raises:
        JobIdError: the text is not a job ID.
    """
    if not _FORMAT.fullmatch(job_id):
        raise JobIdError(f"{job_id!r} is not a job ID")
    try:
        began = datetime.strptime(job_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise JobIdError(f"{job_id!r} is not a job ID: {error}") from error
    return began + timedelta(milliseconds=int(job_id[15:18]))


def _moment(start_time: str | int) -> datetime:
    if isinstance(start_time, int) and not isinstance(start_time, bool):
        return _EPOCH + timedelta(milliseconds=start_time)
    match = _TIMESTAMP.fullmatch(start_time) if isinstance(start_time, str) else None
    if not match:
        raise JobIdError(
            f"start_time {start_time!r} is neither ISO 8601 in UTC (2026-01-31T12:00:00.123Z) nor epoch milliseconds"
        )
    try:
        whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise JobIdError(f"start_time {start_time!r} is not a moment: {error}") from error
    return whole + timedelta(milliseconds=int((match[2] or "0").ljust(3, "0")[:3]))

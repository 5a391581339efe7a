"""An attempt at a job, which is what OpenLineage calls a run: an execution of the pipeline, or a redrive of one.

A run has one START and one end. So an attempt after the first one has a run ID of its own, and the job ID ties them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.manifests import utc_text
from lambda_generate_param import job_id

# The end of an execution's name that a schedule gave: nightly-20260131T060000Z.
_SCHEDULED: Final = re.compile(r"(.+)-(\d{8}T\d{6})Z")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Attempt:
    """An attempt at a job, as its execution tells it.

    Attributes:
        began, ended: aware of their zone.
        given: the execution's input, {} where it is not known.
    """

    job: str
    execution_arn: str
    redrive: int
    began: datetime
    status: str
    ended: datetime | None
    given: JsonMapping
    output: JsonMapping
    error: str
    cause: str

    @classmethod
    def of_event(cls, detail: JsonMapping) -> Attempt:
        """Read `detail` of "Step Functions Execution Status Change".

        Raises:
            KeyError, TypeError, JobIdError: it is none.
        """
        given = _object(detail.get("input"))
        redriven = detail.get("redriveDate")
        stopped = detail.get("stopDate")
        return cls(
            job=job_id.of_attempt(detail["executionArn"], detail["startDate"], given),
            execution_arn=detail["executionArn"],
            redrive=int(detail.get("redriveCount") or 0),
            began=_moment(redriven if isinstance(redriven, int) else detail["startDate"]),
            status=str(detail["status"]),
            ended=_moment(stopped) if isinstance(stopped, int) else None,
            given=given,
            output=_object(detail.get("output")),
            error=str(detail.get("error") or ""),
            cause=str(detail.get("cause") or ""),
        )

    @property
    def name(self) -> str:
        """The name of the execution."""
        return self.execution_arn.rpartition(":")[2]

    @property
    def run_id(self) -> str:
        """The UUID of the job ID for the job's first attempt; for later ones, one that is made of it."""
        return job_id.run_id(self.job, self.execution_arn, self.redrive)

    @property
    def label(self) -> str:
        """Sorts the attempts at a job by their start, and tells those apart that began at once."""
        return f"{job_id.earliest(self.began)}-{self.run_id[:8]}"

    @property
    def began_text(self) -> str:
        """The start of the attempt as text."""
        return utc_text(self.began)

    def nominal_time(self, schedules: tuple[str, ...]) -> str:
        """The moment that a schedule meant, or "" where none started the execution."""
        found = _SCHEDULED.fullmatch(self.name)
        if not found or found[1] not in schedules:
            return ""
        return utc_text(datetime.fromisoformat(found[2]).replace(tzinfo=UTC))


def moment(text: object) -> datetime | None:
    """A moment of a manifest, or None for what is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _object(text: Any) -> JsonObject:
    try:
        document = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

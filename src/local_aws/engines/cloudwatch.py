"""Log lines of job runs in CloudWatch Logs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_MOST_EVENTS = 1_000
_LONGEST_LINE = 200_000
_log = logging.getLogger(__name__)


class CloudWatchLogs:
    """Makes groups and streams as they are needed, and appends to them.

    Where the role may not write logs, there are none, and the run goes on: as on AWS.
    """

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client
        self._known: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def append(self, group: str, stream: str, lines: Sequence[str]) -> None:
        """Append lines, with the time of now (milliseconds since 1970-01-01 UTC)."""
        try:
            self._append(group, stream, lines)
        except ClientError as error:
            if not error.response["Error"].get("Code", "").startswith("AccessDenied"):
                raise
            _log.warning("no log lines in %s of %s: %s", stream, group, error)

    def _append(self, group: str, stream: str, lines: Sequence[str]) -> None:
        self._make(group, stream)
        now = int(time.time() * 1000)
        # CloudWatch takes no empty message.
        events = [{"timestamp": now, "message": line[:_LONGEST_LINE]} for line in lines if line]
        for first in range(0, len(events), _MOST_EVENTS):
            self._client.put_log_events(
                logGroupName=group,
                logStreamName=stream,
                logEvents=events[first : first + _MOST_EVENTS],  # type: ignore[arg-type]
            )

    def _make(self, group: str, stream: str) -> None:
        with self._lock:
            if (group, stream) in self._known:
                return
            exists = self._client.exceptions.ResourceAlreadyExistsException
            with contextlib.suppress(exists):
                self._client.create_log_group(logGroupName=group)
            with contextlib.suppress(exists):
                self._client.create_log_stream(logGroupName=group, logStreamName=stream)
            self._known.add((group, stream))

"""Logs of executions in CloudWatch, as their state machine's logging configuration says.

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping

_log = logging.getLogger(__name__)
# Written when a configuration is accepted, so that a missing log group or permission shows up early.
VALIDATION_STREAM: Final = "log_stream_created_by_aws_to_validate_log_delivery_subscriptions"
# https://docs.aws.amazon.com/step-functions/latest/dg/cloudwatch-log-level.html
FATAL_EVENTS: Final = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
ERROR_EVENTS: Final = FATAL_EVENTS | {
    "ActivityFailed",
    "ActivityScheduleFailed",
    "ActivityTimedOut",
    "EvaluationFailed",
    "FailStateEntered",
    "LambdaFunctionFailed",
    "LambdaFunctionScheduleFailed",
    "LambdaFunctionStartFailed",
    "LambdaFunctionTimedOut",
    "MapIterationAborted",
    "MapIterationFailed",
    "MapRunAborted",
    "MapRunFailed",
    "MapStateAborted",
    "MapStateFailed",
    "ParallelStateAborted",
    "ParallelStateFailed",
    "TaskFailed",
    "TaskStartFailed",
    "TaskStateAborted",
    "TaskSubmitFailed",
    "TaskTimedOut",
    "WaitStateAborted",
}
_DATA: Final = ("input", "inputDetails", "output", "outputDetails")


def is_logged(level: str, event_type: str) -> bool:
    """Whether a configuration of this level has an event of this type in its log."""
    if level == "ALL":
        return True
    return event_type in {"ERROR": ERROR_EVENTS, "FATAL": FATAL_EVENTS}.get(level, frozenset())


@dataclass(frozen=True)
class LoggedEvent:
    """One event in a log stream."""

    group: str
    stream: str
    milliseconds: int
    message: str


class Logs:
    """Writes the lines of all executions, in order, without holding them up.

    Args:
        client: of CloudWatch Logs.
    """

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client
        self._lines: queue.SimpleQueue[LoggedEvent] = queue.SimpleQueue()
        self._streams: dict[str, str] = {}
        self._lock = threading.Lock()
        self._made: set[tuple[str, str]] = set()
        self._writer: threading.Thread | None = None

    def check(self, configuration: JsonMapping) -> None:
        """Check that the log group of a logging configuration exists; AWS makes a stream in it to find out.

        Raises:
            AwsError: InvalidLoggingConfiguration.
        """
        for destination in configuration.get("destinations") or ():
            group = group_of((destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn") or "")
            found = self._client().describe_log_groups(logGroupNamePrefix=group)["logGroups"] if group else []
            if not any(one["logGroupName"] == group for one in found):
                message = "Invalid Logging Configuration: Log Destination not found."
                raise AwsError("InvalidLoggingConfiguration", message)
            self._make_stream(group, VALIDATION_STREAM)

    def open(self, execution_arn: str, machine: Any) -> ExecutionLog | None:
        """The log of an execution; None where its state machine has none."""
        configuration = machine.logging_config
        destinations = configuration.get("destinations") or []
        if configuration["level"] == "OFF" or not destinations:
            return None
        with self._lock:
            now = datetime.now(UTC)
            stream = self._streams.setdefault(
                machine.arn, f"states/{machine.name}/{now:%Y-%m-%d-%H-%M}/{uuid4().hex[:8]}"
            )
        group = group_of(destinations[0]["cloudWatchLogsLogGroup"]["logGroupArn"])
        return ExecutionLog(self, execution_arn, group, stream, configuration)

    def add(self, line: LoggedEvent) -> None:
        """Write a line, soon."""
        self._lines.put(line)
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="states-logs", daemon=True)
                self._writer.start()

    def _write(self) -> None:
        while True:
            batch = [self._lines.get()]
            while not self._lines.empty() and len(batch) < 1000:
                batch.append(self._lines.get())
            places = dict.fromkeys((line.group, line.stream) for line in batch)
            for group, stream in places:
                lines = [line for line in batch if (line.group, line.stream) == (group, stream)]
                try:
                    self._put(group, stream, lines)
                except Exception:  # an execution does not depend on its log
                    _log.exception("the log of %s could not be written", stream)

    def _put(self, group: str, stream: str, lines: list[LoggedEvent]) -> None:
        self._make_stream(group, stream)
        self._client().put_log_events(
            logGroupName=group,
            logStreamName=stream,
            logEvents=[{"timestamp": line.milliseconds, "message": line.message} for line in lines],
        )

    def _make_stream(self, group: str, stream: str) -> None:
        client = self._client()
        if (group, stream) in self._made and stream != VALIDATION_STREAM:
            return
        with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
            client.create_log_stream(logGroupName=group, logStreamName=stream)
        self._made.add((group, stream))


class ExecutionLog:
    """The log of one execution; an interpreter's event manager writes to it as to its own logging session."""

    def __init__(self, logs: Logs, execution_arn: str, group: str, stream: str, configuration: JsonMapping) -> None:
        self._logs = logs
        self._place = (group, stream)
        self._level = configuration["level"]
        self.execution_arn = execution_arn
        self.include_execution_data = bool(configuration["includeExecutionData"])
        # The interpreter reads `configuration.include_execution_data`.
        self.configuration = self

    def log_level_filter(self, history_event_type: Any) -> bool:
        """Whether an event of this type is logged."""
        return is_logged(self._level, str(getattr(history_event_type, "value", history_event_type)))

    def publish_history_log(self, history_log: JsonMapping) -> None:
        """Write an event."""
        time = history_log["event_timestamp"]
        moment = datetime.fromisoformat(time) if isinstance(time, str) else time
        milliseconds = int(moment.timestamp() * 1000)
        details = history_log.get("details") or {}
        line = {
            "id": history_log["id"],
            "type": str(getattr(history_log["type"], "value", history_log["type"])),
            "details": {name: value for name, value in details.items() if value is not None},
            "previous_event_id": history_log["previous_event_id"],
            "event_timestamp": str(milliseconds),
            "execution_arn": self.execution_arn,
            "redrive_count": "0",
        }
        self._logs.add(LoggedEvent(*self._place, milliseconds, json.dumps(line, default=str)))


def group_of(arn: str) -> str:
    """The name of the log group of an ARN, which may end in ":*"."""
    return arn.split(":log-group:", 1)[-1].removesuffix(":*")

"""Which events a log level keeps, and what is written of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.loaders import Loader

from local_aws.engines.step_functions import execution_log
from local_aws.engines.step_functions.execution_log import ExecutionLog, LoggedEvent, is_logged

EVENT_TYPES = Loader().load_service_model("stepfunctions", "service-2")["shapes"]["HistoryEventType"]["enum"]


class Lines:
    def __init__(self) -> None:
        self.written: list[LoggedEvent] = []

    def add(self, line: LoggedEvent) -> None:
        self.written.append(line)


def log(lines: Any, **configuration: Any) -> ExecutionLog:
    return ExecutionLog(
        lines, "arn:e", "/group", "states/m/1", {"level": "ALL", "includeExecutionData": True, **configuration}
    )


def test_each_named_event_is_one_of_the_service() -> None:
    assert set(EVENT_TYPES) >= execution_log.ERROR_EVENTS >= execution_log.FATAL_EVENTS


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("ALL", set(EVENT_TYPES)),
        ("ERROR", execution_log.ERROR_EVENTS),
        ("FATAL", execution_log.FATAL_EVENTS),
        ("OFF", set()),
    ],
)
def test_a_level_keeps_its_events(level: str, kept: set[str]) -> None:
    assert {kind for kind in EVENT_TYPES if is_logged(level, kind)} == set(kept)


def test_a_line_is_written_as_aws_writes_it() -> None:
    lines = Lines()
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)

    log(lines).publish_history_log(
        {
            "id": "4",
            "type": "PassStateExited",
            "previous_event_id": "3",
            "event_timestamp": moment,
            "details": {"name": "A", "output": "{}"},
        }
    )

    (line,) = lines.written
    assert (line.group, line.stream, line.milliseconds) == ("/group", "states/m/1", 1_767_323_045_678)
    assert json.loads(line.message) == {
        "id": "4",
        "type": "PassStateExited",
        "details": {"name": "A", "output": "{}"},
        "previous_event_id": "3",
        "event_timestamp": "1767323045678",
        "execution_arn": "arn:e",
        "redrive_count": "0",
    }


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/m:*",
        "arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/m",
    ],
)
def test_the_log_group_is_read_from_its_arn(arn: str) -> None:
    assert execution_log.group_of(arn) == "/aws/vendedlogs/states/m"

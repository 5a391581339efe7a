from __future__ import annotations

from datetime import UTC, datetime

import botocore.session
from botocore.model import StringShape

from pipeline import executions, redshift
from pipeline.executions import StateTime


def enum(service: str, name: str) -> set[str]:
    shape = botocore.session.Session().get_service_model(service).shape_for(name)
    assert isinstance(shape, StringShape)
    return set(shape.enum)


def test_every_status_of_the_api_is_either_open_or_final() -> None:
    known = {*executions.FINAL_STATUSES, *executions.OPEN_STATUSES}
    assert known == enum("stepfunctions", "ExecutionStatus")


def test_every_status_of_a_statement_is_known() -> None:
    open_statuses = {"SUBMITTED", "PICKED", "STARTED", "ALL"}  # ALL is a filter of ListStatements, not a status
    assert set(redshift.FINAL_STATUSES) == enum("redshift-data", "StatusString") - open_statuses


def test_a_state_took_from_its_entry_to_its_exit() -> None:
    def at(second: float) -> datetime:
        return datetime.fromtimestamp(second, UTC)

    events = [
        {"timestamp": at(1), "stateEnteredEventDetails": {"name": "One"}},
        {"timestamp": at(2), "taskScheduledEventDetails": {}},
        {"timestamp": at(3.5), "stateExitedEventDetails": {"name": "One"}},
        {"timestamp": at(4), "stateEnteredEventDetails": {"name": "Two"}},
    ]
    assert list(executions.state_times(events)) == [StateTime("One", 2.5)]

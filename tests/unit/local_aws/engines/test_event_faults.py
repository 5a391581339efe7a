"""Events that are delivered twice, late or never."""

from __future__ import annotations

import threading

import pytest

from local_aws.engines.event_faults import deliver
from local_aws.services.faults.fault_rules import FaultPlan, Faults, Rule
from tests.waiting import SECONDS

EVENT = {
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": {"status": "FAILED"},
}
TARGET = "arn:aws:states:us-east-1:000000000000:stateMachine:record-failure"


def delivered(faults: Faults) -> int:
    found: list[None] = []
    deliver(faults, "failed", TARGET, lambda: EVENT, lambda: found.append(None))
    return len(found)


@pytest.mark.parametrize(
    ("match", "copies", "expected"),
    [
        ({}, 0, [0, 1]),
        ({}, 3, [3, 1]),
        ({"rule": "failed", "target": "*:record-failure", "detail.status": "FAILED"}, 2, [2, 1]),
        ({"detail-type": "*Status Change", "source": "aws.states"}, 2, [2, 1]),
        ({"rule": "other"}, 0, [1, 1]),
        ({"detail.status": "SUCCEEDED"}, 0, [1, 1]),
    ],
)
def test_an_event_is_delivered_so_often(match: dict[str, str], copies: int, expected: list[int]) -> None:
    faults = Faults(FaultPlan((Rule("r", "event", match=match, copies=copies),)))
    assert [delivered(faults) for _ in expected] == expected


def test_a_late_event_does_not_hold_its_sender_up() -> None:
    faults = Faults(FaultPlan((Rule("r", "event", delay=0.2, copies=2),)))
    arrived = threading.Semaphore(0)
    deliver(faults, "failed", TARGET, lambda: EVENT, arrived.release)
    assert not arrived.acquire(blocking=False)
    for _ in range(2):
        assert arrived.acquire(timeout=SECONDS)


def test_without_rules_the_event_is_not_looked_at() -> None:
    def look() -> dict[str, str]:
        raise AssertionError

    found: list[None] = []
    deliver(Faults(), "failed", TARGET, look, lambda: found.append(None))
    assert len(found) == 1

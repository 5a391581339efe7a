"""What a schedule delivers, and for which moment."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from ministack.services import eventbridge

from local_aws.engines.ministack.schedules import deliveries, is_schedule, meant_moment

ARN = "arn:aws:scheduler:us-east-1:000000000000:schedule/group/nightly"
MEANT = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)
CREATED = datetime(2026, 11, 29, 5, 30, 12, tzinfo=UTC)


def test_each_keyword_of_an_input_is_replaced_wherever_it_stands() -> None:
    given = {
        "arn": "<aws.scheduler.schedule-arn>",
        "at": "it is <aws.scheduler.scheduled-time>, <aws.scheduler.scheduled-time>",
        "attempt": "<aws.scheduler.attempt-number>",
        "id": "<aws.scheduler.execution-id>",
        "other": "<aws.scheduler.moon>",
    }
    target = {"Arn": "arn:target", "Input": json.dumps(given)}
    inputs = [json.loads(made["Input"]) for made in deliveries(target, {"Arn": ARN}, MEANT)]
    assert len(inputs) == 2
    for made in inputs:
        assert made | {"id": ""} == {
            "arn": ARN,
            "at": "it is 2026-11-29T06:00:00Z, 2026-11-29T06:00:00Z",
            "attempt": "1",
            "id": "",
            "other": "<aws.scheduler.moon>",
        }
    # Each attempt has an ID of its own, so no name may be made of it.
    assert len({made["id"] for made in inputs}) == 2
    assert target["Input"] == json.dumps(given)


@pytest.mark.parametrize(
    ("now", "once", "interval", "meant"),
    [
        (CREATED, MEANT.timestamp(), None, MEANT),
        (CREATED + timedelta(seconds=3607), None, 3600, CREATED + timedelta(hours=1)),
        (CREATED + timedelta(hours=2, seconds=1), None, 3600, CREATED + timedelta(hours=2)),
        (MEANT + timedelta(seconds=9), None, None, MEANT),
        (MEANT + timedelta(seconds=61), None, None, MEANT),
    ],
    ids=["at", "rate", "rate again", "cron", "cron, seen late"],
)
def test_the_moment_is_the_one_that_was_meant(
    now: datetime, once: float | None, interval: int | None, meant: datetime
) -> None:
    fields = eventbridge._parse_cron_fields("cron(0 6 * * ? *)")

    def after(moment: datetime) -> datetime | None:
        found = eventbridge._cron_next_fire(fields, moment)
        assert found is None or isinstance(found, datetime)
        return found

    assert meant_moment(now, once=once, created=CREATED.timestamp(), interval=interval, after=after) == meant


def test_a_rule_is_no_schedule() -> None:
    assert is_schedule({"Arn": ARN})
    assert not is_schedule({"Arn": "arn:aws:events:us-east-1:000000000000:rule/nightly"})

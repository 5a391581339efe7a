"""What a schedule delivers: its input with the context attributes filled in, and as often as AWS may deliver it.

MiniStack delivers the input as it was written, and once.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from aws_facts.scheduler import ATTEMPT_NUMBER, DELIVERIES, EXECUTION_ID, SCHEDULE_ARN, SCHEDULED_TIME, TIME_FORMAT
from local_aws.json_types import JsonObject

# The moment of a cron expression that follows another moment, or None.
Following = Callable[[datetime], datetime | None]


def is_schedule(source: Mapping[str, object]) -> bool:
    """Whether a target belongs to a schedule, and not to a rule."""
    return ":scheduler:" in str(source.get("Arn", ""))


def deliveries(target: JsonObject, schedule: Mapping[str, object], meant: datetime) -> list[JsonObject]:
    """The target with the input of each delivery of one moment."""
    values = {
        SCHEDULE_ARN: str(schedule["Arn"]),
        SCHEDULED_TIME: meant.astimezone(UTC).strftime(TIME_FORMAT),
        ATTEMPT_NUMBER: "1",
    }
    made = []
    for _ in range(DELIVERIES):
        text = str(target.get("Input", ""))
        for keyword, value in {**values, EXECUTION_ID: uuid.uuid4().hex[:16]}.items():
            text = text.replace(keyword, value)
        made.append({**target, "Input": text})
    return made


def meant_moment(
    now: datetime, *, once: float | None, created: float, interval: int | None, after: Following
) -> datetime:
    """The moment that a schedule which is due at `now` is due for.

    Args:
        now: when it is looked at, in UTC.
        once: the time of an at() expression, in seconds since 1970; None for another one.
        created: when the schedule was made, in seconds since 1970.
        interval: the seconds of a rate() expression; None for another one.
        after: of a cron() expression.
    """
    if once is not None:
        return datetime.fromtimestamp(once, UTC)
    if interval is not None:
        return datetime.fromtimestamp(created + (now.timestamp() - created) // interval * interval, UTC)
    # A schedule is looked at every few seconds, so its moment is at most some minutes ago.
    minute = now.replace(second=0, microsecond=0)
    for ago in range(60):
        moment = minute - timedelta(minutes=ago)
        if after(moment - timedelta(minutes=1)) == moment:
            return moment
    return minute

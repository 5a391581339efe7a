from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline import moments
from pipeline.errors import UsageError

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", datetime(2026, 11, 29, 11, 30, tzinfo=UTC)),
        ("12h", datetime(2026, 11, 29, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 22, 12, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_so_long_ago_or_a_time(text: str, expected: datetime) -> None:
    assert moments.since(text, NOW) == expected


def test_what_is_no_moment_is_refused() -> None:
    for text in (
        *("yesterday", "7", "2026-13-01", "", "٣d"),
        # In UTC these are before the first year, and after the last one.
        *("0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"),
    ):
        with pytest.raises(UsageError, match="is not a moment; accepted: 30m"):
            moments.since(text, NOW)


def test_durations_are_short() -> None:
    assert [moments.duration(seconds) for seconds in (None, 4.25, 185, 7620)] == [
        "-",
        "4.2 s",
        "3 min 05 s",
        "2 h 07 min",
    ]

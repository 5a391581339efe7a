"""Moments and durations as a person writes and reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pipeline.errors import UsageError

ACCEPTED = "accepted: 30m, 12h, 7d or a date or time as 2026-01-31 or 2026-01-31T12:00 (UTC)"
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)


def since(text: str, now: datetime | None = None) -> datetime:
    """The moment that a text names: so long ago, or a date or time, in UTC unless it names its zone.

    Raises:
        UsageError: it names none.
    """
    if ago := _AGO.fullmatch(text):
        return (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a moment; {ACCEPTED}") from None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:  # in UTC it is before the year 1, or after 9999
        raise UsageError(f"{text!r} is not a moment; {ACCEPTED}") from None


def written(moment: datetime) -> str:
    """2026-01-31T12:00:00.123Z: as documents have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown(moment: datetime | None) -> str:
    """2026-01-31 12:00:00, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else "-"


def duration(seconds: float | None) -> str:
    """4.2 s, 3 min 05 s, 2 h 07 min."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"

"""A hop: a place where the job ID has to show; what was seen there, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dataset_contract.json_types import JsonMapping
from pipeline import moments
from pipeline.evidence.model import Answer

FOUND, MISSING, NOT_EXPECTED, FORGOTTEN = "found", "missing", "not expected", "forgotten"
# The hop of a job whose rejected rows other jobs replay.
REPLAYS = "replay-reconciliation"
# The hops that count rows: where one of them is missing, the job ID may be there.
_COUNTING = ("reconciliation", REPLAYS, "rows")
NOT_FOUND, _UNREADABLE = "not found", "cannot be read: "


@dataclass(frozen=True)
class Hop:
    """A place where the job ID has to show.

    Attributes:
        name: the same in every version.
        state: found, missing, not expected or forgotten.
        detail: what was found, or why not.
        at: of what was found.
        link: its page in AWS's console, or "".
    """

    name: str
    service: str
    place: str
    state: str
    detail: str
    at: datetime | None = None
    link: str = ""


@dataclass(frozen=True)
class Seen:
    """What the evidence has of a hop.

    Attributes:
        detail: "" where it is not there.
        problem: why it could not be read.
    """

    detail: str = ""
    at: datetime | None = None
    link: str = ""
    problem: str | None = None
    instead: str = ""  # what is wrong, where something else is there


def problem(answers: Iterable[Answer[Any]]) -> str | None:
    """The first reason why a service could not be asked."""
    return next((each.problem for each in answers if each.problem), None)


def without(job_id: str, names: Sequence[str]) -> str:
    """What is said of names that are not there."""
    return "not found: " + ", ".join(name.replace(job_id, "…") for name in names)


def listed(texts: Sequence[str]) -> str:
    """The first four, and how many there are."""
    shown = ", ".join(texts[:4])
    return f"{shown}, … ({len(texts):,})" if len(texts) > 4 else shown


def moment(text: object) -> datetime | None:
    """A moment that a document has as ISO 8601; None where it is none."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def span(time: timedelta) -> str:
    """90 days, 24 hours, 1 minute: in the largest unit, cut off."""
    seconds = max(0, int(time.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'s' * (number != 1)}"
    return f"{seconds} second{'s' * (seconds != 1)}"


def unreadable(reason: str) -> str:
    """The detail of a hop of which nobody could ask."""
    return f"{_UNREADABLE}{reason}"


def fault(hop: Hop) -> str:
    """A missing hop as a sentence: what is wrong, and where."""
    where = f"{hop.service}, {hop.place}"
    if hop.detail == NOT_FOUND:
        return f"the job ID was not found at: {where}"
    kind = "the rows do not add up at" if hop.name in _COUNTING else "evidence is missing or wrong at"
    if hop.detail.startswith(_UNREADABLE):
        kind = "nobody knows whether the job ID is at"
    return f"{kind}: {where}: {hop.detail}"


def document(hop: Hop) -> JsonMapping:
    """A hop as JSON has it."""
    at = moments.written(hop.at) if hop.at else None
    return {**hop.__dict__, "at": at, "link": hop.link or None}

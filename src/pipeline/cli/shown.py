"""How results are printed: one JSON document, or text in columns."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from dataset_contract.json_types import JsonObject
from pipeline import moments
from pipeline.terminal import plain

if TYPE_CHECKING:
    from pipeline.jobs import Attempt, Job
    from pipeline.trace import Trace

COLORS = {"SUCCEEDED": "green", "RUNNING": "cyan", "FAILED": "red", "TIMED_OUT": "red", "ABORTED": "yellow"}

_UNPRINTABLE = re.compile(r"[^ -~\n]")  # and others, which `_escaped` passes over


def print_json(document: object) -> None:
    """One document on stdout; times as moments.written."""
    click.echo(_as_text(document, indent=2))


def one_line(document: object) -> str:
    """A document as one line of JSON."""
    return _as_text(document)


def _as_text(document: object, indent: int | None = None) -> str:
    """JSON that a person can read; what would steer a terminal is escaped."""
    text = json.dumps(document, indent=indent, default=_as_json, ensure_ascii=False)
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else json.dumps(found[0])[1:-1]


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Rows below headings, in columns that are as wide as they need to be.

    Args:
        right: headings of columns of numbers.
    """
    texts = [["-" if cell is None else plain(_number(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *texts, strict=True)]
    for index, row in enumerate([list(headings), *texts]):
        cells = [
            cell.rjust(width) if heading in right else cell.ljust(width)
            for cell, width, heading in zip(row, widths, headings, strict=True)
        ]
        click.echo(_styled(cells, index).rstrip())


def status(text: str) -> str:
    """A status in its color; without one where stdout is not a terminal."""
    color = COLORS.get(text.strip())
    return click.style(text, fg=color) if color else text


def trace(traced: Trace, *, with_links: bool = False) -> str:
    """The job ID and its hops, for click.echo, which leaves the colors to terminals."""
    from pipeline.evidence.hop import FORGOTTEN, FOUND, MISSING, NOT_EXPECTED

    colors = {**COLORS, FOUND: "green", MISSING: "red", FORGOTTEN: "yellow"}

    def paint(text: str, state: str) -> str:
        return click.style(text, fg=colors.get(state), dim=state == NOT_EXPECTED or None)

    heading = f"job ID {click.style(traced.job.job_id, bold=True)}"
    columns = shutil.get_terminal_size().columns if on_terminal() else None
    return f"{heading}\n\n{traced.table(with_links=with_links, columns=columns, paint=paint)}"


def on_terminal() -> bool:
    """Whether stdout is a terminal; a shell may have closed it, and then it is None."""
    return bool(sys.stdout and sys.stdout.isatty())


def job_document(job: Job) -> JsonObject:
    """A job as JSON."""
    return {
        "job_id": job.job_id,
        "dataset": job.dataset,
        "status": job.status,
        "recorded": job.recorded,
        "source_uri": job.source_uri,
        "parameters": job.parameters,
        "repeat": job.repeat,
        "replays": job.replays,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "seconds": seconds(job),
        "counts": dict(job.counts),
        "execution_arn": job.execution_arn,
        "attempts": [_attempt_document(attempt) for attempt in job.attempts],
    }


def seconds(job: Job) -> float | None:
    """How long the deciding attempt took, or has taken until now; None where its end is not known."""
    ended = job.ended_at or (datetime.now(UTC) if job.is_running else None)
    return round((ended - job.attempt.started_at).total_seconds(), 3) if ended else None


def _attempt_document(attempt: Attempt) -> JsonObject:
    return {
        "execution_arn": attempt.execution_arn,
        "redrive_count": attempt.redrive_count,
        "status": attempt.status,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "failed_state": attempt.failed_state,
        "error": attempt.error,
        "cause": attempt.cause,
        "forgotten": attempt.forgotten,
    }


def _as_json(value: object) -> Any:
    if isinstance(value, datetime):
        return moments.written(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value)


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _styled(cells: Sequence[str], index: int) -> str:
    if index == 0:
        return click.style("  ".join(cells), bold=True)
    # The padding stays outside of what is colored, so that the columns keep their width.
    return "  ".join(status(cell) for cell in cells)

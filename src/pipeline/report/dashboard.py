"""The page of many jobs: how they ended, how long they took, and how many rows came in and were rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline.jobs import Job
from pipeline.moments import duration, written

_HEIGHT = 100.0
_ROOM = 1000.0


def document(jobs: Sequence[Job], *, dataset: str | None, since: datetime | None, is_whole: bool = True) -> JsonObject:
    """What the page shows, as JSON has it.

    Args:
        jobs: newest first; the document has them in that order.
        is_whole: whether there are no older ones that were left out.
    """
    rows = [_job(job) for job in jobs]
    ended = [row for row in rows if row["status"] not in ("RUNNING", "UNKNOWN")]
    good = [row for row in ended if row["status"] == "SUCCEEDED"]
    seconds = [row["seconds"] for row in good if row["seconds"] is not None]
    return {
        "dataset": dataset,
        "is_whole": is_whole,
        "since": written(since) if since else None,
        "totals": {
            "jobs": len(rows),
            "succeeded": len(good),
            "failed": len(ended) - len(good),
            "running": sum(row["status"] == "RUNNING" for row in rows),
            "rows_in": sum(row["rows_in"] or 0 for row in rows),
            "rows_rejected": sum(row["rows_rejected"] or 0 for row in rows),
            "rows_loaded": sum(row["rows_loaded"] or 0 for row in rows),
            "median_seconds": round(median(seconds), 3) if seconds else None,
        },
        "jobs": rows,
    }


def _job(job: Job) -> JsonObject:
    attempt, ended = job.attempt, job.ended_at
    return {
        "job_id": job.job_id,
        "dataset": job.dataset,
        "status": job.status,
        "started_at": written(job.started_at),
        "seconds": round((ended - attempt.started_at).total_seconds(), 3) if ended else None,
        **{name: job.counts.get(name) for name in ("rows_in", "rows_rejected", "rows_loaded")},
        "attempts": len(job.attempts),
        "failed_state": attempt.failed_state,
        "error": attempt.error,
    }


def plots(rows: Sequence[JsonMapping]) -> list[JsonObject]:
    """Two plots with a bar per job, the oldest first; none without jobs."""
    if not rows:
        return []
    jobs = list(reversed(rows))
    ends = {"first": jobs[0]["started_at"], "last": jobs[-1]["started_at"], "width": _ROOM, "height": _HEIGHT}
    most_seconds = max((job["seconds"] or 0.0 for job in jobs), default=0.0)
    most_rows = max((job["rows_in"] or 0 for job in jobs), default=0)
    return [
        {**ends, "name": "Time per job", "most": duration(most_seconds), "bars": _bars(jobs, _seconds, most_seconds)},
        {**ends, "name": "Rows per job", "most": f"{most_rows:,} rows", "bars": _bars(jobs, _rows, most_rows)},
    ]


def _seconds(job: JsonMapping) -> list[tuple[str, float, str]]:
    kind = {"SUCCEEDED": "good", "RUNNING": "open", "UNKNOWN": "open"}.get(job["status"], "bad")
    return [(kind, job["seconds"] or 0.0, f"{job['job_id']}: {job['status']}, {duration(job['seconds'])}")]


def _rows(job: JsonMapping) -> list[tuple[str, float, str]]:
    rows, rejected = job["rows_in"] or 0, job["rows_rejected"] or 0
    what = f"{job['job_id']}: {rows:,} rows in, {rejected:,} rejected"
    return [("rows", rows - rejected, what), ("bad", rejected, what)]


def _bars(jobs: Sequence[Mapping[str, object]], parts: Any, most: float) -> list[JsonObject]:
    """Parts of a bar lie on each other. What is there is seen: a bar has two units of the plot's height at least."""
    slot = _ROOM / len(jobs)
    width = min(max(slot * 0.78, 1.0), 40.0)
    bars = []
    for index, job in enumerate(jobs):
        top = _HEIGHT
        for kind, value, what in parts(job):
            high = max(2.0, value / most * (_HEIGHT - 4)) if value and most else 0.0
            if kind in ("bad", "open") and not value and parts is _seconds:
                high = 2.0
            top -= high
            x = round(index * slot + (slot - width) / 2, 2)
            bars.append(
                {
                    "x": x,
                    "y": round(max(top, 0.0), 2),
                    "width": round(width, 2),
                    "height": round(high, 2),
                    "kind": kind,
                    "what": what,
                }
            )
    return bars

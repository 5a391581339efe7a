"""What the audit tables say of jobs: one record per job, with its attempts. docs/audit.md explains the columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline import hints, redshift
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.stacks import Stack

COUNTS = ("rows_in", "rows_staged", "rows_rejected", "rows_curated", "rows_loaded")
# Columns of job_attempt, which are read under another name since job_run has most of them as well.
_TRIED = (
    *("attempt", "execution_arn", "redrive_count", "status", "started_at", "finished_at", "failed_state", "error"),
    "cause",
)
# job.* and not a list: a deployment of an earlier version has fewer columns.
_SELECT = (
    f"SELECT job.*, {', '.join(f'tried.{name} AS tried_{name}' for name in _TRIED)} "
    "FROM ({jobs}) AS job LEFT JOIN audit.job_attempt AS tried ON tried.job_id = job.job_id "
    "ORDER BY job.job_id DESC, tried.attempt"
)


class WarehouseError(PipelineError):
    """The audit tables could not be read."""


@dataclass(frozen=True)
class Tried:
    """A row of audit.job_attempt. Times are UTC."""

    execution_arn: str
    redrive_count: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    failed_state: str | None
    error: str | None
    cause: str | None


@dataclass(frozen=True)
class Record:
    """A row of audit.job_run, and the attempts at the job in the order in which they were recorded."""

    job_id: str
    status: str
    dataset: str | None
    source_uri: str | None
    parameters: Any  # as JSON has them; None where they are not known
    repeat: bool | None
    replays: str | None
    counts: Mapping[str, int]
    finished_at: datetime | None
    failed_state: str | None
    error: str | None
    cause: str | None
    attempts: tuple[Tried, ...]


def of_job(stack: Stack, job_id: str) -> Record | None:
    """The record of one job, or None where it has none."""
    return next(_asked(stack, "SELECT * FROM audit.job_run WHERE job_id = :job_id", job_id=job_id), None)


def of_execution(stack: Stack, execution_arn: str) -> Record | None:
    """The record of the job that an execution was an attempt at."""
    jobs = (
        "SELECT * FROM audit.job_run WHERE job_id IN "
        "(SELECT job_id FROM audit.job_attempt WHERE execution_arn = :execution_arn)"
    )
    return next(_asked(stack, jobs, execution_arn=execution_arn), None)


def beginning_with(stack: Stack, prefix: str, most: int) -> list[Record]:
    """At most so many records whose job ID begins so, newest first.

    Args:
        prefix: characters of a job ID, so no wildcard.
    """
    jobs = f"SELECT * FROM audit.job_run WHERE job_id LIKE :pattern ORDER BY job_id DESC LIMIT {most:d}"
    return list(_asked(stack, jobs, pattern=f"{prefix}%"))


def newest_first(stack: Stack, *, first: int, most: int, since: str | None = None) -> Iterator[list[Record]]:
    """Pages of records, newest first. Each page is four times as long as the one before.

    Args:
        first, most: how many records the first page has, and how many any page has at most.
        since: what a job ID is compared with; smaller ones are left out.
    """
    size, bounds = first, {"since": since} if since else {}
    while True:
        conditions = " AND ".join(_CONDITIONS[name] for name in bounds)
        where = f"WHERE {conditions} " if conditions else ""
        page = list(_asked(stack, f"SELECT * FROM audit.job_run {where}ORDER BY job_id DESC LIMIT {size:d}", **bounds))
        yield page
        if len(page) < size:
            return
        bounds["before"] = page[-1].job_id
        size = min(size * 4, most)


def datasets(stack: Stack) -> list[str]:
    """The names of the datasets that jobs are recorded of."""
    return [row["dataset"] for row in _rows(stack, "SELECT DISTINCT dataset FROM audit.job_run WHERE dataset <> ''")]


def replays_of(stack: Stack, job_id: str) -> list[Record]:
    """The records of the jobs that replay a job, newest first."""
    return list(_asked(stack, "SELECT * FROM audit.job_run WHERE replays = :job_id", job_id=job_id))


_CONDITIONS = {"since": "job_id >= :since", "before": "job_id < :before"}


def _asked(stack: Stack, jobs: str, **parameters: str) -> Iterator[Record]:
    return records(_rows(stack, _SELECT.format(jobs=jobs), **parameters))


def _rows(stack: Stack, sql: str, **parameters: str) -> list[JsonObject]:
    from botocore.exceptions import BotoCoreError, ClientError

    client = stack.client("redshift-data")
    try:
        return redshift.query(client, stack.outputs, sql, **parameters)
    except (redshift.QueryError, ClientError, BotoCoreError) as error:
        doctor = hints.command("doctor")
        raise WarehouseError(f"the audit tables could not be read: {error}; `{doctor}` looks for why") from error


def records(rows: Iterable[Mapping[str, object]]) -> Iterator[Record]:
    """The records in rows of the query above; those of one job follow each other."""
    same: list[JsonMapping] = []
    for row in rows:
        if same and same[0]["job_id"] != row["job_id"]:
            yield _record(same)
            same = []
        same.append(row)
    if same:
        yield _record(same)


def _record(rows: Sequence[JsonMapping]) -> Record:
    job = rows[0]
    return Record(
        job_id=job["job_id"],
        status=job["status"],
        dataset=job["dataset"],
        source_uri=job["source_uri"],
        parameters=_json(job["parameters"]),
        repeat=job["repeat"],
        replays=job.get("replays"),
        counts={name: int(job[name]) for name in COUNTS if job[name] is not None},
        finished_at=_moment(job["finished_at"]),
        failed_state=job["failed_state"],
        error=job["error"],
        cause=job["cause"],
        attempts=tuple(_tried(row) for row in rows if row["tried_execution_arn"] is not None) or (_owner(job),),
    )


def _owner(job: Mapping[str, object]) -> Tried:
    """The attempt that a job is of, where job_attempt has none: jobs of earlier versions."""
    return _tried({f"tried_{name}": job[name] for name in _TRIED})


def _tried(row: JsonMapping) -> Tried:
    values = {name: row[f"tried_{name}"] for name in _TRIED if name != "attempt"}
    started = _moment(values["started_at"])
    assert started is not None  # the column is NOT NULL
    return Tried(**{**values, "started_at": started, "finished_at": _moment(values["finished_at"])})


def _moment(text: str | None) -> datetime | None:
    """A TIMESTAMP as the Data API gives it: 2026-01-31 12:00:00.123."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _json(text: str | None) -> Any:
    """Parameters of a job that was never registered are kept as they were given, so they may be anything."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text

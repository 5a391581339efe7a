"""The log lines of a job, of each stage that writes some."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_facts import glue
from dataset_contract.json_types import JsonObject

if TYPE_CHECKING:
    from pipeline.jobs import Job
    from pipeline.stacks import Stack

# Clocks of different machines differ by less.
_SLACK = timedelta(minutes=2)


@dataclass(frozen=True)
class LogLine:
    """A log line.

    Attributes:
        at: UTC, to the millisecond.
    """

    at: datetime
    stage: str
    group: str
    stream: str
    text: str


def lines(stack: Stack, job: Job, stages: tuple[str, ...] = ()) -> list[LogLine]:
    """The lines of a job, oldest first; those of one moment stay in their stream's order.

    Args:
        stages: none means all.
    """
    found = [line for stage in stages or STAGES for line in _READERS[stage](stack, job)]
    return sorted(found, key=lambda line: line.at)


def _lambda(stack: Stack, job: Job) -> Iterator[LogLine]:
    group = f"/aws/lambda/{stack.outputs['lambda_function_name']}"
    yield from _filtered(stack, job, "lambda", group, "job_id", job.job_id)


def _states(stack: Stack, job: Job) -> Iterator[LogLine]:
    group = f"/aws/vendedlogs/states/{stack.outputs['state_machine_arn'].rpartition(':')[2]}"
    for arn in dict.fromkeys(attempt.execution_arn for attempt in job.attempts):
        yield from _filtered(stack, job, "states", group, "execution_arn", arn)


def _python(stack: Stack, job: Job) -> Iterator[LogLine]:
    for run in job_runs(stack, job, stack.outputs["python_job_name"]):
        for kind in ("output", "error"):
            yield from _stream(stack, "python", f"{glue.PYTHON_SHELL_LOGS}/{kind}", run["Id"])


def _spark(stack: Stack, job: Job) -> Iterator[LogLine]:
    client = stack.client("logs")
    for kind in ("output", "error"):
        group = f"{glue.SPARK_LOGS}/{kind}"
        try:
            pages = client.get_paginator("describe_log_streams").paginate(
                logGroupName=group, logStreamNamePrefix=job.job_id
            )
            names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except client.exceptions.ResourceNotFoundException:
            continue
        for name in names:
            yield from _stream(stack, "spark", group, name)


_READERS: dict[str, Callable[[Stack, Job], Iterator[LogLine]]] = {
    "lambda": _lambda,
    "python": _python,
    "spark": _spark,
    "states": _states,
}
STAGES = tuple(_READERS)


def job_runs(stack: Stack, job: Job, name: str) -> Iterator[JsonObject]:
    """The runs of a Glue job that have the job's ID, newest first; Glue forgets runs after 90 days."""
    for page in stack.client("glue").get_paginator("get_job_runs").paginate(JobName=name):
        for run in page["JobRuns"]:
            if run["StartedOn"] < job.started_at - _SLACK:
                return
            if run.get("Arguments", {}).get("--job_id") == job.job_id:
                yield run


def _filtered(stack: Stack, job: Job, stage: str, group: str, field: str, text: str) -> Iterator[LogLine]:
    """The lines of a log group that are of the job, whatever their stream: they have a text, and no other in the field.

    A job that replays this one names it in its lines, and the ARN of run-1 is in that of run-10.
    """
    client = stack.client("logs")
    since = int((job.started_at - _SLACK).timestamp() * 1000)
    pages = client.get_paginator("filter_log_events")
    try:
        for page in pages.paginate(logGroupName=group, filterPattern=f'"{text}"', startTime=since):
            for event in page["events"]:
                # A pattern is what the service understands by it; the text is what is asked for.
                if text in event["message"] and _field(event["message"], field) in (None, text):
                    yield _line(stage, group, event["logStreamName"], event)
    except client.exceptions.ResourceNotFoundException:
        return


def _field(message: str, name: str) -> Any:
    """A field of a line that is JSON; None where it has none."""
    try:
        document = json.loads(message)
    except ValueError:
        return None
    return document.get(name) if isinstance(document, dict) else None


def _stream(stack: Stack, stage: str, group: str, stream: str) -> Iterator[LogLine]:
    """All lines of a log stream, oldest first."""
    client = stack.client("logs")
    more: dict[str, str] = {}
    while True:
        try:
            page = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **more)
        except client.exceptions.ResourceNotFoundException:
            return
        for event in page["events"]:
            yield _line(stage, group, stream, event)
        # A page may be empty in between; at the end the token is the one that was given.
        # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        if page.get("nextForwardToken") in (None, more.get("nextToken")):
            return
        more = {"nextToken": page["nextForwardToken"]}


def _line(stage: str, group: str, stream: str, event: JsonObject) -> LogLine:
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return LogLine(at, stage, group, stream, event["message"].rstrip("\n"))

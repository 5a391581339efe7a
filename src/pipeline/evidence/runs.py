"""Ask Glue for the runs of its jobs, and CloudWatch Logs for the lines that name a job."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from aws_facts import glue
from dataset_contract.json_types import JsonMapping
from pipeline.evidence.asking import answer
from pipeline.evidence.histories import StateRun
from pipeline.evidence.model import GlueRuns, Lines
from pipeline.jobs import Job
from pipeline.stacks import Stack

PYTHON_OUTPUT = f"{glue.PYTHON_SHELL_LOGS}/output"
SPARK_OUTPUT = f"{glue.SPARK_LOGS}/output"
_MOST_LINES = 200
# Clocks differ, and a Lambda's line may be older than the execution's start by its own.
_SLACK = timedelta(minutes=5)


def glue_runs(stack: Stack, output: str, job: Job, states: Sequence[StateRun], state: str) -> GlueRuns:
    """The runs that a state's tries have started, or, where no history tells, those with the job's argument."""
    name: str = stack.outputs[output]
    identifiers = [
        str(tried.submitted["JobRunId"])
        for each in states
        if each.name == state
        for tried in each.tries
        if "JobRunId" in tried.submitted
    ]
    if identifiers or states:
        return GlueRuns(name, answer(_named, stack, name, identifiers))
    return GlueRuns(name, answer(_searched, stack, name, job))


def _named(stack: Stack, name: str, identifiers: Sequence[str]) -> list[JsonMapping]:
    client, found = stack.client("glue"), []
    for identifier in identifiers:
        try:
            found.append(client.get_job_run(JobName=name, RunId=identifier)["JobRun"])
        except client.exceptions.EntityNotFoundException:
            continue
    return found


def _searched(stack: Stack, name: str, job: Job) -> list[JsonMapping]:
    """Runs are listed newest first, so older ones than the job need not be looked at."""
    found: list[JsonMapping] = []
    for page in stack.client("glue").get_paginator("get_job_runs").paginate(JobName=name):
        for run in page["JobRuns"]:
            if run["StartedOn"] < job.started_at - _SLACK:
                return found[::-1]
            if run.get("Arguments", {}).get("--job_id") == job.job_id:
                found.append(run)
    return found[::-1]


def lambda_log(stack: Stack, job: Job) -> Lines:
    """The lines of the Lambda that name the job, within the time of its attempts."""
    group = f"/aws/lambda/{stack.outputs['lambda_function_name']}"
    streams: list[str] = []

    def look() -> list[str] | None:
        window = {"startTime": _millis(job.started_at - _SLACK)}
        if job.ended_at:
            window["endTime"] = _millis(job.ended_at + _SLACK)
        pages = stack.client("logs").get_paginator("filter_log_events")
        lines = []
        for page in pages.paginate(logGroupName=group, filterPattern=f'"{job.job_id}"', **window):
            for event in page["events"]:
                if job.job_id in event["message"]:
                    lines.append(event["message"].strip())
                    streams.append(event.get("logStreamName", ""))
        return lines[:_MOST_LINES]

    found = answer(look)
    return Lines(group, found, streams[0] if streams else "", _retention(stack, group))


def python_log(stack: Stack, job: Job, runs: GlueRuns) -> Lines:
    """The lines of the Python job's runs that name the job; a run's stream is called after it."""
    identifiers = [str(run["Id"]) for run in runs.runs.value or ()]
    return _lines(stack, job, PYTHON_OUTPUT, identifiers)


def spark_log(stack: Stack, job: Job) -> Lines:
    """The lines of the Spark job that name the job; its streams begin with the job ID."""
    found = answer(_streams, stack, SPARK_OUTPUT, job.job_id)
    if found.problem:
        return Lines(SPARK_OUTPUT, answer(_fail, found.problem))
    return _lines(stack, job, SPARK_OUTPUT, found.value or [])


def _fail(problem: str) -> None:
    raise ValueError(problem)


def _streams(stack: Stack, group: str, prefix: str) -> list[str]:
    pages = stack.client("logs").get_paginator("describe_log_streams")
    listed = pages.paginate(logGroupName=group, logStreamNamePrefix=prefix)
    return [stream["logStreamName"] for page in listed for stream in page["logStreams"]]


def _lines(stack: Stack, job: Job, group: str, streams: Sequence[str]) -> Lines:
    with_lines: list[str] = []

    def look() -> list[str]:
        found: list[str] = []
        for stream in streams:
            got = [line for line in _read(stack, group, stream) if job.job_id in line]
            with_lines.extend([stream] * bool(got))
            found += got
        return found[:_MOST_LINES]

    found = answer(look)
    stream = next(iter(with_lines), streams[0] if streams else "")
    return Lines(group, found, stream, _retention(stack, group))


def _read(stack: Stack, group: str, stream: str) -> Iterator[str]:
    client = stack.client("logs")
    try:
        got = client.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    except client.exceptions.ResourceNotFoundException:
        return
    for event in got["events"]:
        yield from event["message"].splitlines()


def _retention(stack: Stack, group: str) -> int | None:
    def look() -> int | None:
        groups = stack.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        return next((each.get("retentionInDays") for each in groups if each["logGroupName"] == group), None)

    return answer(look).value


def field_of(line: str, name: str) -> str:
    """A field of a log line that is JSON, or ""."""
    try:
        document = json.loads(line)
    except ValueError:
        return ""
    return str(document.get(name, "")) if isinstance(document, dict) else ""


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)

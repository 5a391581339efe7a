"""What a job used of each service, as the services themselves tell it. What none of them tells any more is said."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from aws_facts import glue
from dataset_contract import places
from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline.stacks import Stack

if TYPE_CHECKING:
    from pipeline.jobs import Job

FORGOTTEN_AFTER = "Step Functions keeps a history for 90 days"
_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")
_LAMBDA, _GLUE, _STATES, _REDSHIFT = "lambda", "glue", "states", "aws-sdk:redshiftdata"
# https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
_REPORT = re.compile(r"REPORT RequestId: (\S+)\s.*?Billed Duration: (\d+) ms\s+Memory Size: (\d+) MB", re.DOTALL)
# CloudWatch Logs adds so many bytes to each event: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_EVENT_BYTES = 26
_A_MOMENT = timedelta(minutes=1)
_HANDED_ON = "the execution that EventBridge starts hands a failure on in 4 transitions, which are not counted"


@dataclass(frozen=True)
class UsedJobRun:
    """A run of a Glue job.

    Attributes:
        seconds: of work.
        dpu: its size.
        dpu_seconds: as Glue counted them, where it did.
    """

    name: str
    identifier: str
    state: str
    seconds: float
    dpu: float | None
    execution_class: str
    spark: bool
    dpu_seconds: float | None = None


@dataclass(frozen=True)
class Invocation:
    """An invocation of the Lambda function.

    Attributes:
        reported: by its REPORT line; else the time is that of the history.
    """

    seconds: float
    reported: bool


@dataclass
class Usage:
    """What was found.

    Attributes:
        gaps: what was not, as sentences.
    """

    transitions: Counter[str] = field(default_factory=Counter)  # by state machine
    executions: int = 0
    job_runs: list[UsedJobRun] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    statements: dict[str, float] = field(default_factory=dict)  # seconds by the statement's ID
    objects: int = 0
    stored_bytes: int = 0
    log_bytes: int = 0
    gaps: list[str] = field(default_factory=list)


def of_job(stack: Stack, job: Job) -> Usage:
    """Ask each service what it did for a job, in all of its attempts."""
    found = _Measurer(stack, job)
    found.run()
    return found.usage


@dataclass(frozen=True)
class _Call:
    """An invocation as a history has it.

    Attributes:
        request: the ID that its REPORT line has.
    """

    request: str | None
    began: datetime
    ended: datetime


class _Measurer:
    def __init__(self, stack: Stack, job: Job) -> None:
        self.usage = Usage()
        self._stack = stack
        self._job = job
        self._states = stack.client("stepfunctions")
        self._runs: dict[tuple[str, str], None] = {}
        self._calls: list[_Call] = []
        self._open = 0

    def run(self) -> None:
        if not self._job.attempts:
            self.usage.gaps.append(f"the executions of the job are forgotten ({FORGOTTEN_AFTER})")
        for arn in dict.fromkeys(attempt.execution_arn for attempt in self._job.attempts):
            self._execution(arn)
        failed = [attempt for attempt in self._job.attempts if attempt.status in _FAILED]
        for attempt in failed:
            self._recorder(attempt.execution_arn, attempt.redrive_count, attempt.status)
        if failed:
            self.usage.gaps.append(_HANDED_ON)
        if self._open:
            self.usage.gaps.append("the job is still at work: this is its use so far")
        for name, identifier in self._runs:
            self._job_run(name, identifier)
        self._invocations()
        self._stored()
        self._logs()

    def _recorder(self, arn: str, redrives: int, status: str) -> None:
        """The execution of record-failure, whose name is made of the failure."""
        machine = self._stack.outputs.get("record_failure_state_machine_arn")
        if not machine:
            return
        # As record-failure.asl.yaml has it.
        name = "failed-" + hashlib.sha256(f"{arn}#{redrives}#{status}".encode()).hexdigest()[:40]
        self._execution(f"{machine.replace(':stateMachine:', ':execution:')}:{name}")

    def _execution(self, arn: str) -> None:
        """Count an execution, and those that it started."""
        machine, name = arn.split(":")[-2:]
        try:
            pages = self._states.get_paginator("get_execution_history").paginate(executionArn=arn)
            events = [event for page in pages for event in page["events"]]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            self.usage.gaps.append(f"execution {name} of {machine} is not known any more ({FORGOTTEN_AFTER})")
            return
        self.usage.executions += 1
        self.usage.transitions[machine] += transitions(events)
        self._open += not any(event["type"] in _LAST for event in events[-1:])
        self._read(events)

    def _read(self, events: Sequence[JsonMapping]) -> None:
        began = {event["id"]: event for event in events}
        for event in events:
            kind, document = _answer(event)
            if kind == (_STATES, "TaskSubmitted") and document.get("ExecutionArn"):
                self._execution(str(document["ExecutionArn"]))
            elif kind == (_GLUE, "TaskSubmitted") and document.get("JobRunId"):
                self._runs[str(document["JobName"]), str(document["JobRunId"])] = None
            elif kind == (_REDSHIFT, "TaskSucceeded") and "Duration" in document:
                # Each look at a statement; the last one has its whole duration, in nanoseconds.
                self.usage.statements[str(document["Id"])] = max(0, int(document["Duration"])) / 1e9
            elif kind[0] == _LAMBDA and kind[1] in ("TaskSucceeded", "TaskFailed", "TaskTimedOut"):
                request = document.get("SdkResponseMetadata", {}).get("RequestId")
                before = began.get(event["previousEventId"], event)
                self._calls.append(_Call(request, before["timestamp"], event["timestamp"]))

    def _job_run(self, name: str, identifier: str) -> None:
        try:
            run = self._stack.client("glue").get_job_run(JobName=name, RunId=identifier)["JobRun"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityNotFoundException":
                raise
            self.usage.gaps.append(f"job run {identifier} of {name} is not known to Glue any more")
            return
        self.usage.job_runs.append(_run_of(name, identifier, run))

    def _invocations(self) -> None:
        """Add the invocations, from the lines that Lambda writes about each, or else from the times of the history."""
        reported = self._reported() if self._calls else {}
        for call in self._calls:
            billed = reported.get(call.request or "")
            seconds = (call.ended - call.began).total_seconds() if billed is None else billed
            self.usage.invocations.append(Invocation(seconds, billed is not None))

    def _reported(self) -> dict[str, float]:
        group = f"/aws/lambda/{self._stack.outputs['lambda_function_name']}"
        lines = self._lines(
            group,
            filterPattern="REPORT",
            startTime=_millis(min(call.began for call in self._calls) - _A_MOMENT),
            endTime=_millis(max(call.ended for call in self._calls) + _A_MOMENT),
        )
        found = (_REPORT.search(line) for line in lines)
        return {match[1]: int(match[2]) / 1000 for match in found if match}

    def _stored(self) -> None:
        s3, bucket = self._stack.client("s3"), self._stack.outputs["lake_bucket"]
        pages = s3.get_paginator("list_objects_v2")
        for prefix in self._prefixes(s3, bucket):
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    self.usage.objects += 1
                    self.usage.stored_bytes += item["Size"]

    def _prefixes(self, s3: Any, bucket: str) -> Iterator[str]:
        """Where the lake has the job's files. Tables have folders of their own."""
        job_id, dataset = self._job.job_id, self._job.dataset
        yield places.runs_of(job_id)
        if dataset is None:
            return
        for area in (places.staged_of, places.staged_references_of, places.rejected_of):
            yield places.of_job(area(dataset), job_id)
        tables = s3.list_objects_v2(Bucket=bucket, Prefix=places.curated_of(dataset), Delimiter="/")
        for table in tables.get("CommonPrefixes", []):
            yield places.of_job(table["Prefix"], job_id)

    def _logs(self) -> None:
        """The lines of the job runs, which are nearly all that a job writes."""
        for run in self.usage.job_runs:
            group = glue.SPARK_LOGS if run.spark else glue.PYTHON_SHELL_LOGS
            # A stream of Spark begins with the job ID, or else with the run's own.
            prefixes = [self._job.job_id, run.identifier] if run.spark else [run.identifier]
            for stream in ("output", "error"):
                for prefix in prefixes:
                    lines = self._lines(f"{group}/{stream}", logStreamNamePrefix=prefix)
                    self.usage.log_bytes += sum(len(line.encode()) + _EVENT_BYTES for line in lines)

    def _lines(self, group: str, **asked: object) -> Iterator[str]:
        """The lines of a log group; none where there is no such group or stream."""
        pages = self._stack.client("logs").get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=group, **asked):
                yield from (event["message"] for event in page["events"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


_LAST = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


def transitions(events: Sequence[Mapping[str, object]]) -> int:
    """The state transitions of an execution, as they are charged: each state that is entered, and each retry of a task.

    A redrive tries a task anew, too. https://aws.amazon.com/step-functions/pricing/
    """
    types = {event["id"]: event["type"] for event in events}
    entered: int = sum("stateEnteredEventDetails" in event for event in events)
    scheduled = (event for event in events if event["type"] == "TaskScheduled")
    again: int = sum(types.get(event.get("previousEventId", 0)) != "TaskStateEntered" for event in scheduled)
    return entered + again


def _answer(event: Mapping[str, object]) -> tuple[tuple[str, str], JsonObject]:
    """Which service an event of a task is about and its type, and the answer that it has."""
    for name, details in event.items():
        if name.startswith("task") and isinstance(details, Mapping):
            try:
                document = json.loads(details.get("output") or "{}")
            except ValueError:
                document = {}  # AWS cuts a very long one
            kind = (str(details.get("resourceType", "")), str(event["type"]))
            return kind, document if isinstance(document, dict) else {}
    return ("", str(event["type"])), {}


def _run_of(name: str, identifier: str, run: JsonMapping) -> UsedJobRun:
    spark = run.get("WorkerType") is not None or run.get("LogGroupName") == glue.SPARK_LOGS
    dpu = run.get("MaxCapacity")
    if dpu is None and run.get("WorkerType"):
        from pipeline.prices import prices

        size = prices().dpu(run["WorkerType"])
        dpu = None if size is None else size * run.get("NumberOfWorkers", 0)
    elif dpu is None and not spark:
        dpu = min(glue.PYTHON_SHELL_CAPACITIES)  # Glue's default
    return UsedJobRun(
        name,
        identifier,
        str(run["JobRunState"]),
        float(run.get("ExecutionTime") or 0),
        None if dpu is None else float(dpu),
        str(run.get("ExecutionClass") or "STANDARD"),
        spark,
        float(run["DPUSeconds"]) if run.get("DPUSeconds") else None,
    )


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)

"""Glue job runs that run: every run is a process of its own, and its state is what became of that process.

API shapes: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from aws_facts import glue
from local_aws.endings import Endings
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.faults.fault_rules import Faults, Occasion, When
from local_aws.services.glue.libraries import InstallError
from local_aws.services.glue.process import JobProcess, ProcessFactory
from local_aws.services.request_model import check_request, validation_error

Job = JsonMapping

OPERATIONS: Final = ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
_LONGEST_ERROR = 4_000
_DEFAULT_TIMEOUT_MINUTES = 2_880


@dataclass
class JobRun:
    """One job run. `changed` guards every field; it is notified whenever the state changes."""

    id: str
    job: Job
    arguments: dict[str, str]
    timeout_minutes: int
    started_at: datetime
    state: str = "STARTING"
    error: str = ""
    execution_seconds: int = 0
    completed_at: datetime | None = None
    process: JobProcess | None = None
    stop_asked: bool = False
    killed_after: float | None = None  # seconds; a fault
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return glue.JOB_RUN_STATES[self.state]

    def document(self) -> JsonObject:
        """As GetJobRun gives it; times in seconds since 1970-01-01 UTC, ExecutionTime in seconds."""
        command = self.job.get("Command") or {}
        spark = command.get("Name") != "pythonshell"
        optional: JsonObject = {
            "CompletedOn": self.completed_at.timestamp() if self.completed_at else None,
            "ErrorMessage": self.error or None,
            "MaxCapacity": self.job.get("MaxCapacity"),
            "WorkerType": self.job.get("WorkerType") if spark else None,
            "NumberOfWorkers": self.job.get("NumberOfWorkers") if spark else None,
            "GlueVersion": self.job.get("GlueVersion"),
            "ExecutionClass": self.job.get("ExecutionClass") if spark else None,
            "SecurityConfiguration": self.job.get("SecurityConfiguration"),
        }
        return {
            "Id": self.id,
            "Attempt": 0,
            "JobName": self.job["Name"],
            "JobMode": "SCRIPT",
            "StartedOn": self.started_at.timestamp(),
            "LastModifiedOn": (self.completed_at or self.started_at).timestamp(),
            "JobRunState": self.state,
            "Arguments": self.arguments,
            "PredecessorRuns": [],
            "ExecutionTime": self.execution_seconds,
            "Timeout": self.timeout_minutes,
            "LogGroupName": glue.SPARK_LOGS if spark else glue.PYTHON_SHELL_LOGS,
            **{name: value for name, value in optional.items() if value not in (None, "")},
        }


class GlueJobRuns:
    """The operations of Glue on job runs.

    Args:
        find_job: a job's definition by name, as GetJob gives it, or None.
        processes: makes the process of a run.
        at_once: how many processes may run at the same time on this machine; further runs stay STARTING.
        faults: are asked at each run; None for none.
        endings: is told of each run that is over; None for nobody who waits.
    """

    def __init__(
        self,
        *,
        find_job: Callable[[str], Job | None],
        processes: ProcessFactory,
        at_once: int | None = None,
        faults: Faults | None = None,
        endings: Endings | None = None,
    ) -> None:
        self._endings = endings or Endings()
        self._faults = faults or Faults()
        self._find_job = find_job
        self._processes = processes
        self._places = threading.Semaphore(at_once or max(1, os.cpu_count() or 1))
        self._lock = threading.Lock()
        self._runs: dict[str, list[JobRun]] = {}
        self._threads: list[threading.Thread] = []
        self._closed = False

    def handle(self, operation: str, request: Mapping[str, object]) -> JsonObject:
        """Answer one operation with the API's document.

        Raises:
            AwsError: as Glue answers, or UnknownOperationException for an operation that is not one of OPERATIONS.
        """
        operations: dict[str, Callable[[JsonMapping], JsonObject]] = {
            "StartJobRun": self._start,
            "GetJobRun": self._get,
            "GetJobRuns": self._list,
            "BatchStopJobRun": self._stop,
        }
        if operation not in operations:
            raise AwsError("UnknownOperationException", f"Glue operation {operation} is not implemented here")
        check_request("glue", operation, request)
        return operations[operation](request)

    def wait(self, job_name: str, run_id: str, *, give_up: Callable[[], bool] = lambda: False) -> JsonObject:
        """Return the run once it is over; stop it first when `give_up` says so (asked once per second)."""
        run = self._find(job_name, run_id)
        while True:
            with run.changed:
                if run.over or run.changed.wait_for(lambda: run.over, timeout=1.0):
                    return run.document()
            if give_up():
                self._stop_run(run)

    def close(self) -> None:
        """End every process group that still runs, and wait for the threads that watch them."""
        with self._lock:
            self._closed = True
            runs = [run for runs in self._runs.values() for run in runs]
            threads = list(self._threads)
        for run in runs:
            self._stop_run(run)
        for thread in threads:
            thread.join(timeout=30)

    def _start(self, request: JsonMapping) -> JsonObject:
        name = str(request.get("JobName") or "")
        job = self._find_job(name)
        if job is None:
            raise AwsError("EntityNotFoundException", f"Failed to start job run due to missing metadata: job {name!r}")
        job = _with_capacity(job, request.get("MaxCapacity"))
        run = JobRun(
            id=f"jr_{secrets.token_hex(32)}",
            job=job,
            arguments=effective_arguments(job, request.get("Arguments") or {}),
            timeout_minutes=int(request.get("Timeout") or job.get("Timeout") or _DEFAULT_TIMEOUT_MINUTES),
            started_at=datetime.now(UTC),
        )
        most = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1)
        thread = threading.Thread(target=self._run, args=(run,), name=f"glue-{name}-{run.id[:10]}", daemon=True)
        with self._lock:
            if self._closed:
                raise AwsError("OperationTimeoutException", "the endpoint is shutting down")
            runs = self._runs.setdefault(name, [])
            if sum(not other.over for other in runs) >= most:
                raise AwsError(
                    "ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}: {most} allowed"
                )
            runs.append(run)
            self._threads = [other for other in self._threads if other.is_alive()] + [thread]
            thread.start()
        return {"JobRunId": run.id}

    def _get(self, request: Mapping[str, object]) -> JsonObject:
        run = self._find(str(request.get("JobName") or ""), str(request.get("RunId") or ""))
        with run.changed:
            return {"JobRun": run.document()}

    def _list(self, request: JsonMapping) -> JsonObject:
        name = str(request.get("JobName") or "")
        if self._find_job(name) is None:
            raise AwsError("EntityNotFoundException", f"Job {name!r} not found")
        with self._lock:
            newest_first = list(reversed(self._runs.get(name, [])))
        token = str(request.get("NextToken") or 0)
        if not token.isdecimal():
            raise validation_error(f"NextToken {token!r}; accepted: that of a former page")
        first = int(token)
        last = first + int(request.get("MaxResults") or 200)
        page = {"JobRuns": [run.document() for run in newest_first[first:last]]}
        return page | ({"NextToken": str(last)} if last < len(newest_first) else {})

    def _stop(self, request: JsonMapping) -> JsonObject:
        name = str(request.get("JobName") or "")
        stopped: list[dict[str, str]] = []
        errors: list[JsonObject] = []
        for run_id in request.get("JobRunIds") or []:
            try:
                run = self._find(name, run_id)
                if not self._stop_run(run):
                    raise AwsError("InvalidInputException", f"Job run {run_id} is already {run.state}")
                stopped.append({"JobName": name, "JobRunId": run_id})
            except AwsError as error:
                detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
                errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    def _stop_run(self, run: JobRun) -> bool:
        with run.changed:
            if run.over:
                return False
            run.stop_asked = True
            run.state = "STOPPING"
            run.changed.notify_all()
            process = run.process
        if process is not None:
            process.kill()
        return True

    def _find(self, job_name: str, run_id: str) -> JobRun:
        with self._lock:
            for run in self._runs.get(job_name, []):
                if run.id == run_id:
                    return run
        raise AwsError("EntityNotFoundException", f"Job run {run_id!r} of job {job_name!r} not found")

    def _run(self, run: JobRun) -> None:
        state, error = "FAILED", "the run ended before its process was started"
        began = time.monotonic()
        try:
            self._places.acquire()
            try:
                began = time.monotonic()
                state, error = self._meet(run, "before") or self._run_process(run)
                state, error = self._meet(run, "after") or (state, error)
            finally:
                self._places.release()
        except AwsError as failure:
            state, error = "FAILED", failure.message
        except InstallError:
            state, error = "FAILED", glue.exit_message(1)
        except Exception as failure:  # whatever happens here, the run must not look as if it went on, or well
            state, error = "ERROR", f"the local endpoint could not run the job: {failure!r}"
        with run.changed:
            run.state, run.error = state, error[:_LONGEST_ERROR]
            run.completed_at = datetime.now(UTC)
            run.execution_seconds = round(time.monotonic() - began)
            run.changed.notify_all()
        self._endings.tell(run.id)

    def _meet(self, run: JobRun, when: When) -> tuple[str, str] | None:
        """What a fault does before a run's script starts, or after it has ended; its end, where the fault ends it."""
        if not self._faults.job_run:
            return None
        occasion = Occasion(members={"arguments": run.arguments}, names={"job": run.job["Name"], "run": run.id})
        rule = self._faults.take(self._faults.job_run, when, occasion)
        if rule is None:
            return None
        if rule.kill == "run":
            run.killed_after = rule.delay
            return None
        with run.changed:
            if run.changed.wait_for(lambda: run.stop_asked, timeout=rule.delay):
                return "STOPPED", ""
        self._faults.kill(rule)
        return (rule.state, rule.error.message if rule.error else "") if rule.state else None

    def _run_process(self, run: JobRun) -> tuple[str, str]:
        process = self._processes.create(run.job, run.id, run.arguments)
        state = "ERROR"
        try:
            state, error = self._watch(run, process)
            return state, error
        finally:
            # Whatever ended the run, nothing of it goes on.
            process.close(state)

    def _watch(self, run: JobRun, process: JobProcess) -> tuple[str, str]:
        with run.changed:
            run.process = process
            if not run.stop_asked:
                process.start()
                run.state = "RUNNING"
                run.changed.notify_all()
        with _killed(process, run.killed_after):
            code = process.wait(timeout_seconds=run.timeout_minutes * 60)
        with run.changed:
            if run.stop_asked:
                return "STOPPED", ""
        if code is None:
            return "TIMEOUT", f"Job run exceeded its timeout of {run.timeout_minutes} minutes"
        if code == 0:
            process.publish()
            return "SUCCEEDED", ""
        if code > 0:
            # On AWS a script writes into S3 itself, so what it wrote before it failed stays. What a killed process
            # left on disk may be half a file, which S3 would not have.
            with contextlib.suppress(Exception):
                process.publish()
        return "FAILED", process.error_message(code)


@contextlib.contextmanager
def _killed(process: JobProcess, after_seconds: float | None) -> Iterator[None]:
    """Kill a process when so much time has passed, as a machine does whose memory has run out; None: never."""
    if after_seconds is None:
        yield
        return
    timer = threading.Timer(after_seconds, process.crash)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def effective_arguments(job: Job, run_arguments: Mapping[str, object]) -> dict[str, str]:
    """Default arguments, overridden by the run's, overridden by those that the job does not let override.

    Raises:
        AwsError: a name without a leading dash, a value that is not a text, or more in all than Glue takes.
    """
    merged = {**(job.get("DefaultArguments") or {}), **run_arguments, **(job.get("NonOverridableArguments") or {})}
    for name, value in merged.items():
        if not name.startswith("-") or not isinstance(value, str):
            raise AwsError("InvalidInputException", f"argument {name!r}: {value!r}; accepted: a --name and a text")
    if (size := sum(len(f"{name}{value}".encode()) for name, value in merged.items())) > glue.MOST_ARGUMENT_BYTES:
        accepted = f"accepted: {glue.MOST_ARGUMENT_BYTES:,} bytes in all"
        raise AwsError("InvalidInputException", f"the arguments take {size:,} bytes; {accepted}")
    return merged


def _with_capacity(job: Job, capacity: object) -> Job:
    """The job as a run has it that asks for a capacity of its own, in DPU."""
    if capacity is None or (job.get("Command") or {}).get("Name") != "pythonshell":
        return job
    if capacity not in glue.PYTHON_SHELL_CAPACITIES:
        accepted = " or ".join(f"{each:g}" for each in glue.PYTHON_SHELL_CAPACITIES)
        raise AwsError("InvalidInputException", f"MaxCapacity {capacity} of a Python shell job; accepted: {accepted}")
    return {**job, "MaxCapacity": capacity}

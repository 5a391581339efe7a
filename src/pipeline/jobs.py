"""Jobs: find one by what a person has of it, and list them.

Two services know jobs. Step Functions has the executions of the last 90 days; the audit tables have each job that was
registered or has failed. An execution that has only begun is not in the tables yet; one of months ago is only there.
The job ID is a pure function of the execution's ARN and start, so one can be matched with the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dataset_contract.json_types import JsonObject
from dataset_contract.model import JOB_ID_LENGTH
from lambda_generate_param import job_id
from pipeline import executions, hints, job_records
from pipeline.errors import UnknownJobError
from pipeline.executions import FINAL_STATUSES, OPEN_STATUSES, Execution
from pipeline.job_records import Record, Tried, WarehouseError

if TYPE_CHECKING:
    from pipeline.stacks import Stack

LAST = "last"
# The status of an attempt that was recorded as running, and that Step Functions does not know any more.
UNKNOWN = "UNKNOWN"
STATUSES = ("RUNNING", *FINAL_STATUSES, UNKNOWN)
_PREFIX = re.compile(r"\d{1,8}|\d{8}T\d{0,9}|\d{8}T\d{9}Z|\d{8}T\d{9}Z-[0-9a-f-]{0,36}", re.ASCII)
# Behind a job ID, in names that pipeline.asl.yaml and record-failure.asl.yaml make: `-load-9f3c1e-0-0` of an execution,
# ` load`, ` find` or ` 9f3c1e-0 load` of a statement.
_OF_A_STEP = re.compile(r"-[a-z]+-[0-9a-f]{6}-\d+-\d+|( [0-9a-f]{6}-\d+)? [a-z]+", re.ASCII)
_STAMP = len("YYYYMMDDTHHMMSSmmm")  # the time in a job ID
_CANDIDATES = 5  # that an error names
_FIRST_PAGE, _MOST_ON_A_PAGE = 100, 5000
Tell = Callable[[str], None]


def _ignore(_problem: str) -> None:
    pass


@dataclass(frozen=True)
class Attempt:
    """An attempt at a job, as its execution tells it.

    An execution that worked on a job, or a redrive of it. Times are UTC.

    Attributes:
        status: of the execution, with PENDING_REDRIVE told as RUNNING, or UNKNOWN. error, cause and failed_state
            are None where it has not failed or nobody knows.
        forgotten: Step Functions does not know the execution, so all of this is from the audit tables.
    """

    execution_arn: str
    redrive_count: int
    status: str
    started_at: datetime
    ended_at: datetime | None = None
    error: str | None = None
    cause: str | None = None
    failed_state: str | None = None
    forgotten: bool = False

    @property
    def execution_name(self) -> str:
        """The name of the execution."""
        return self.execution_arn.rpartition(":")[2]


@dataclass(frozen=True)
class Job:
    """A job, and the attempts at it, oldest first; there is at least one.

    dataset, source_uri, parameters and repeat are None where they are not known, replays where it replays no job.

    Attributes:
        counts: of audit.job_run, those that are known: rows_in, rows_staged, rows_rejected, rows_curated,
            rows_loaded.
        recorded: what audit.job_run says: RUNNING, SUCCEEDED (its rows are loaded) or FAILED; None where it has no
            row.
        warehouse_problem: why the audit tables could not be asked.
    """

    job_id: str
    attempts: tuple[Attempt, ...]
    dataset: str | None = None
    source_uri: str | None = None
    parameters: Any = None
    repeat: bool | None = None
    replays: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    recorded: str | None = None
    warehouse_problem: str | None = None

    @property
    def attempt(self) -> Attempt:
        """The attempt that says what the job is: one that succeeded, or else one that runs, or else the newest.

        An execution that asks to continue a job which another one has, or has finished, is refused: that fails an
        attempt, and not the job.
        """
        for wanted in ("SUCCEEDED", "RUNNING"):
            for attempt in reversed(self.attempts):
                if attempt.status == wanted:
                    return attempt
        return self.attempts[-1]

    @property
    def status(self) -> str:
        """The status of the attempt that decides."""
        return self.attempt.status

    @property
    def is_running(self) -> bool:
        """Whether an attempt is running."""
        return self.status in OPEN_STATUSES

    @property
    def started_at(self) -> datetime:
        """When its first execution began: the time that the job ID carries."""
        return job_id.started_at(self.job_id)

    @property
    def ended_at(self) -> datetime | None:
        """When the job ended; None while it runs, or if nobody knows."""
        return self.attempt.ended_at

    @property
    def execution_arn(self) -> str:
        """The execution of the attempt that decides."""
        return self.attempt.execution_arn


def find(stack: Stack, text: str) -> Job:
    """The job that a text names: a job ID, a prefix of one, an execution's ARN or name, or `last`.

    The name of a nested execution or of a statement, which begins with a job ID, names that job.

    Raises:
        UnknownJobError: no job is named, or more than one; then the message has the candidates.
        WarehouseError: only the audit tables could know, and they cannot be read.
    """
    if text == LAST:
        return _last(stack)
    if text.startswith("arn:"):
        return _of_arn(stack, text)
    if identifier := _named_by(text):
        return _of_job_id(stack, identifier)
    if _PREFIX.fullmatch(text) and (identifier := _of_prefix(stack, text)):
        return _of_job_id(stack, identifier)
    return _of_arn(stack, arn_of_execution(stack, text))


def listed(
    stack: Stack,
    *,
    dataset: str | None = None,
    status: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
    on_problem: Tell = _ignore,
) -> Iterator[Job]:
    """Jobs, newest first; the services are asked for more as more jobs are taken.

    Args:
        dataset, status: only those (status: one of STATUSES).
        since: only those that began then or later.
        limit: at most so many.
        on_problem: is told why the audit tables could not be read; Step Functions alone is asked then.
    """
    left = limit
    for job in _merged(stack, since, limit, on_problem):
        if left == 0:
            return
        if dataset not in (None, job.dataset) or status not in (None, job.status):
            continue
        yield job
        if left is not None:
            left -= 1


def replayed_by(stack: Stack, identifier: str) -> dict[str, tuple[str, set[str]]]:
    """The jobs that have loaded rejected rows of a job, or are at it: their status and executions, oldest first.

    Raises:
        WarehouseError: the audit tables, which know them, cannot be read.
    """
    client, known = stack.client("stepfunctions"), job_records.replays_of(stack, identifier)
    found = {each.job_id: (each.status, {tried.execution_arn for tried in each.attempts}) for each in known}
    for running in executions.running(client, stack.outputs["state_machine_arn"]):  # it may not be registered yet
        described = executions.describe(client, running.arn)
        if described and (_asked(described.input).get("replays") == identifier or job_of(described) in found):
            found[job_of(described)] = "RUNNING", {running.arn}
    return {own: found[own] for own in sorted(found) if found[own][0] != "FAILED"}


def arn_of_execution(stack: Stack, name: str) -> str:
    """The ARN that an execution of the pipeline with this name has."""
    machine: str = stack.outputs["state_machine_arn"]
    return f"{machine.replace(':stateMachine:', ':execution:', 1)}:{name}"


def job_of(execution: Execution) -> str:
    """The ID of the job that an execution is an attempt at, by its input, which has to be known."""
    return job_id.of_attempt(execution.arn, execution.start_millis, execution.input)


def _last(stack: Stack) -> Job:
    for job in listed(stack, limit=1):
        return _of_job_id(stack, job.job_id)
    raise UnknownJobError(f"no job has been started yet; `{hints.command('start')}` starts one")


def _named_by(text: str) -> str | None:
    """The job ID that a text is, or begins with as the name of a nested execution or a statement does; else None.

    A job ID with anything else behind it is no name of that job: it may be two of them, or half of another.
    """
    identifier, rest = text[:JOB_ID_LENGTH], text[JOB_ID_LENGTH:]
    return identifier if job_id.is_job_id(identifier) and (not rest or _OF_A_STEP.fullmatch(rest)) else None


def _of_arn(stack: Stack, arn: str) -> Job:
    machine, _, name = arn.rpartition(":")
    if f"{machine}:" != arn_of_execution(stack, ""):
        if identifier := _named_by(name):
            return _of_job_id(stack, identifier)
        raise UnknownJobError(f"{arn!r} is not an execution of {stack.outputs['state_machine_arn']}")
    if execution := executions.describe(stack.client("stepfunctions"), arn):
        return _assembled(stack, job_of(execution), execution)
    if record := job_records.of_execution(stack, arn):
        return _from(record.job_id, record, {})
    raise UnknownJobError(
        f"{name!r} is not a job ID, not a prefix of one, and not an execution; {_newest_named(stack)}"
    )


def _of_job_id(stack: Stack, identifier: str) -> Job:
    return _assembled(stack, identifier, None)


def _assembled(stack: Stack, identifier: str, known: Execution | None) -> Job:
    """A job with all its attempts.

    Args:
        known: one that is at hand already.
    """
    client, problem = stack.client("stepfunctions"), None
    record: Record | None = None
    try:
        record = job_records.of_job(stack, identifier)
    except WarehouseError as error:
        problem = str(error)
    found = {known.arn: known} if known else {}
    for arn in {tried.execution_arn for tried in record.attempts} - set(found) if record else ():
        if described := executions.describe(client, arn):
            found[arn] = described
    if not record and not any(job_id.make(each.arn, each.start_millis) == identifier for each in found.values()):
        found |= _first_execution(stack, identifier)
    if not record and not found:
        if problem:
            raise WarehouseError(f"Step Functions does not know job {identifier}, and {problem}")
        raise UnknownJobError(f"job {identifier} is unknown; {_newest_named(stack)}")
    if not any(each.status in ("SUCCEEDED", *OPEN_STATUSES) for each in found.values()):
        found |= _continuing_now(stack, identifier, found)
    return _from(identifier, record, found, problem)


def _first_execution(stack: Stack, identifier: str) -> dict[str, Execution]:
    """The execution that has given a job its ID, where Step Functions still has it."""
    client = stack.client("stepfunctions")
    for each in executions.listed(client, stack.outputs["state_machine_arn"]):
        own = job_id.make(each.arn, each.start_millis)
        if own == identifier:
            described = executions.describe(client, each.arn)
            return {each.arn: described} if described else {}
        if own[:_STAMP] < identifier[:_STAMP]:  # what follows has begun earlier still
            break
    return {}


def _continuing_now(stack: Stack, identifier: str, known: Mapping[str, Execution]) -> dict[str, Execution]:
    """Executions that have begun to continue a job, and have not registered that they do."""
    client, found = stack.client("stepfunctions"), {}
    for each in executions.running(client, stack.outputs["state_machine_arn"]):
        if each.arn not in known:
            described = executions.describe(client, each.arn)
            if described and job_of(described) == identifier:
                found[each.arn] = described
    return found


def _of_prefix(stack: Stack, prefix: str) -> str | None:
    """The job ID that begins so; None where there is none."""
    most = _CANDIDATES + 1
    try:
        found = {record.job_id for record in job_records.beginning_with(stack, prefix, most)}
    except WarehouseError:
        found = set()
    client = stack.client("stepfunctions")
    for each in executions.listed(client, stack.outputs["state_machine_arn"]):
        own = job_id.make(each.arn, each.start_millis)
        if len(found) >= most or own[: len(prefix)] < prefix:
            break
        # One that continues a job has given its own ID to none.
        if own.startswith(prefix) and own not in found:
            described = executions.describe(client, each.arn)
            if described and job_of(described) == own:
                found.add(own)
    if len(found) > 1:
        named = ", ".join(sorted(found, reverse=True)[:_CANDIDATES])
        raise UnknownJobError(f"{prefix!r} begins the IDs of several jobs: {named}{', …' * (len(found) == most)}")
    return found.pop() if found else None


def _newest_named(stack: Stack) -> str:
    newest = [job.job_id for job in listed(stack, limit=1)]
    if not newest:
        return "no job has been started yet"
    return f"the newest job is {newest[0]}, and `{hints.command('list')}` has more"


def _merged(stack: Stack, since: datetime | None, limit: int | None, on_problem: Tell) -> Iterator[Job]:
    """Jobs by either service, newest first."""
    stamp = job_id.earliest(since) if since else None
    size = min(limit or _FIRST_PAGE, 1000)
    executed = _Executed(stack, size, stamp)
    try:
        for page in job_records.newest_first(stack, first=size, most=_MOST_ON_A_PAGE, since=stamp):
            last = page[-1].job_id if len(page) == size else ""
            size = min(size * 4, _MOST_ON_A_PAGE)
            yield from executed.with_records(page, down_to=last)
    except WarehouseError as error:
        on_problem(str(error))
        yield from executed.with_records([], down_to="")


class _Executed:
    """The executions of the pipeline, taken from their list only as far as they are needed."""

    def __init__(self, stack: Stack, first: int, since: str | None) -> None:
        self._client = stack.client("stepfunctions")
        machine = stack.outputs["state_machine_arn"]
        self._left = executions.listed(self._client, machine, first=first)
        self._since = since or ""
        self._next: Execution | None = None
        self._seen: dict[str, Execution] = {}
        self._own: dict[str, Execution] = {}  # by the job ID that is theirs: what no page was about yet
        self._continue: dict[str, dict[str, Execution]] = {}  # by job: executions that no record has yet

    def with_records(self, records: list[Record], *, down_to: str) -> Iterator[Job]:
        """The jobs of records, and those without one that are no older than a job ID, newest first."""
        by_id = {record.job_id: record for record in records}
        recorded = {tried.execution_arn for record in records for tried in record.attempts}
        self._take(max(down_to, self._since))
        for identifier in sorted({*by_id, *(own for own in self._own if own >= down_to)}, reverse=True):
            execution = self._own.pop(identifier, None)
            if identifier in by_id:
                yield self._job(identifier, by_id[identifier])
            elif execution and execution.arn not in recorded and (alone := self._alone(execution, identifier)):
                yield alone

    def _take(self, bound: str) -> None:
        """Take those that began no earlier than a job. Those of one millisecond are in no order, so all are taken."""
        while execution := self._next or next(self._left, None):
            own = job_id.make(execution.arn, execution.start_millis)
            self._next = execution if own[:_STAMP] < bound[:_STAMP] else None
            if self._next:
                return
            self._seen[execution.arn] = self._own[own] = execution

    def _alone(self, execution: Execution, own: str) -> Job | None:
        """The job of an execution that no record of this page has; None where it continues an earlier one."""
        described = executions.describe(self._client, execution.arn) or execution
        identifier = job_of(described)
        if identifier == own:
            return _from(own, None, {execution.arn: described})
        self._continue.setdefault(identifier, {})[execution.arn] = described
        return None

    def _job(self, identifier: str, record: Record) -> Job:
        arns = {tried.execution_arn for tried in record.attempts} & set(self._seen)
        return _from(identifier, record, {arn: self._seen[arn] for arn in arns} | self._continue.get(identifier, {}))


def _from(identifier: str, record: Record | None, found: Mapping[str, Execution], problem: str | None = None) -> Job:
    """A job of what both services know.

    Args:
        found: its executions, by ARN.
    """
    tried = record.attempts if record else ()
    recorded = {(each.execution_arn, each.redrive_count) for each in tried}
    attempts = [_recorded_attempt(each, found.get(each.execution_arn)) for each in tried]
    attempts += [_attempt(each) for each in found.values() if (each.arn, each.redrive_count) not in recorded]
    # One that began at the same moment as another has been recorded in their order.
    attempts.sort(key=lambda attempt: attempt.started_at)
    if record:
        known = {"dataset": record.dataset, "source_uri": record.source_uri, "parameters": record.parameters}
        known |= {"repeat": record.repeat, "replays": record.replays}
        return Job(
            identifier,
            tuple(attempts),
            **known,
            counts=record.counts,
            recorded=record.status,
            warehouse_problem=problem,
        )
    own = (each.input for each in found.values() if not job_id.is_continued(each.input))
    return Job(identifier, tuple(attempts), **_asked(next(own, None)), warehouse_problem=problem)


def _asked(document: object) -> JsonObject:
    """What an execution input asks for, where it is of the right form."""
    kinds = {"dataset": str, "source_uri": str, "parameters": dict, "repeat": bool, "replays": str}
    given = document if isinstance(document, dict) else {}
    return {name: given[name] for name, kind in kinds.items() if isinstance(given.get(name), kind)}


def _attempt(execution: Execution) -> Attempt:
    """The newest attempt of an execution, by Step Functions alone."""
    return Attempt(
        execution.arn,
        execution.redrive_count,
        _shown(execution.status),
        execution.redriven_at or execution.started_at,
        execution.stopped_at if execution.status in FINAL_STATUSES else None,
        execution.error,
        execution.cause,
    )


def _recorded_attempt(tried: Tried, execution: Execution | None) -> Attempt:
    """An attempt that the audit tables have. How the newest one of an execution ended, Step Functions knows better."""
    status, ended = tried.status, tried.finished_at
    if execution and execution.redrive_count == tried.redrive_count:
        newest = _attempt(execution)
        status, ended = newest.status, newest.ended_at
    elif status == "RUNNING":
        status = UNKNOWN
    failed = status not in ("RUNNING", "SUCCEEDED")
    return Attempt(
        tried.execution_arn,
        tried.redrive_count,
        status,
        tried.started_at,
        ended,
        # The recorder has looked for the reason; the execution's own cause may say no more than an exit code.
        (tried.error or (execution and execution.error) or None) if failed else None,
        (tried.cause or (execution and execution.cause) or None) if failed else None,
        tried.failed_state,
        forgotten=execution is None,
    )


def _shown(status: str) -> str:
    return "RUNNING" if status in OPEN_STATUSES else status

"""What has to hold after every case: nothing lost, nothing twice, nothing silent, nothing left."""

from __future__ import annotations

import json
import re
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from dataset_contract.json_types import JsonObject
from dataset_contract.places import bucket_and_key, details_of
from pipeline.executions import mark_of
from pipeline.redshift import FINAL_STATUSES
from pipeline_tools.chaos.cases import End
from pipeline_tools.chaos.play import Attempt, Play
from pipeline_tools.chaos.rig import ROWS, Rig

_SECONDS_TO_SETTLE = 120.0


@dataclass(frozen=True)
class Violation:
    """Something that did not hold."""

    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, found {self.found}"


class Ledger:
    """What the warehouse has to hold of the jobs of finished cases."""

    def __init__(self) -> None:
        self._loaded: dict[str, bool] = {}

    def add(self, job: str, *, loaded: bool) -> None:
        """Note a job, and whether its rows are loaded."""
        self._loaded[job] = loaded

    def check(self, rig: Rig) -> Iterator[Violation]:
        """The rows of all jobs that are in it."""
        known = dict(self._loaded)
        found = loaded_rows(rig)
        for job, loaded in known.items():
            yield from _rows_of(job, loaded, found)


def loaded_rows(rig: Rig) -> dict[tuple[str, str], int]:
    """The number of loaded rows by job and table."""
    found: dict[tuple[str, str], int] = {}
    for table in ROWS:
        for row in rig.query(f"SELECT job_id, COUNT(*) AS n FROM analytics.{table} GROUP BY job_id"):
            found[row["job_id"], table] = row["n"]
    return found


def _rows_of(job: str, loaded: bool, found: Mapping[tuple[str, str], int]) -> Iterator[Violation]:
    for table, rows in ROWS.items():
        expected, there = rows if loaded else 0, found.get((job, table), 0)
        if there != expected:
            yield Violation(f"rows of {job} in analytics.{table}", str(expected), str(there))


def check(play: Play, ledger: Ledger, met: Mapping[str, int]) -> list[Violation]:
    """All that does not hold of a case that was played. `met`: how often each fault was met."""
    checks: tuple[Callable[[], Iterator[Violation]], ...] = (
        lambda: _faults(play, met),
        lambda: _ends(play),
        lambda: _processes(play),
        lambda: _what_went_on(play),
        lambda: _statements(play),
        lambda: _job_runs(play, ledger),
        lambda: _job_attempts(play),
        lambda: ledger.check(play.rig),
        lambda: _notices(play),
        lambda: _lake(play),
        lambda: _reconciliation(play),
    )
    return [finding for each in checks for finding in _held(each)]


def _held(look: Callable[[], Iterator[Violation]]) -> Iterator[Violation]:
    try:
        yield from look()
    except Exception as error:  # a check that cannot be made has not held, and the others still tell what they find
        place = traceback.extract_tb(error.__traceback__)[-1]
        yield Violation("a check", "to be made", f"{type(error).__name__}: {error} ({place.name}, line {place.lineno})")


def _jobs(play: Play) -> dict[str, str]:
    """The status that audit.job_run has to have, by job ID."""
    return {play.runs[number - 1].job_id: status for number, status in play.case.expected_jobs.items()}


def _faults(play: Play, met: Mapping[str, int]) -> Iterator[Violation]:
    spare = {f"{play.case.name}#{rule.get('name', n)}" for n, rule in enumerate(play.case.faults) if rule.get("spare")}
    for rule in play.rules():
        if rule["name"] not in spare and not met.get(rule["name"]):
            yield Violation(f"fault {rule['name']}", "met", "never met")


def _ends(play: Play) -> Iterator[Violation]:
    expected, found = play.case.ends, play.attempts
    if len(expected) != len(found):
        yield Violation("attempts", str(len(expected)), str(len(found)))
    for end, attempt in zip(expected, found, strict=False):
        outcome = attempt.outcome
        if outcome.status != end.status:
            states = ", ".join(state.name for state in outcome.states[-3:])
            said = f"{outcome.status}: {outcome.error}: {outcome.cause} (after {states})"
            yield Violation(f"end of {attempt.run.name}", end.status, said)
        for recorder in attempt.recorders:
            if recorder.status != end.recorder:
                said = f"{recorder.status}: {recorder.error}: {recorder.cause}"
                yield Violation(f"end of the recorder of {attempt.run.name}", end.recorder, said)


def _job_runs(play: Play, ledger: Ledger) -> Iterator[Violation]:
    for job, status in _jobs(play).items():
        rows = play.rig.query("SELECT status, rows_loaded, finished_at FROM audit.job_run WHERE job_id = :job", job=job)
        found = [row["status"] for row in rows]
        if len(found) != 1 or found[0] not in status.split(" or "):
            yield Violation(f"audit.job_run of {job}", status, str(found))
        status = found[0] if found else status
        if status == "SUCCEEDED" and rows and rows[0]["rows_loaded"] != sum(ROWS.values()):
            yield Violation(f"rows_loaded of {job}", str(sum(ROWS.values())), str(rows[0]["rows_loaded"]))
        if any(row["finished_at"] is None for row in rows):
            yield Violation(f"finished_at of {job}", "a moment", "null")
        ledger.add(job, loaded=status == "SUCCEEDED")


def _job_attempts(play: Play) -> Iterator[Violation]:
    for job in _jobs(play):
        pairs = [pair for pair in zip(play.case.ends, play.attempts, strict=False) if pair[1].run.job_id == job]
        expected = [(attempt.run.arn, attempt.redrive, end.recorded) for end, attempt in pairs if end.recorded]
        rows = play.rig.query(
            "SELECT attempt, execution_arn, redrive_count, status, finished_at, failed_state, error, cause "
            "FROM audit.job_attempt WHERE job_id = :job ORDER BY attempt",
            job=job,
        )
        found = [(row["execution_arn"], row["redrive_count"], row["status"]) for row in rows]
        if sorted(found) != sorted(expected):
            yield Violation(f"audit.job_attempt of {job}", str(expected), str(found))
        if [row["attempt"] for row in rows] != list(range(1, len(rows) + 1)):
            yield Violation(f"attempts of {job}", "1, 2, …", str([row["attempt"] for row in rows]))
        for end, attempt in pairs:
            yield from _attempt(end, attempt, rows)


def _attempt(end: End, attempt: Attempt, rows: list[JsonObject]) -> Iterator[Violation]:
    for row in rows:
        if (row["execution_arn"], row["redrive_count"]) != (attempt.run.arn, attempt.redrive):
            continue
        if end.state and row["failed_state"] != end.state:
            yield Violation(f"failed_state of {attempt.run.name}", end.state, str(row["failed_state"]))
        said = f"{row['error']}: {row['cause']}"
        if end.said and not re.search(end.said, said):
            yield Violation(f"what is recorded of {attempt.run.name}", f"/{end.said}/", said)
        if row["finished_at"] is None:
            yield Violation(f"finished_at of {attempt.run.name}", "a moment", "null")


def _notices(play: Play) -> Iterator[Violation]:
    for run in play.runs:
        pairs = zip(play.case.ends, play.attempts, strict=False)
        ends = [end for end, attempt in pairs if attempt.run is run]
        expected = sum(end.messages for end in ends)
        found = play.rig.notices.about(run.arn)
        if len(found) != expected:
            yield Violation(f"messages about {run.name}", str(expected), f"{len(found)}: {found}")
        said = [json.loads(each["message"])["audit"] for each in found]
        for end in ends:
            if end.heard and not any(re.search(end.heard, text) for text in said):
                yield Violation(f"what people hear of {run.name}", f"/{end.heard}/", str(said))


def _processes(play: Play) -> Iterator[Violation]:
    """What still runs of the jobs, once it had time to end."""
    deadline = time.monotonic() + _SECONDS_TO_SETTLE
    jobs = {run.job_id for run in play.runs}
    while left := [text for job in jobs for text in _left(play, job)]:
        if time.monotonic() > deadline:
            yield Violation("what still runs", "nothing", "; ".join(left))
            return
        time.sleep(0.5)


def _left(play: Play, job: str) -> Iterator[str]:
    rig, since = play.rig, play.began
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    yield from (f"process {line.strip()[:200]}" for line in listed.splitlines() if job in line)
    for each in rig.executions("run-sql", "RUNNING", since):
        if each["name"].startswith(job):
            yield f"execution {each['name']}"
    for each in rig.statements(job, "ALL"):
        if each["Status"] not in FINAL_STATUSES:
            yield f"statement {each['StatementName']} ({each['Status']})"
    for name in ("python_job_name", "spark_job_name"):
        for run in rig.job_runs(rig.outputs[name], since):
            if run["Arguments"].get("--job_id") == job and "CompletedOn" not in run:
                yield f"job run {run['Id']} ({run['JobRunState']})"


def _what_went_on(play: Play) -> Iterator[Violation]:
    """What an attempt had started and its recorder did not stop, whether or not a history names it."""
    for attempt in play.attempts:
        told = [recorder.arn for recorder in attempt.recorders if recorder.succeeded]
        if not told:
            continue
        client = play.rig.clients.get("stepfunctions")
        recorded = max(client.describe_execution(executionArn=arn)["stopDate"] for arn in told)
        for what, state, stopped, ended in _started_by(play, attempt):
            if state != stopped and (ended is None or ended > recorded):
                expected = f"{stopped}, or over when the failure was recorded at {recorded}"
                yield Violation(f"{what} of {attempt.run.name}", expected, f"{state} at {ended}")


def _started_by(play: Play, attempt: Attempt) -> Iterator[tuple[str, str, str, datetime | None]]:
    """Of all that an attempt started: what it is, its state, the state of one that was stopped, and when it ended."""
    job, mark = attempt.run.job_id, mark_of(attempt.run.arn, attempt.redrive)
    for name in ("python_job_name", "spark_job_name"):
        for run in play.rig.job_runs(play.rig.outputs[name], play.began):
            if (run["Arguments"].get("--job_id"), run["Arguments"].get("--attempt")) == (job, mark):
                yield f"job run {run['Id']}", run["JobRunState"], "STOPPED", run.get("CompletedOn")
    for each in play.rig.executions("run-sql", since=play.began):
        if each["name"].startswith(job) and f"-{mark}-" in each["name"]:
            yield f"execution {each['name']}", each["status"], "ABORTED", each.get("stopDate")


def _statements(play: Play) -> Iterator[Violation]:
    """A request that is sent again runs nothing again: no more transactions are committed than were asked for."""
    asked = [each["name"] for each in play.rig.executions("run-sql", since=play.began)]
    for job in _jobs(play):
        committed = [each["StatementName"] for each in play.rig.statements(job, "FINISHED")]
        for step in ("register", "load", "fail", "finish"):
            most = sum(name.startswith(f"{job}-{step}-") for name in asked)
            most += sum(name.startswith(f"{job}-later-") for name in asked) if step == "fail" else 0
            found = sum(name.endswith(step) for name in committed)
            if found > most:
                yield Violation(f"transactions to {step} {job}", f"at most {most}", str(found))


def _lake(play: Play) -> Iterator[Violation]:
    """A manifest vouches for its files, and a job that succeeded has all three."""
    for job, status in _jobs(play).items():
        objects = _objects(play.rig, f"runs/{job}/")
        stages = [stage for stage in ("python", "spark", "load") if f"runs/{job}/{stage}.json" in objects]
        if status == "SUCCEEDED" and len(stages) != 3 and play.case.ends[-1].status == "SUCCEEDED":
            yield Violation(f"manifests of {job}", "python, spark, load", ", ".join(stages) or "none")
        for stage in stages:
            yield from _files(play.rig, job, stage)


def _files(rig: Rig, job: str, stage: str) -> Iterator[Violation]:
    try:
        key = f"runs/{job}/{stage}.json"
        manifest = json.loads(_text(rig, key))
        if manifest["job_id"] != job:  # a foreign one, which the case has put there
            return
        details = json.loads(_text(rig, details_of(key, manifest["stage_run"]))) if stage != "load" else {}
    except (KeyError, ValueError, BotoCoreError, ClientError) as error:
        yield Violation(f"{stage}.json of {job} and its details", "whole documents", f"{type(error).__name__}: {error}")
        return
    for file in details.get("files_out", []):
        bucket, key = bucket_and_key(file["uri"])
        there = _objects(rig, key, bucket).get(key)
        if there != file["bytes"]:
            yield Violation(f"{file['uri']} of {stage}.json", f"{file['bytes']} bytes", f"{there}")


def _objects(rig: Rig, prefix: str, bucket: str = "") -> dict[str, int]:
    pages = rig.clients.get("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=bucket or rig.outputs["lake_bucket"], Prefix=prefix)
    return {item["Key"]: item["Size"] for page in listed for item in page.get("Contents", [])}


def _text(rig: Rig, key: str) -> str:
    found = rig.clients.get("s3").get_object(Bucket=rig.outputs["lake_bucket"], Key=key)
    return str(found["Body"].read().decode())


def _reconciliation(play: Play) -> Iterator[Violation]:
    for job in _jobs(play):
        rows = play.rig.query("SELECT * FROM audit.reconciliation WHERE job_id = :job", job=job)
        if not rows:
            yield Violation(f"audit.reconciliation of {job}", "rows", "none")
        for row in rows:
            if row["problem"] is not None:
                yield Violation(f"audit.reconciliation of {job}", "no problem", str(row))

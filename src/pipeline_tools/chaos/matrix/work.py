"""What goes wrong in the work itself: in a job run, in a statement, in a request that a job or COPY makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline_tools.chaos.cases import RUN, Case, End, Rule, failed
from pipeline_tools.chaos.matrix.tasks import REDRIVEN

# https://docs.aws.amazon.com/glue/latest/dg/job-run-statuses.html
RUN_STATES: Final = ("ERROR", "EXPIRED", "TIMEOUT", "STOPPED", "FAILED")
JOBS: Final = (("python", "CleanWithPython"), ("spark", "TransformWithSpark"))
_DISK = "No space left on device"
_DISK_OF_REDSHIFT = "ERROR: Disk Full Detail: error: Disk Full code: 1016 (chaos)"
_CONFLICT = "ERROR: 1023 DETAIL: Serializable isolation violation on table in Redshift (chaos)"
_S3: Mapping[str, dict[str, Any]] = {
    "503": {"code": "SlowDown", "message": "Please reduce your request rate. (chaos)", "status": 503},
    "500": {"code": "InternalError", "message": "We encountered an internal error. (chaos)", "status": 500},
    "403": {"code": "ExpiredToken", "message": "The provided token has expired. (chaos)", "status": 403},
}


def cases() -> Iterator[Case]:
    """All of them."""
    for job, state in JOBS:
        yield from _job_runs(job, state)
    yield from _statements()
    yield from _requests()
    yield from _database()


def _job_runs(job: str, state: str) -> Iterator[Case]:
    where = {"at": "job_run", "match": {"job": f"*{job}*", "arguments.--job_id": "*{id}"}}
    for end in RUN_STATES:
        yield _redriven(
            f"{job}-job.{state}.{end.lower()}.redriven",
            f"the run of {state} ends as {end} before it has done anything",
            {**where, "state": end, "error": {"message": f"{end} (chaos)"}},
            state,
        )
    for end in ("ERROR", "TIMEOUT"):
        yield _redriven(
            f"{job}-job.{state}.{end.lower()}-after-work.redriven",
            f"the run of {state} has done its work and ends as {end}",
            {**where, "when": "after", "state": end, "error": {"message": f"{end} (chaos)"}},
            state,
        )
    yield _redriven(
        f"{job}-job.{state}.disk-full.redriven",
        f"the disk of {state} is full",
        {**where, "state": "FAILED", "error": {"message": f"{_DISK} (chaos)"}},
        state,
    )
    yield _redriven(
        f"{job}-job.{state}.killed.redriven", f"the process of {state} is killed", {**where, "kill": "run"}, state, ""
    )
    yield _passes(f"{job}-job.{state}.late.passes", f"the run of {state} begins late", {**where, "delay": 2.0})


def _statements() -> Iterator[Case]:
    for step, state in (("register", "RegisterJob"), ("load", "LoadAndRecord")):
        where = {"at": "statement", "match": {"statement_name": f"*{{id}}*{step}"}}
        name = f"statement.{step}"
        for end in ("ABORTED", "FAILED"):
            yield _redriven(
                f"{name}.{end.lower()}.redriven",
                f"the transaction of {state} ends as {end}",
                {**where, "state": end, "error": {"message": f"{end} (chaos)"}},
                state,
            )
        yield _redriven(
            f"{name}.disk-full.redriven",
            f"Redshift's disk is full at {state}",
            {**where, "state": "FAILED", "error": {"message": _DISK_OF_REDSHIFT}},
            state,
        )
        conflict = {**where, "state": "FAILED", "error": {"message": _CONFLICT}}
        yield _passes(f"{name}.conflict.passes", f"error 1023 at {state}, twice", {**conflict, "times": 2})
        yield Case(
            f"{name}.conflict.lasts",
            f"error 1023 at {state}, for ever",
            [{"name": "fault", **conflict, "times": 0}],
            ends=failed(state, "1023"),
        )
        for end in ("FAILED", "ABORTED", "forgotten"):
            yield _redriven(
                f"{name}.{end.lower()}-after-commit.redriven",
                f"the transaction of {state} is committed, but reported as {end}",
                {**where, "when": "after", "state": end, **_message(end)},
                state,
                "",
            )
        yield _redriven(
            f"{name}.forgotten.redriven",
            f"the Data API forgets the statement of {state} before it is committed",
            {**where, "state": "forgotten"},
            state,
            "",
        )
        yield _passes(f"{name}.slow.passes", f"the transaction of {state} takes long", {**where, "delay": 1.5})


def _message(state: str) -> dict[str, Any]:
    return {} if state == "forgotten" else {"error": {"message": f"{state} (chaos)"}}


def _requests() -> Iterator[Case]:
    reads: Sequence[tuple[str, str, str, str]] = (
        ("python-job.reads-source", "CleanWithPython", "the source", "{source}*"),
        ("spark-job.reads-staged", "TransformWithSpark", "the staged rows", "staged/*{id}/*"),
        ("load.copies", "LoadAndRecord", "the curated rows", "curated/*{id}/*"),
    )
    for name, state, what, key in reads:
        where = {"at": "request", "service": "s3", "operation": "GetObject", "match": {"Key": key}}
        for status in ("503", "500"):
            rule = {**where, "error": _S3[status]}
            yield _passes(f"{name}.{status}.passes", f"S3 answers {status} once while {state} reads {what}", rule)
        yield _redriven(
            f"{name}.stale-403.redriven",
            f"S3 answers 403 while {state} reads {what}, since its credentials have expired",
            {**where, "error": _S3["403"]},
            state,
            "",
        )
        yield _redriven(
            f"{name}.503-lasts.redriven",
            f"S3 answers 503 to every try of {state} to read {what}",
            {**where, "error": _S3["503"], "times": 12},
            state,
            "",
        )
        cut: Rule = {**where, "cut": 7}
        reset = f"the connection is reset while {state} reads {what}"
        # COPY fails with an S3ServiceException, and is not run again by itself.
        if state == "LoadAndRecord":
            yield _redriven(f"{name}.reset.redriven", reset, cut, state, "S3ServiceException")
        else:
            yield _passes(f"{name}.reset.passes", reset, cut)
    second = {
        "at": "request",
        "service": "s3",
        "operation": "GetObject",
        "match": {"Key": "curated/chaos/chaos_totals/*{id}/*"},
    }
    yield Case(
        "load.copies.second-table.lasts",
        "S3 answers 503 for ever to COPY of the second table: nothing of the first one is left",
        [{"name": "fault", **second, "error": _S3["503"], "times": 0}],
        ends=failed("LoadAndRecord"),
    )
    writes: Sequence[tuple[str, str, str, str]] = (
        ("python-job.writes-staged", "CleanWithPython", "staged rows", "staged/*{id}/*"),
        ("python-job.writes-manifest", "CleanWithPython", "its manifest", "runs/*{id}/python.json"),
        ("spark-job.writes-curated", "TransformWithSpark", "curated rows", "curated/*{id}/*"),
        ("spark-job.writes-manifest", "TransformWithSpark", "its manifest", "runs/*{id}/spark.json"),
    )
    for name, state, what, key in writes:
        where = {"at": "request", "service": "s3", "operation": "PutObject", "match": {"Key": key}}
        rule = {**where, "error": _S3["503"]}
        yield _passes(f"{name}.503.passes", f"S3 answers 503 once while {state} writes {what}", rule)
        rule = {**where, "when": "after", "error": _S3["500"]}
        yield _passes(f"{name}.lost-answer.passes", f"the answer is lost to {state}, which has written {what}", rule)


def _database() -> Iterator[Case]:
    for step, state in (("register", "RegisterJob"), ("load", "LoadAndRecord")):
        for when in ("before", "after"):
            rule = {"name": "killed", "at": "statement", "match": {"statement_name": f"*{{id}}*{step}"}, "when": when}
            name, what = f"database.{step}.killed-{when}-commit", f"the database is killed {when} the commit of {state}"
            rules: list[Rule] = [{**rule, "kill": "database"}]
            if when == "after":
                yield Case(f"{name}.passes", f"{what}: it is there when the database is", rules, alone=True)
            else:
                ends = (*failed(state), End())
                yield Case(f"{name}.redriven", f"{what}; then the job is redriven", rules, REDRIVEN, ends, alone=True)


def _passes(name: str, what: str, rule: Rule) -> Case:
    return Case(name, what, [{"name": "fault", **rule}], RUN)


def _redriven(name: str, what: str, rule: Rule, state: str, said: str = "chaos") -> Case:
    return Case(
        name, f"{what}; then it is redriven", [{"name": "fault", **rule}], REDRIVEN, (*failed(state, said), End())
    )

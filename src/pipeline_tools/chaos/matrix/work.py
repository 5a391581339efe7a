"""What goes wrong in the work itself: in a job run, in a statement, in a request that a job or COPY makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from dataset_contract.json_types import JsonObject
from pipeline_tools.chaos.cases import RUN, CaseStep, ChaosCase, End, Rule, failed
from pipeline_tools.chaos.matrix.tasks import REDRIVEN, cut_short

# https://docs.aws.amazon.com/glue/latest/dg/job-run-statuses.html
RUN_STATES: Final = ("ERROR", "EXPIRED", "TIMEOUT", "STOPPED", "FAILED")
JOBS: Final = (("python", "CleanWithPython"), ("spark", "TransformWithSpark"))
# Where a case of a state is ended that comes before Spark.
_BEFORE_SPARK: Final = {"RegisterJob": "CleanWithPython", "CleanWithPython": "TransformWithSpark"}
_DISK = "No space left on device"
_DISK_OF_REDSHIFT = "ERROR: Disk Full Detail: error: Disk Full code: 1016 (chaos)"
_CONFLICT = "ERROR: 1023 DETAIL: Serializable isolation violation on table in Redshift (chaos)"
_S3: Mapping[str, JsonObject] = {
    "503": {"code": "SlowDown", "message": "Please reduce your request rate. (chaos)", "status": 503},
    "500": {"code": "InternalError", "message": "We encountered an internal error. (chaos)", "status": 500},
    "403": {"code": "ExpiredToken", "message": "The provided token has expired. (chaos)", "status": 403},
}


def cases() -> Iterator[ChaosCase]:
    """All of them."""
    for job, state in JOBS:
        yield from _job_runs(job, state)
    yield from _statements()
    yield from _requests()
    yield from _database()


def _job_runs(job: str, state: str) -> Iterator[ChaosCase]:
    name = f"{job}-job.{state}"
    where = {"at": "job_run", "match": {"job": f"*{job}*", "arguments.--job_id": "*{id}"}}
    for end in RUN_STATES:
        said = f"{_DISK} (chaos)" if end == "FAILED" else f"{end} (chaos)"
        rule = {"name": "fault", **where, "state": end, "error": {"message": said}}
        what = f"the run of {state} ends as {end} before it has done anything"
        case = "disk-full" if end == "FAILED" else end.lower()
        # Step Functions may give a run that was stopped as a success; the state refuses it.
        recorded = "ended as STOPPED" if end == "STOPPED" else "chaos"
        yield ChaosCase(f"{name}.{case}.fails", f"{what}: {said}", [rule], ends=failed(state, recorded))
    after = _redriven(
        f"{name}.error-after-work.redriven",
        f"the run of {state} has done its work and ends as ERROR, and the work is not done again",
        [{**where, "when": "after", "state": "ERROR", "error": {"message": "ERROR (chaos)"}}],
        state,
    )
    keep, compare = (CaseStep("call", at=f"{verb} the manifests") for verb in ("keep", "compare"))
    yield replace(after, steps=(*RUN, keep, *REDRIVEN[2:], compare))
    yield _redriven(
        f"{name}.killed.redriven", f"the process of {state} is killed", [{**where, "kill": "run"}], state, ""
    )
    yield _passes(f"{name}.late.passes", f"the run of {state} begins late", [{**where, "delay": 2.0}], state)


def _statements() -> Iterator[ChaosCase]:
    for step, state in (("register", "RegisterJob"), ("load", "LoadAndRecord")):
        where = {"at": "statement", "match": {"statement_name": f"*{{id}}*{step}"}}
        name = f"statement.{step}"
        conflict = {**where, "state": "FAILED", "error": {"message": _CONFLICT}}
        slow = {**where, "delay": 1.5}
        yield _redriven(
            f"{name}.not-committed.redriven",
            f"the transaction of {state} ends as ABORTED, is redriven and meets a full disk, is redriven and forgotten "
            "by the Data API, each time before it is committed",
            [
                {**where, "state": "ABORTED", "error": {"message": "ABORTED (chaos)"}},
                {**where, "state": "FAILED", "error": {"message": _DISK_OF_REDSHIFT}},
                {**where, "state": "forgotten"},
            ],
            state,
            "chaos|ResourceNotFound",
        )
        yield _passes(
            f"{name}.conflict.passes",
            f"error 1023 at {state}, twice; then the transaction takes long",
            [{**conflict, "times": 2}, slow],
            state,
        )
        yield ChaosCase(
            f"{name}.conflict.lasts",
            f"error 1023 at {state}, for ever",
            [{"name": "fault", **conflict, "times": 0}],
            ends=failed(state, "1023"),
        )
        for end in ("FAILED", "forgotten"):
            yield _redriven(
                f"{name}.{end.lower()}-after-commit.redriven",
                f"the transaction of {state} is committed, but reported as {end}",
                [{**where, "when": "after", "state": end, **_message(end)}],
                state,
                "",
            )


def _message(state: str) -> JsonObject:
    return {} if state == "forgotten" else {"error": {"message": f"{state} (chaos)"}}


def _requests() -> Iterator[ChaosCase]:
    reads: Sequence[tuple[str, str, str, str]] = (
        ("python-job.reads-source", "CleanWithPython", "the source", "{source}*"),
        ("spark-job.reads-staged", "TransformWithSpark", "the staged rows", "staged/*{id}/*"),
        ("load.copies", "LoadAndRecord", "the curated rows", "curated/*{id}/*"),
    )
    for name, state, what, key in reads:
        where = {"at": "request", "service": "s3", "operation": "GetObject", "match": {"Key": key}}
        busy, broken = ({**where, "error": _S3[status]} for status in ("503", "500"))
        stale: Rule = {**where, "error": _S3["403"]}
        cut: Rule = {**where, "cut": 7}
        if state == "LoadAndRecord":
            # COPY fails with an S3ServiceException where its connection is reset, and is not run again by itself.
            tables = (
                {**rule, "match": {"Key": f"curated/chaos/{table}/*{{id}}/*"}}
                for rule, table in zip((busy, broken), ("chaos_lines", "chaos_totals"), strict=True)
            )
            said = (
                f"S3 answers 503 while {state} reads the rows of one table, and 500 while it reads those of the other"
            )
            yield _passes(f"{name}.503.passes", said, list(tables))
            what = f"S3 answers 403 while {state} reads {what}; it is redriven, and the connection is reset"
            yield _redriven(f"{name}.stale-403.redriven", what, [stale, cut], state, "S3ServiceException|expired")
            continue
        if state == "TransformWithSpark":
            # The endpoint's Spark asks for a file twice, and not again in mid-body.
            yield _passes(f"{name}.503.passes", f"S3 answers 503 once while {state} reads {what}", [busy])
            reset = f"the connection is reset while {state} reads {what}"
            yield _redriven(f"{name}.reset.redriven", reset, [cut], state, "")
        else:
            answers = f"S3 answers 503, then 500, then resets the connection, while {state} reads {what}"
            yield _passes(f"{name}.503.passes", answers, [busy, broken, cut], state)
        what = f"S3 answers 403 while {state} reads {what}, since its credentials have expired"
        yield _redriven(f"{name}.stale-403.redriven", what, [stale], state, "")
    second = {
        "at": "request",
        "service": "s3",
        "operation": "GetObject",
        "match": {"Key": "curated/chaos/chaos_totals/*{id}/*"},
    }
    yield ChaosCase(
        "load.copies.second-table.lasts",
        "S3 answers 503 for ever to COPY of the second table: nothing of the first one is left",
        [{"name": "fault", **second, "error": _S3["503"], "times": 0}],
        ends=failed("LoadAndRecord"),
    )
    writes: Sequence[tuple[str, str, str]] = (
        ("python-job", "CleanWithPython", "staged/*{id}/*"),
        ("spark-job", "TransformWithSpark", "curated/*{id}/*"),
    )
    for job, state, rows in writes:
        where = {"at": "request", "service": "s3", "operation": "PutObject"}
        keys = (rows, f"runs/*{{id}}/{job.partition('-')[0]}.json")
        busy, lost = {"error": _S3["503"]}, {"when": "after", "error": _S3["500"]}
        what = f"S3 answers 503 once while {state} writes its rows, and once while it writes its manifest"
        yield _passes(
            f"{job}.writes.503.passes", what, [{**where, "match": {"Key": key}, **busy} for key in keys], state
        )
        what = f"the answer is lost to {state}, which has written rows, and that to its manifest"
        rules = [{**where, "match": {"Key": key}, **lost} for key in keys]
        yield _passes(f"{job}.writes.lost-answer.passes", what, rules, state)
    listed = {"at": "request", "service": "s3", "operation": "PutObject", "match": {"Key": "runs/*{id}/spark/*/copy/*"}}
    denied: Rule = {**listed, "error": {"code": "AccessDenied", "message": "denied (chaos)", "status": 403}}
    what = "S3 denies the Spark job one of the lists for COPY, after which its manifest would come"
    yield _redriven("spark-job.writes.denied.redriven", what, [denied], "TransformWithSpark", "")


def _database() -> Iterator[ChaosCase]:
    for step, state in (("register", "RegisterJob"), ("load", "LoadAndRecord")):
        for when in ("before", "after"):
            rule = {"name": "killed", "at": "statement", "match": {"statement_name": f"*{{id}}*{step}"}, "when": when}
            name, what = f"database.{step}.killed-{when}-commit", f"the database is killed {when} the commit of {state}"
            rules: list[Rule] = [{**rule, "kill": "database"}]
            if when == "after":
                case = ChaosCase(f"{name}.passes", f"{what}: it is there when the database is", rules, alone=True)
            else:
                ends = (*failed(state), End())
                case = ChaosCase(
                    f"{name}.redriven", f"{what}; then the job is redriven", rules, REDRIVEN, ends, alone=True
                )
            yield cut_short(case, _BEFORE_SPARK[state]) if state in _BEFORE_SPARK else case


def _passes(name: str, what: str, rules: Sequence[Rule], state: str = "") -> ChaosCase:
    case = ChaosCase(name, what, _numbered(rules), RUN)
    return cut_short(case, _BEFORE_SPARK[state]) if state in _BEFORE_SPARK else case


def _redriven(name: str, what: str, rules: Sequence[Rule], state: str, said: str = "chaos") -> ChaosCase:
    """Each rule ends an attempt, and a redrive follows."""
    steps, ends = (*RUN, *(REDRIVEN[2:] * len(rules))), (*(failed(state, said) * len(rules)), End())
    case = ChaosCase(name, f"{what}; then it is redriven", _numbered(rules), steps, ends)
    return cut_short(case, _BEFORE_SPARK[state]) if state in _BEFORE_SPARK else case


def _numbered(rules: Sequence[Rule]) -> list[Rule]:
    return [{"name": f"fault-{number}", **rule} for number, rule in enumerate(rules, 1)]

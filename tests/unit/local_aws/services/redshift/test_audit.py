"""The audit rows of a job over its attempts: who owns the job, and which outcome may replace which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dataset_contract.places import Places
from lambda_generate_param import job_id, sql_batches
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.evidence import StageEvidence
from lambda_generate_param.failures import Failure
from tests.unit.local_aws.services.conftest import Redshift
from tests.unit.local_aws.services.redshift.test_concurrency import wait_for_lock, wait_for_status

pytestmark = pytest.mark.postgres

AUDIT = Path(__file__).parents[5] / "sql" / "audit"
ARN = "arn:aws:states:us-east-1:123456789012:execution:pipeline:run-1"
JOB = job_id.make(ARN, 0)
MOMENT = "2026-01-31 12:34:56.789"
PARAMETER = re.compile(r"(?<!:):([a-z_0-9]+)")


@dataclass(frozen=True)
class Attempt:
    """A redrive of an execution."""

    execution: str
    redrives: int

    @classmethod
    def of(cls, text: str) -> Attempt:
        """`a1` is the first redrive of execution a."""
        return cls(text[0], int(text[1:]))


class Job:
    """The rows of one job, written by the project's own SQL."""

    def __init__(self, redshift: Redshift) -> None:
        self.redshift = redshift
        for name in ("schema", "loads"):
            redshift.run(*sql_batches.split((AUDIT / f"{name}.sql").read_text(encoding="utf-8")))
        redshift.run("CREATE TABLE analytics.t (job_id VARCHAR(56))")

    def write(self, what: str, attempt: Attempt) -> str:
        """Register, load, finish or fail an attempt; "" or why Redshift refused to."""
        texts, bound = self.batch(what, attempt)
        described = self.redshift.describe(*texts, parameters=bound, batch=True)
        return "" if described["Status"] == "FINISHED" else str(described["Error"])

    def load(self, attempt: Attempt) -> str:
        """Start the load and return the statement."""
        texts, bound = self.batch("load", attempt)
        return self.redshift.start(*texts, parameters=bound)

    def batch(self, what: str, attempt: Attempt) -> tuple[Sequence[str], dict[str, str]]:
        if what in ("FAILED", "ABORTED"):
            return self.failure(attempt, what)
        if what == "load":
            texts = self._load()
        else:
            place = Places(JOB, "d", "", "", "")
            about = {"started_at": MOMENT, "source_uri": "s3://b/", "parameters": "{}", "repeat": False}
            made = {
                "register": lambda: sql_batches.register(AUDIT.parent, place, execution_arn="-", **about),  # type: ignore[arg-type]
                "finish": lambda: sql_batches.finish(AUDIT.parent, place, execution_arn="-"),
            }[what]()
            texts = list(made.statements)
        names = {name for text in texts for name in PARAMETER.findall(re.sub(r"--[^\n]*|/\*.*?\*/", "", text))}
        bound = {name: MOMENT if name.endswith("_at") else "-" if name == "replays" else "1" for name in names}
        bound |= {"job_id": JOB, "execution_arn": attempt.execution, "redrive_count": str(attempt.redrives)}
        return texts, bound

    def _load(self) -> list[str]:
        files = [sql_batches.audit_statements(AUDIT.parent, name) for name in ("own", "attempt", "succeed")]
        own, attempt, succeed = files
        rows = [
            "DELETE FROM analytics.t WHERE job_id = :job_id",
            "INSERT INTO analytics.t VALUES (:job_id)",
            "INSERT INTO _table_load VALUES (:job_id, NULL, 't', 'append', 1, 1, 0, 0, 0, SYSDATE)",
        ]
        # What a load makes in its session.
        made = [f"CREATE TEMP TABLE _{name} (LIKE audit.{name})" for name in ("table_load", "source_file")]
        return [*own, *made, *rows, *attempt, *own, *succeed]

    def failure(
        self, attempt: Attempt, status: str, *, complete: tuple[str, ...] = (), rules: int = 0
    ) -> tuple[Sequence[str], dict[str, str]]:
        """The failure of an attempt whose stages in `complete` were done, with that many verdicts."""
        moment = datetime(2026, 1, 31, 12, 34, 56, 789000, tzinfo=UTC)
        about = ("d", "s3://b/", "LoadAndRecord", "E", "because")
        failure = Failure(JOB, attempt.execution, attempt.redrives, status, moment, moment, *about)
        manifest = {
            "rows_in": 16, "rows_out": 10, "rows_rejected": 6, "bytes_in": 1, "bytes_out": 1, "files_out": 1,
            "started_at": "2026-01-31T12:34:56.789Z", "finished_at": "2026-01-31T12:34:56.789Z",
            "code_version": "abc", "contract_version": "1",
            "rules": [
                {"number": number, "rule": f"rule 'a' {number}", "object": "o", "metric": "rowCount",
                 "severity": "error", "columns": ["id", "note"] if number else [], "expected": "mustBe 1 rows",
                 "measured": None if number else "0.5", "passed": not number}
                for number in range(rules)
            ],
        }  # fmt: skip
        found = {stage: manifest if stage == "python" else {**manifest, "rules": []} for stage in complete}
        made = sql_batches.fail(AUDIT.parent, failure, StageEvidence(found, {}), AuditColumns.read(AUDIT.parent))
        return made.statements, dict(made.parameters)

    def fail(self, attempt: Attempt, *, complete: tuple[str, ...], rules: int) -> str:
        texts, bound = self.failure(attempt, "FAILED", complete=complete, rules=rules)
        described = self.redshift.run(*texts, parameters=bound, batch=True)
        ((outcome, dataset),) = self.redshift.fetch(f"{described['Id']}:{len(texts)}")
        assert dataset == "1"  # as it was registered, whatever the event says
        return str(outcome)

    def row(self) -> str:
        """What audit.job_run says, which is one row: SUCCEEDED a1 2."""
        (found,) = self.redshift.rows("SELECT status, execution_arn, redrive_count, attempt FROM audit.job_run")
        return f"{found[0]} {found[1]}{found[2]} {found[3]}"

    def attempts(self) -> list[str]:
        """What audit.job_attempt says, in the order of the attempts: a0 FAILED."""
        found = self.redshift.rows(
            "SELECT attempt, execution_arn, redrive_count, status FROM audit.job_attempt ORDER BY attempt"
        )
        assert [row[0] for row in found] == list(range(1, len(found) + 1))
        return [f"{row[1]}{row[2]} {row[3]}" for row in found]

    def loaded(self) -> int:
        return int(self.redshift.rows("SELECT COUNT(*) FROM analytics.t")[0][0])


@pytest.fixture
def job(redshift: Redshift) -> Job:
    return Job(redshift)


A0, A1, B0 = (Attempt.of(text) for text in ("a0", "a1", "b0"))


@pytest.mark.parametrize(
    ("written", "row", "attempts"),
    [
        ("FAILED a0", "FAILED a0 1", ["a0 FAILED"]),  # before RegisterJob
        ("register a0, ABORTED a0", "FAILED a0 1", ["a0 ABORTED"]),
        ("register a0, register a0, load a0, load a0", "SUCCEEDED a0 1", ["a0 SUCCEEDED"]),  # retries
        ("register a0, FAILED a0, FAILED a1", "FAILED a1 2", ["a0 FAILED", "a1 FAILED"]),
        # Redriven from a later state.
        ("register a0, FAILED a0, load a1", "SUCCEEDED a1 2", ["a0 FAILED", "a1 SUCCEEDED"]),
        ("register a0, load a1, FAILED a0", "SUCCEEDED a1 2", ["a0 FAILED", "a1 SUCCEEDED"]),  # it comes late
        ("register a0, FAILED a0, load a2, FAILED a1", "SUCCEEDED a2 2", ["a0 FAILED", "a2 SUCCEEDED", "a1 FAILED"]),
        ("register a1, FAILED a0", "RUNNING a1 1", ["a1 RUNNING", "a0 FAILED"]),
        ("register a0, FAILED a0, register a1, FAILED a0", "RUNNING a1 2", ["a0 FAILED", "a1 RUNNING"]),  # twice
        # After the commit: the rows are loaded, whatever the execution came to.
        ("register a0, load a0, FAILED a0", "SUCCEEDED a0 1", ["a0 FAILED"]),
        ("register a0, load a0, FAILED a0, FAILED a1", "SUCCEEDED a0 1", ["a0 FAILED", "a1 FAILED"]),
        ("register a0, load a0, FAILED a0, finish a1", "SUCCEEDED a0 1", ["a0 FAILED", "a1 SUCCEEDED"]),
        ("register a0, load a0, FAILED a0, finish a1, FAILED a0", "SUCCEEDED a0 1", ["a0 FAILED", "a1 SUCCEEDED"]),
        # Another execution continues the job.
        ("register a0, FAILED a0, register b0, load b0", "SUCCEEDED b0 2", ["a0 FAILED", "b0 SUCCEEDED"]),
        ("register a0, FAILED a0, register b0, FAILED a0", "RUNNING b0 2", ["a0 FAILED", "b0 RUNNING"]),
        ("register a0, FAILED a0, register b0, FAILED a1", "RUNNING b0 2", ["a0 FAILED", "b0 RUNNING", "a1 FAILED"]),
        ("register a0, FAILED b0", "RUNNING a0 1", ["a0 RUNNING", "b0 FAILED"]),
        ("register a0, FAILED a0, FAILED b0", "FAILED a0 1", ["a0 FAILED", "b0 FAILED"]),
        ("register a0, FAILED a0, register b0, FAILED b0, register a1", "RUNNING a1 3",
         ["a0 FAILED", "b0 FAILED", "a1 RUNNING"]),
    ],
)  # fmt: skip
def test_a_job_has_one_row_and_each_attempt_its_own(job: Job, written: str, row: str, attempts: list[str]) -> None:
    for what, attempt in (each.split() for each in written.split(", ")):
        assert job.write(what, Attempt.of(attempt)) == ""
    assert job.row() == row
    assert job.attempts() == attempts
    assert job.loaded() == written.count("load") - written.count("load a0, load a0")


@pytest.mark.parametrize(
    ("written", "refused", "said"),
    [
        ("register a0", "register b0", f"job {JOB} is running as execution a"),
        ("register a0, load a0", "register b0", f"job {JOB} has succeeded: its rows are loaded"),
        ("register a0, load a0", "register a1", f"job {JOB} has succeeded: its rows are loaded"),
        ("register a1", "register a0", f"job {JOB}: redrive 1 of execution a has taken it over"),
        ("register a0, ABORTED a0", "register a0", f"job {JOB}: redrive 0 of execution a has ended as ABORTED"),
        ("ABORTED a0", "register a0", f"job {JOB}: redrive 0 of execution a has ended as ABORTED"),
        ("register a0, FAILED a0, register b0, FAILED b0", "register a0", "redrive 0 of execution a has ended as"),
        ("register a0", "load b0", f"job {JOB} belongs to execution a: execution b must not load it"),
        ("register a0, FAILED a0, register b0", "load a0", "belongs to execution b: execution a must not load it"),
        ("register a0, FAILED a0, register b0", "load a1", "belongs to execution b: execution a must not load it"),
        ("register a0, FAILED a0, register b0, load b0", "load a1", "belongs to execution b: execution a must not"),
        ("register a0, ABORTED a0", "load a0", f"job {JOB}: redrive 0 of execution a has ended: it must not load the"),
        ("register a0, ABORTED a0, ABORTED a1", "load a1", "redrive 1 of execution a has ended: it must not load the"),
        ("register a0, FAILED a0, register a1", "load a0", "redrive 1 of execution a has taken it over: redrive 0"),
        ("", "load a0", f"job {JOB} is not registered: it must not be loaded"),
    ],
)  # fmt: skip
def test_who_may_not_is_refused_by_name_and_changes_nothing(job: Job, written: str, refused: str, said: str) -> None:
    for what, attempt in (each.split() for each in written.split(", ") if each):
        assert job.write(what, Attempt.of(attempt)) == ""
    rows = [job.redshift.rows(f"SELECT * FROM audit.{table} ORDER BY 1, 2") for table in ("job_run", "job_attempt")]
    loaded = job.loaded()
    what, attempt = refused.split()
    assert said in job.write(what, Attempt.of(attempt))
    assert rows == [
        job.redshift.rows(f"SELECT * FROM audit.{table} ORDER BY 1, 2") for table in ("job_run", "job_attempt")
    ]
    assert job.loaded() == loaded


def hold(redshift: Redshift, table: str) -> str:
    """Keep writers of a table waiting until this statement is cancelled."""
    holder = redshift.start(f"LOCK {table}", "SELECT pg_sleep(600)")
    wait_for_status(redshift, f"{holder}:1", "FINISHED")
    return holder


def test_a_load_that_waited_until_its_attempt_had_ended_does_not_commit(job: Job) -> None:
    assert job.write("register", A0) == ""
    holder = hold(job.redshift, "analytics.t")
    load = job.load(A0)
    wait_for_lock(job.redshift)
    assert job.write("ABORTED", A0) == ""
    job.redshift.call("CancelStatement", Id=holder)
    described = job.redshift.wait(load)
    assert described["Status"] == "FAILED"
    # Which run-sql answers by running the transaction again; then it is refused by name.
    assert "ERROR: 1023 DETAIL: Serializable isolation violation on table" in described["Error"]
    assert "redrive 0 of execution a has ended: it must not load" in job.write("load", A0)
    assert (job.row(), job.attempts(), job.loaded()) == ("FAILED a0 1", ["a0 ABORTED"], 0)
    assert job.write("load", A1) == ""
    assert (job.row(), job.attempts(), job.loaded()) == ("SUCCEEDED a1 2", ["a0 ABORTED", "a1 SUCCEEDED"], 1)


@pytest.mark.parametrize("late", ["ABORTED b0", "FAILED a0"])
def test_what_is_recorded_of_another_attempt_beside_a_load_makes_it_run_again(job: Job, late: str) -> None:
    for what in ("register", "FAILED"):
        assert job.write(what, A0) == ""
    holder = hold(job.redshift, "analytics.t")
    load = job.load(A1)
    wait_for_lock(job.redshift)
    what, attempt = late.split()
    assert job.write(what, Attempt.of(attempt)) == ""
    job.redshift.call("CancelStatement", Id=holder)
    assert "ERROR: 1023 DETAIL" in job.redshift.wait(load)["Error"]
    assert job.write("load", A1) == ""
    assert job.loaded() == 1
    assert len(job.attempts()) == 2 + (late == "ABORTED b0")


def test_a_registration_that_waited_until_its_attempt_had_ended_is_refused(job: Job) -> None:
    holder = hold(job.redshift, "audit.turn")
    failing = job.redshift.start(*(batch := job.batch("ABORTED", A0))[0], parameters=batch[1])
    wait_for_lock(job.redshift)
    registering = job.redshift.start(*(batch := job.batch("register", A0))[0], parameters=batch[1])
    wait_for_lock(job.redshift, 2)
    job.redshift.call("CancelStatement", Id=holder)
    assert job.redshift.wait(failing)["Status"] == "FINISHED"
    assert "redrive 0 of execution a has ended as ABORTED" in job.redshift.wait(registering)["Error"]
    assert (job.row(), job.attempts()) == ("FAILED a0 1", ["a0 ABORTED"])


def test_two_executions_that_continue_a_job_at_once_are_one(job: Job) -> None:
    for what in ("register", "FAILED"):
        assert job.write(what, A0) == ""
    holder = hold(job.redshift, "audit.turn")
    started = []
    for number, attempt in enumerate((B0, Attempt("c", 0)), 1):
        texts, bound = job.batch("register", attempt)
        started.append(job.redshift.start(*texts, parameters=bound))
        wait_for_lock(job.redshift, number)
    job.redshift.call("CancelStatement", Id=holder)
    ends = [job.redshift.wait(each) for each in started]
    assert sorted(each["Status"] for each in ends) == ["FAILED", "FINISHED"]
    (refused,) = (each["Error"] for each in ends if each["Status"] == "FAILED")
    assert f"job {JOB} is running as execution " in refused
    assert len(job.attempts()) == 2
    assert job.row().startswith("RUNNING")


def test_a_failed_job_has_its_stages_and_verdicts_and_leaves_those_of_other_attempts(job: Job) -> None:
    assert job.write("register", A0) == ""
    assert job.fail(A0, complete=("python",), rules=2) == "RECORDED"
    assert job.redshift.rows("SELECT rows_in, rows_staged, rows_rejected, rows_curated FROM audit.job_run") == [
        (16, 10, 6, None)
    ]
    assert job.redshift.rows("SELECT stage, attempt, rows_in, files_out, started_at FROM audit.stage_run") == [
        ("python", 1, 16, 1, "2026-01-31 12:34:56.789")
    ]
    verdicts = "SELECT attempt, number, rule, column_names, measured, passed FROM audit.rule_run ORDER BY 1, 2"
    first = [(1, 0, "rule 'a' 0", None, 0.5, True), (1, 1, "rule 'a' 1", "id, note", None, False)]
    assert job.redshift.rows(verdicts) == first
    assert job.fail(A0, complete=("python",), rules=2) == "RECORDED"  # the recorder was tried again
    assert job.redshift.rows(verdicts) == first
    assert job.fail(A1, complete=("python", "spark"), rules=1) == "RECORDED"
    assert job.redshift.rows("SELECT stage, attempt FROM audit.stage_run ORDER BY stage") == [
        ("python", 2),
        ("spark", 2),
    ]
    assert job.redshift.rows(verdicts) == [*first, (2, 0, "rule 'a' 0", None, 0.5, True)]
    assert job.fail(A0, complete=(), rules=0) == "LATER"
    assert job.row() == "FAILED a1 2"


def test_the_input_of_a_job_that_was_never_registered_is_kept(job: Job) -> None:
    texts, bound = job.failure(A0, "FAILED")
    bound |= {"parameters": '{"a": 1}', "repeat": "true", "replays": "an earlier job"}
    job.redshift.run(*texts, parameters=bound, batch=True)
    kept = "SELECT dataset, source_uri, parameters, repeat, replays FROM audit.job_run"
    assert job.redshift.rows(kept) == [("d", "s3://b/", '{"a": 1}', True, "an earlier job")]
    # What was registered stays as it was checked.
    assert job.write("register", B0) == ""
    assert job.write("FAILED", B0) == ""
    assert job.redshift.rows(kept) == [("1", "1", "1", False, None)]


def test_a_failure_that_is_told_late_leaves_the_stages_of_the_success(job: Job) -> None:
    assert job.write("register", A0) == ""
    assert job.write("load", A1) == ""
    assert job.fail(A0, complete=("python",), rules=0) == "LATER"
    assert job.row() == "SUCCEEDED a1 2"
    stages = "SELECT stage, attempt, rows_out FROM audit.stage_run ORDER BY stage"
    assert job.redshift.rows(stages) == [("load", 2, 1), ("python", 2, 1), ("spark", 2, 1)]


@pytest.mark.parametrize(
    ("written", "failed", "outcome"),
    [
        # Its own commit came before the failure: a redrive does the rest, and may fail as well.
        ("register a0, load a0", "a0", "LOADED"),
        ("register a0, load a0, FAILED a0", "a1", "LOADED"),
        ("register a0, FAILED a0, register b0, load b0", "b0", "LOADED"),
        # Another execution's: a redrive of this one is refused again.
        ("register a0, FAILED a0, register b0, load b0", "a1", "LOADED_ELSEWHERE"),
        ("register a0, FAILED a0, register b0, load b0", "a0", "LOADED_ELSEWHERE"),
        ("register a0, load a0", "b0", "LOADED_ELSEWHERE"),
        # A redrive has loaded it, and does the rest itself.
        ("register a0, FAILED a0, load a1", "a0", "LATER"),
        ("register a0, FAILED a0, register b0", "a1", "LATER"),
        ("register a0, FAILED a0", "a1", "RECORDED"),
    ],
)
def test_a_failure_learns_who_has_loaded_the_job(job: Job, written: str, failed: str, outcome: str) -> None:
    for what, attempt in (each.split() for each in written.split(", ")):
        assert job.write(what, Attempt.of(attempt)) == ""
    assert job.fail(Attempt.of(failed), complete=(), rules=0) == outcome


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("", None),
        ("UPDATE audit.job_run SET rows_rejected = 1", "rows_in is not rows_staged + rows_rejected"),
        ("UPDATE audit.job_run SET rows_in = NULL", "rows_in, rows_staged or rows_rejected is not known"),
        (
            "UPDATE audit.stage_run SET rows_in = 7 WHERE stage = 'spark'",
            "the rows that Spark read are not rows_staged",
        ),
        ("DELETE FROM audit.stage_run", "the rows that Spark read are not rows_staged"),
        ("UPDATE audit.table_load SET rows_kept = 1", "rows_copied is not rows_inserted + rows_updated + rows_kept"),
        ("UPDATE audit.table_load SET rows_copied = 2, rows_kept = 1", "rows_curated is not rows_copied of all tables"),
        ("UPDATE audit.job_run SET rows_loaded = 2", "rows_loaded of the job is not that of all tables"),
        ("DELETE FROM audit.table_load", "no table is loaded, and the job has succeeded"),
        ("UPDATE audit.job_run SET status = 'FAILED'", "rows are loaded, and the job has not succeeded"),
        ("DELETE FROM audit.job_attempt", "no attempt is recorded"),
    ],
)
def test_what_does_not_add_up_is_told(job: Job, change: str, problem: str | None) -> None:
    assert job.write("register", A0) == ""
    asked = "SELECT table_name, rows_loaded, attempts, problem FROM audit.reconciliation"
    assert job.redshift.rows(asked) == [(None, None, 1, None)]
    assert job.write("FAILED", A0) == ""
    assert job.redshift.rows(asked) == [(None, None, 1, None)]
    assert job.write("load", A1) == ""
    # The counts that these tests bind are all 1, and nothing was refused.
    job.redshift.run("UPDATE audit.job_run SET rows_rejected = 0")
    assert job.redshift.rows(asked) == [("t", 1, 2, None)]
    if change:
        job.redshift.run(change)
        ((*_, found),) = job.redshift.rows(asked)
        assert found == problem


def test_the_longest_texts_that_are_let_in_are_kept(redshift: Redshift) -> None:
    redshift.run(*sql_batches.split((AUDIT / "schema.sql").read_text(encoding="utf-8")))
    sizes = AuditColumns.read(AUDIT.parent).sizes
    others = {
        "job_run": {"attempt": "1", "redrive_count": "0", "started_at": "SYSDATE"},
        "job_attempt": {"attempt": "1", "redrive_count": "0", "started_at": "SYSDATE"},
        "rule_run": {"attempt": "1", "number": "0", "passed": "true"},
        "table_load": {
            **dict.fromkeys(["rows_copied", "rows_inserted", "rows_updated", "rows_deleted", "rows_kept"], "0"),
            "loaded_at": "SYSDATE",
        },
        "source_file": {"bytes": "0", "loaded_at": "SYSDATE"},
    }
    for table, other in others.items():
        bound = {name: "ü" * (size // 2) for name, size in sizes[table].items()}
        names, values = ", ".join([*bound, *other]), ", ".join([*(f":{name}" for name in bound), *other.values()])
        redshift.run(f"INSERT INTO audit.{table} ({names}) VALUES ({values})", parameters=bound)
        lengths = ", ".join(f"OCTET_LENGTH({name})" for name in bound)
        assert redshift.rows(f"SELECT {lengths} FROM audit.{table}") == [
            tuple(size // 2 * 2 for size in sizes[table].values())
        ]

"""The audit row of a job over attempts: which outcome may replace which."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lambda_generate_param import job_id, statements
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.evidence import Evidence
from lambda_generate_param.failures import Failure
from tests.unit.local_aws.services.conftest import Redshift

pytestmark = pytest.mark.postgres

AUDIT = Path(__file__).parents[4] / "sql" / "audit"
JOB = job_id.make("arn:aws:states:us-east-1:123456789012:execution:pipeline:run-1", 0)
MOMENT = "2026-01-31 12:34:56.789"


class JobRun:
    """The rows of one job, written by the project's own SQL."""

    def __init__(self, redshift: Redshift) -> None:
        self.redshift = redshift
        for name in ("schema", "loads"):
            redshift.run(*statements.split((AUDIT / f"{name}.sql").read_text(encoding="utf-8")))

    def write(self, name: str, attempt: int) -> None:
        text = (AUDIT / f"{name}.sql").read_text(encoding="utf-8")
        names = set(re.findall(r"(?<!:):([a-z_0-9]+)", re.sub(r"--[^\n]*", "", text)))
        bound = {name: MOMENT if name.endswith("_at") else "1" for name in names}
        bound |= {"attempt": str(attempt), "job_id": JOB}
        # What a load makes in its session.
        made = (
            "CREATE TEMP TABLE _table_load (LIKE audit.table_load)",
            "CREATE TEMP TABLE _source_file (LIKE audit.source_file)",
        )
        self.redshift.run(*made, *statements.split(text), parameters=bound, batch=True)

    def fail(self, attempt: int, *, complete: tuple[str, ...], rules: int) -> None:
        """The failure of an attempt whose stages in `complete` were done, with that many verdicts."""
        moment = datetime(2026, 1, 31, 12, 34, 56, 789000, tzinfo=UTC)
        failure = Failure(JOB, attempt, "arn", "FAILED", moment, "d", "s3://b/", "LoadAndRecord", "E", "because")
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
        columns = AuditColumns.read(AUDIT.parent)
        batch = statements.fail(AUDIT.parent, failure, Evidence(found, {}), columns)
        self.redshift.run(*batch.statements, parameters=dict(batch.parameters), batch=True)

    def row(self) -> tuple[str, int]:
        (found,) = self.redshift.rows("SELECT status, attempt FROM audit.job_run")
        return found[0], found[1]


@pytest.fixture
def job(redshift: Redshift) -> JobRun:
    return JobRun(redshift)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([("fail", 1)], ("FAILED", 1)),  # failed before RegisterJob
        ([("register", 1), ("fail", 1)], ("FAILED", 1)),
        ([("register", 1), ("fail", 1), ("fail", 2)], ("FAILED", 2)),
        ([("register", 1), ("fail", 1), ("succeed", 2)], ("SUCCEEDED", 2)),  # redriven from a later state
        ([("register", 1), ("succeed", 2), ("fail", 1)], ("SUCCEEDED", 2)),  # the event of attempt 1 comes late
        ([("register", 1), ("succeed", 1), ("fail", 1)], ("SUCCEEDED", 1)),
        ([("register", 1), ("succeed", 1), ("fail", 2)], ("FAILED", 2)),
        ([("register", 2), ("fail", 1)], ("RUNNING", 2)),
    ],
)
def test_the_latest_attempt_has_the_last_word(
    job: JobRun, written: list[tuple[str, int]], expected: tuple[str, int]
) -> None:
    for name, attempt in written:
        job.write(name, attempt)
    assert job.row() == expected


def test_a_failed_job_has_its_stages_and_verdicts_and_leaves_those_of_other_attempts(job: JobRun) -> None:
    job.write("register", 1)
    job.fail(1, complete=("python",), rules=2)
    assert job.redshift.rows("SELECT rows_in, rows_staged, rows_rejected, rows_curated FROM audit.job_run") == [
        (16, 10, 6, None)
    ]
    assert job.redshift.rows("SELECT stage, attempt, rows_in, files_out, started_at FROM audit.stage_run") == [
        ("python", 1, 16, 1, "2026-01-31 12:34:56.789")
    ]
    verdicts = "SELECT attempt, number, rule, column_names, measured, passed FROM audit.rule_run ORDER BY 1, 2"
    first = [(1, 0, "rule 'a' 0", None, 0.5, True), (1, 1, "rule 'a' 1", "id, note", None, False)]
    assert job.redshift.rows(verdicts) == first
    job.fail(1, complete=("python",), rules=2)  # the recorder was tried again
    assert job.redshift.rows(verdicts) == first
    job.fail(2, complete=("python", "spark"), rules=1)
    assert job.redshift.rows("SELECT stage, attempt FROM audit.stage_run ORDER BY stage") == [
        ("python", 2),
        ("spark", 2),
    ]
    assert job.redshift.rows(verdicts) == [*first, (2, 0, "rule 'a' 0", None, 0.5, True)]


def test_a_failure_that_is_told_late_leaves_the_stages_of_the_success(job: JobRun) -> None:
    job.write("register", 1)
    job.write("succeed", 2)
    job.fail(1, complete=(), rules=0)
    assert job.row() == ("SUCCEEDED", 2)
    assert job.redshift.rows("SELECT COUNT(*) FROM audit.stage_run WHERE attempt = 2") == [(3,)]


def test_the_longest_texts_that_are_let_in_are_kept(redshift: Redshift) -> None:
    redshift.run(*statements.split((AUDIT / "schema.sql").read_text(encoding="utf-8")))
    sizes = AuditColumns.read(AUDIT.parent).sizes
    others = {
        "job_run": {"attempt": "1", "started_at": "SYSDATE"},
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

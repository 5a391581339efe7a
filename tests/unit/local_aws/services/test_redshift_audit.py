"""The audit row of a job over attempts: which outcome may replace which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lambda_generate_param import statements
from tests.unit.local_aws.services.conftest import Redshift

pytestmark = pytest.mark.postgres

AUDIT = Path(__file__).parents[4] / "sql" / "audit"
MOMENT = "2026-01-31 12:34:56.789"


class JobRun:
    """The rows of one job, written by the project's own SQL."""

    def __init__(self, redshift: Redshift) -> None:
        self.redshift = redshift
        schema = statements.split((AUDIT / "schema.sql").read_text(encoding="utf-8"))
        redshift.run(*schema)

    def write(self, name: str, attempt: int) -> None:
        text = (AUDIT / f"{name}.sql").read_text(encoding="utf-8")
        text = text.replace("{{loaded}}", "SELECT 'a' AS table_name, 1 AS rows_loaded")
        names = set(re.findall(r"(?<!:):([a-z_]+)", re.sub(r"--[^\n]*", "", text)))
        bound = {name: MOMENT if name.endswith("_at") else "1" for name in names} | {"attempt": str(attempt)}
        self.redshift.run(*statements.split(text), parameters=bound, batch=True)

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

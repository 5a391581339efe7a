"""Jobs that replay the rejected rows of others: what registration refuses, and what the view makes of their rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_contract.places import Places
from lambda_generate_param import sql_batches
from lambda_generate_param.failures import UNKNOWN
from tests.unit.local_aws.services.conftest import Redshift

pytestmark = pytest.mark.postgres

SQL = Path(__file__).parents[5] / "sql"
MOMENT = "2026-01-31 12:34:56.789"
VIEW = (
    "SELECT job_id, rows_in, rows_staged, rows_rejected, replays, rows_replayed, rows_still_rejected, "
    "rows_loaded, rows_loaded_by_replays, problem FROM audit.replay_reconciliation ORDER BY job_id"
)


class Jobs:
    """Rows of audit.job_run, registered by the project's own SQL."""

    def __init__(self, redshift: Redshift) -> None:
        self.redshift = redshift
        redshift.run(*sql_batches.audit_statements(SQL, "schema"))

    def register(self, job: str, *, replays: str | None = None, dataset: str = "d") -> str:
        """Returns "" or why Redshift refused to."""
        batch = sql_batches.register(
            SQL, Places(job, dataset, "", "", ""), execution_arn=f"arn:{job}", started_at=MOMENT,
            source_uri="s3://b/", parameters="{}", repeat=False, replays=replays,
        )  # fmt: skip
        bound = {**batch.parameters, "redrive_count": "0", "attempt_started_at": MOMENT}
        described = self.redshift.describe(*batch.statements, parameters=bound, batch=True)
        return "" if described["Status"] == "FINISHED" else str(described["Error"])

    def end(self, job: str, rows_in: int, rejected: int, *, loaded: int | None = None) -> None:
        staged = rows_in - rejected
        self.redshift.run(
            f"UPDATE audit.job_run SET status = 'SUCCEEDED', rows_in = {rows_in}, rows_staged = {staged}, "
            f"rows_rejected = {rejected}, rows_loaded = {staged if loaded is None else loaded} WHERE job_id = '{job}'"
        )

    def add(self, job: str, rows_in: int, rejected: int, *, replays: str | None = None) -> None:
        assert self.register(job, replays=replays) == ""
        self.end(job, rows_in, rejected)


@pytest.fixture
def jobs(redshift: Redshift) -> Jobs:
    return Jobs(redshift)


def test_a_chain_counts_each_row_where_it_was_staged(jobs: Jobs) -> None:
    jobs.add("a", 100, 10)
    assert jobs.redshift.rows(VIEW) == [("a", 100, 90, 10, 0, 0, 10, 90, 0, None)]
    jobs.add("b", 10, 4, replays="a")
    jobs.add("c", 4, 1, replays="b")
    jobs.add("other", 5, 0)  # nothing was refused
    assert jobs.redshift.rows(VIEW) == [("a", 100, 90, 10, 2, 9, 1, 90, 9, None)]
    kept = "SELECT job_id, replays, replay_origin FROM audit.job_run ORDER BY job_id"
    assert jobs.redshift.rows(kept) == [("a", None, None), ("b", "a", "a"), ("c", "b", "a"), ("other", None, None)]


def test_a_replay_that_has_not_succeeded_has_mended_nothing(jobs: Jobs) -> None:
    jobs.add("a", 10, 2)
    assert jobs.register("b", replays="a") == ""
    assert jobs.redshift.rows(VIEW) == [("a", 10, 8, 2, 0, 0, 2, 8, 0, None)]
    # A retry of the registration leaves what it is tied to.
    assert jobs.register("b", replays="a") == ""
    jobs.end("b", 2, 0)
    assert jobs.redshift.rows(VIEW) == [("a", 10, 8, 2, 1, 2, 0, 8, 2, None)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE audit.job_run SET rows_in = 11 WHERE job_id = 'a'", "rows_in is not rows_staged + rows_rejected"),
        (
            "UPDATE audit.job_run SET rows_staged = 2 WHERE job_id = 'b'",
            "rows_in of a replay is not its rows_staged + rows_rejected",
        ),
        (
            "UPDATE audit.job_run SET rows_in = NULL WHERE job_id = 'b'",
            "rows_in, rows_staged or rows_rejected of a replay is not known",
        ),
        (
            "UPDATE audit.job_run SET rows_in = 4, rows_staged = 3 WHERE job_id = 'b'",
            "more rows were replayed than job a rejected: some are loaded twice, or new",
        ),
        (
            "UPDATE audit.job_run SET rows_in = 2, rows_staged = 2 WHERE job_id = 'c'",
            "more rows were replayed than job b rejected: some are loaded twice, or new",
        ),
    ],
)
def test_what_does_not_add_up_is_named(jobs: Jobs, change: str, problem: str) -> None:
    jobs.add("a", 10, 3)
    jobs.add("b", 2, 1, replays="a")
    jobs.add("c", 1, 0, replays="b")
    assert jobs.redshift.rows(VIEW)[0][-1] is None
    jobs.redshift.run(change)
    assert [row[-1] for row in jobs.redshift.rows(VIEW)] == [problem]


def test_the_same_rows_replayed_twice_are_named(jobs: Jobs) -> None:
    jobs.add("a", 10, 3)
    for again in ("b", "c"):
        jobs.add(again, 3, 0, replays="a")
    ((*_, still, _, _, problem),) = jobs.redshift.rows(VIEW)
    assert (still, problem) == (-3, "more rows were replayed than job a rejected: some are loaded twice, or new")


@pytest.mark.parametrize(
    ("replays", "dataset", "said"),
    [
        ("unknown", "d", "replays is unknown, a job that audit.job_run does not have"),
        ("running", "d", "replays is running, a job that is RUNNING: its rows are not loaded"),
        ("clean", "d", "replays is clean, a job that has rejected no row"),
        ("good", "e", "replays is good, a job of dataset d: a job of dataset e cannot replay it"),
        ("new", "d", "job new cannot replay itself"),
    ],
)
def test_what_cannot_be_replayed_is_refused_by_name(jobs: Jobs, replays: str, dataset: str, said: str) -> None:
    assert jobs.register("running") == ""
    jobs.add("clean", 5, 0)
    jobs.add("good", 5, 1)
    assert said in jobs.register("new", replays=replays, dataset=dataset)
    assert jobs.redshift.rows("SELECT job_id FROM audit.job_run WHERE job_id = 'new'") == []


def test_none_is_bound_as_the_lambda_says() -> None:
    # The procedure compares with this text.
    assert UNKNOWN == "-"

"""Transactions beside each other: writers of a table wait, readers do not, and lost updates are refused."""

from __future__ import annotations

import pytest

from tests.unit.local_aws.services.conftest import Redshift
from tests.waiting import until

pytestmark = pytest.mark.postgres


def wait_for_lock(redshift: Redshift, count: int = 1) -> None:
    waiting = "select count(*) from pg_locks where not granted"
    until(lambda: redshift.rows(waiting)[0][0] >= count, f"{count} wait for a lock")


def wait_for_status(redshift: Redshift, identifier: str, status: str) -> None:
    until(lambda: redshift.call("DescribeStatement", Id=identifier)["Status"] == status, f"{identifier} is {status}")


def test_twenty_pipelines_share_a_table(redshift: Redshift) -> None:
    redshift.run("create table job_run (job_id varchar(56), status varchar(16))")

    def pipeline(number: int) -> list[str]:
        parameters = {"job_id": f"job-{number}"}
        return [
            redshift.start(
                "delete from job_run where job_id = :job_id",
                "insert into job_run values (:job_id, 'RUNNING')",
                "update job_run set status = 'SUCCEEDED' where job_id = :job_id",
                "select count(*) from job_run where job_id = :job_id",
                parameters=parameters,
            )
            for _ in range(3)
        ]

    started = [identifier for number in range(20) for identifier in pipeline(number)]
    for identifier in started:
        assert redshift.wait(identifier)["Status"] == "FINISHED", redshift.wait(identifier)
        assert redshift.fetch(f"{identifier}:4") == [(1,)]
    assert redshift.rows("select status, count(*) from job_run group by status") == [("SUCCEEDED", 20)]


def test_a_writer_waits_for_the_other_and_sees_what_it_did(redshift: Redshift) -> None:
    redshift.run("create table t (a int)")
    redshift.run("insert into t values (0)")
    first = redshift.start("update t set a = a + 1", "select pg_sleep(30)")
    wait_for_status(redshift, f"{first}:1", "FINISHED")
    second = redshift.start("update t set a = a + 10", batch=True)
    wait_for_lock(redshift)
    # A reader does not wait, and sees the last committed state.
    assert redshift.rows("select a from t") == [(0,)]
    redshift.call("CancelStatement", Id=first)
    assert redshift.wait(second)["Status"] == "FINISHED"
    assert redshift.rows("select a from t") == [(10,)]


def test_writing_what_changed_since_the_snapshot_is_error_1023(redshift: Redshift) -> None:
    redshift.run("create table t (a int)", "create table s (a int)")
    redshift.run("insert into t values (0)")
    # The first statement takes the snapshot; the lock on s holds the transaction until t has changed.
    holder = redshift.start("insert into s values (1)", "select pg_sleep(30)")
    wait_for_status(redshift, f"{holder}:1", "FINISHED")
    late = redshift.start("select a from t", "insert into s values (2)", "update t set a = a + 1")
    wait_for_lock(redshift)
    redshift.run("update t set a = 5")
    redshift.call("CancelStatement", Id=holder)
    described = redshift.wait(late)
    assert described["Status"] == "FAILED"
    assert "ERROR: 1023 DETAIL: Serializable isolation violation on table - t" in described["Error"]
    assert redshift.rows("select a from t") == [(5,)]
    assert redshift.rows("select count(*) from s") == [(0,)]


def test_locks_in_opposite_order_are_a_deadlock(redshift: Redshift) -> None:
    redshift.run("create table t (a int)", "create table s (a int)", "create table gate (a int)")
    gate = redshift.start("insert into gate values (1)", "select pg_sleep(30)")
    wait_for_status(redshift, f"{gate}:1", "FINISHED")
    one = redshift.start("insert into t values (1)", "lock gate in share mode", "insert into s values (1)")
    two = redshift.start("insert into s values (2)", "lock gate in share mode", "insert into t values (2)")
    wait_for_lock(redshift, 2)
    redshift.call("CancelStatement", Id=gate)
    ends = sorted(redshift.wait(identifier)["Status"] for identifier in (one, two))
    assert ends == ["FAILED", "FINISHED"]
    failed = next(each for each in map(redshift.wait, (one, two)) if each["Status"] == "FAILED")
    assert "ERROR: deadlock detected" in failed["Error"]


def test_a_transaction_reads_one_snapshot(redshift: Redshift) -> None:
    redshift.run("create table t (a int)", "create table gate (a int)")
    gate = redshift.start("insert into gate values (1)", "select pg_sleep(30)")
    wait_for_status(redshift, f"{gate}:1", "FINISHED")
    reader = redshift.start("select count(*) from t", "insert into gate values (2)", "select count(*) from t")
    wait_for_lock(redshift)
    redshift.run("insert into t values (1)")
    redshift.call("CancelStatement", Id=gate)
    assert redshift.wait(reader)["Status"] == "FINISHED"
    assert redshift.fetch(f"{reader}:1") == redshift.fetch(f"{reader}:3") == [(0,)]

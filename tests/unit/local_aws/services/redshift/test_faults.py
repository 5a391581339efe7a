"""Faults at a statement's commit: it fails before or after it, is forgotten or late, or the database is killed."""

from __future__ import annotations

import time
from typing import Any

import pytest

from local_aws.errors import AwsError
from local_aws.services.faults.fault_rules import Error, FaultPlan, Rule
from tests.unit.local_aws.services.conftest import Redshift
from tests.waiting import until

pytestmark = pytest.mark.postgres
SAID = "1023 DETAIL: Serializable isolation violation on table - t"


def rule(**fields: Any) -> FaultPlan:
    return FaultPlan((Rule("r", "statement", **fields),))


@pytest.fixture
def table(redshift: Redshift) -> Redshift:
    redshift.run("create table t (a int)")
    return redshift


@pytest.mark.parametrize("batch", [True, False], ids=["batch", "alone"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("state", ["FAILED", "ABORTED"])
def test_a_statement_ends_in_a_state(table: Redshift, when: Any, state: str, batch: bool) -> None:
    match = {"statement_name": "load-*", "sql": "*insert*"}
    table.faults.put(rule(when=when, state=state, match=match, error=Error(message=SAID)))

    described = table.describe("insert into t values (1)", StatementName="load-1", batch=batch)

    assert (described["Status"], SAID in described["Error"]) == (state, True)
    assert table.rows("select count(*) from t") == [(1 if when == "after" else 0,)]
    assert table.faults.met() == {"r": 1}
    # The next one is as ever.
    table.run("insert into t values (2)", StatementName="load-2", batch=batch)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_statement_is_forgotten(table: Redshift, when: Any) -> None:
    table.faults.put(rule(when=when, state="forgotten", match={"sql": "insert*"}))
    request: dict[str, Any] = {"ClientToken": "a-token"}
    identifier = table.start("insert into t values (1)", **request)

    with pytest.raises(AwsError) as raised:
        until(lambda: not table.call("DescribeStatement", Id=identifier), "the statement is forgotten")
    assert (raised.value.code, raised.value.message) == ("ResourceNotFoundException", "Query does not exist.")
    listed = table.call("ListStatements", Status="ALL")["Statements"]
    assert identifier not in [each["Id"] for each in listed]
    # The token is still known, so the same request does not do the work again.
    assert table.start("insert into t values (1)", **request) == identifier
    expected = [(1 if when == "after" else 0,)]
    until(lambda: table.rows("select count(*) from t") == expected, f"the table has {expected}")


@pytest.mark.parametrize("operation", ["DescribeStatement", "GetStatementResult"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_statement_is_forgotten_while_its_end_is_waited_for(table: Redshift, when: Any, operation: str) -> None:
    table.faults.put(rule(when=when, delay=0.5, state="forgotten", match={"sql": "insert*"}))
    identifier = table.start("insert into t values (1)")
    with pytest.raises(AwsError) as raised:
        table.call(operation, Id=identifier, WaitTimeSeconds=30)
    assert (raised.value.code, raised.value.message) == ("ResourceNotFoundException", "Query does not exist.")


def test_a_commit_is_late_with_its_locks_held_and_can_be_cancelled(table: Redshift) -> None:
    table.faults.put(rule(delay=60.0, match={"sql": "insert*"}))
    identifier = table.start("insert into t values (1)", "select 1")
    second = f"{identifier}:2"
    until(lambda: table.call("DescribeStatement", Id=second)["Status"] == "FINISHED", f"{second} is FINISHED")
    locks = "select count(*) from pg_locks where mode = 'ShareRowExclusiveLock'"
    assert table.rows(locks) == [(1,)]

    table.call("CancelStatement", Id=identifier)

    assert table.wait(identifier)["Status"] == "ABORTED"
    assert table.rows("select count(*) from t") == [(0,)]


def test_a_delay_after_the_commit_holds_the_answer(table: Redshift) -> None:
    table.faults.put(rule(when="after", delay=0.3, match={"sql": "insert*"}))
    began = time.monotonic()
    table.run("insert into t values (1)", "select 1")
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_database_is_killed_and_comes_back_with_what_was_committed(table: Redshift, when: Any) -> None:
    table.faults.put(rule(when=when, kill="database", match={"sql": "insert*"}))

    described = table.describe("insert into t values (1)", "select 1")

    assert described["Status"] == ("FAILED" if when == "before" else "FINISHED")
    assert table.rows("select count(*) from t") == [(0 if when == "before" else 1,)]


def test_other_statements_go_on(table: Redshift) -> None:
    table.faults.put(rule(state="FAILED", match={"database": "other"}))
    table.run("insert into t values (1)")
    table.faults.put(rule(state="FAILED", match={"cluster": "warehouse", "database": "dev"}))
    assert "cancelled" in table.fail("insert into t values (1)")

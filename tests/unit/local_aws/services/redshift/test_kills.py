"""PostgreSQL killed below the Data API: what was told FINISHED is there, what was not fails by name, and it goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from local_aws.services.postgres import PostgresServer
from tests.unit.local_aws.services.conftest import Redshift
from tests.unit.local_aws.services.redshift.test_concurrency import wait_for_status
from tests.waiting import until

pytestmark = pytest.mark.postgres


def kill(server: PostgresServer) -> None:
    pid = (server.directory / "data" / "postmaster.pid").read_text().splitlines()[0]
    os.kill(int(pid), signal.SIGKILL)


def starts(server: PostgresServer) -> int:
    """How often the server began to take sessions; it does so again when one of its processes was killed."""
    return (server.directory / "postgresql.log").read_text().count("ready to accept connections")


def test_statements_that_finished_survive_and_those_that_ran_fail(redshift: Redshift, postgres: PostgresServer) -> None:
    redshift.run("create table kept (n int)")
    for number in range(20):
        redshift.run(f"insert into kept values ({number})", f"insert into kept values ({number})")
    waiting = redshift.start("insert into kept values (100)", "select pg_sleep(60)")
    wait_for_status(redshift, f"{waiting}:1", "FINISHED")
    kill(postgres)
    described = redshift.wait(waiting)
    assert described["Status"] == "FAILED"
    assert "server closed the connection" in described["Error"] or "terminating connection" in described["Error"]
    assert redshift.rows("select count(*), sum(n) from kept") == [(40, 380)]
    assert postgres.recovered


# Each session that makes a cluster's users and database, killed as soon as it has done one thing.
@pytest.mark.parametrize("done", range(1, 18, 3))
def test_a_cluster_whose_making_was_cut_off_is_made_whole(
    done: int, make_redshift: Callable[[], Redshift], postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute: Callable[..., Any] = psycopg.Connection.execute
    count = 0

    def killing(connection: psycopg.Connection[Any], *arguments: Any, **named: Any) -> Any:
        nonlocal count
        answer = execute(connection, *arguments, **named)
        count += 1
        if count == done:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
        return answer

    monkeypatch.setattr(psycopg.Connection, "execute", killing)
    redshift = make_redshift()
    before = starts(postgres)
    redshift.describe("select 1")
    monkeypatch.undo()
    until(lambda: starts(postgres) > before, "the database has started again")
    redshift.run("create table t (n int)", "insert into t values (1)")
    again = make_redshift()  # as an endpoint that was started anew on the same data
    assert again.rows("select n from t") == [(1,)]

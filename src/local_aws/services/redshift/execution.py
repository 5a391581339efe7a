"""Runs a request's statements in a session of its own, and keeps their status up to date."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
import time
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from local_aws.services.faults.fault_rules import Faults, Occasion, When
from local_aws.services.redshift.copy_statement import CopyStatement
from local_aws.services.redshift.dialect import StatementPlan, TransactionUse, plan
from local_aws.services.redshift.file_mover import FileMover
from local_aws.services.redshift.model import ResultSet, SentStatement, SubStatement
from local_aws.services.redshift.result_sets import read_result
from local_aws.services.redshift.sqlerror import SqlError
from local_aws.services.redshift.warehouse import Warehouse

PRIOR_FAILURE = "Connection or an prior query failed."
_CANCELLED = SqlError("Query cancelled on user's request", "57014")
_query_ids = itertools.count(1001)
_query_id_lock = threading.Lock()


class StatementExecution:
    """One run of a statement; ``cancel`` may be called from another thread."""

    def __init__(self, statement: SentStatement, warehouse: Warehouse, mover: FileMover, faults: Faults) -> None:
        self._faults = faults
        self._statement = statement
        self._warehouse = warehouse
        self._mover = mover
        self._connection: psycopg.Connection[Any] | None = None

    def run(self) -> None:
        """Run to a final status; raises nothing."""
        statement = self._statement
        started = time.monotonic_ns()
        statement.move("PICKED")
        error: str | None
        try:
            if statement.cancelled:
                raise _CANCELLED
            connection = self._warehouse.connect(statement.target)
            try:
                with statement.lock:
                    self._connection = connection
                    statement.pid = connection.info.backend_pid
                statement.move("STARTED")
                error = self._run_all(connection)
            finally:
                with statement.lock:
                    self._connection = None
                connection.close()
        except SqlError as failure:
            error = failure.text
        except Exception as failure:  # the last line of a thread: a statement must not look as if it went on
            error = f"ERROR: internal error of this local endpoint: {type(failure).__name__}: {failure}"
        self._end(error, time.monotonic_ns() - started)

    def cancel(self) -> None:
        """End the statement as ABORTED as soon as PostgreSQL lets go."""
        with self._statement.lock:
            self._statement.cancelled = True
            if self._connection is not None:
                with contextlib.suppress(psycopg.Error):
                    self._connection.cancel_safe(timeout=5)

    def _end(self, error: str | None, duration: int) -> None:
        statement = self._statement
        final = "FINISHED" if error is None else "ABORTED" if statement.cancelled else "FAILED"
        with statement.lock:
            statement.duration = duration
            for sub in statement.subs:
                if sub.status in ("SUBMITTED", "PICKED", "STARTED"):
                    _finish(sub, "ABORTED", PRIOR_FAILURE if statement.batch else error)
            if not statement.batch:
                _finish(statement.subs[0], final, error)
        statement.move(final, error)

    def _run_all(self, connection: psycopg.Connection[Any]) -> str | None:
        """The request's error, if it has one."""
        statement = self._statement
        if not statement.batch:
            try:
                self._run_alone(connection, statement.subs[0])
            except SqlError as failure:
                return failure.text
            return None
        if statement.mode == "AUTO_COMMIT":
            return self._run_each(connection)
        return self._run_transaction(connection)

    def _run_each(self, connection: psycopg.Connection[Any]) -> str | None:
        error = None
        for number, sub in enumerate(self._statement.subs, 1):
            try:
                self._run_alone(connection, sub)
            except SqlError as failure:
                _finish(sub, "ABORTED" if self._statement.cancelled else "FAILED", failure.text)
                error = error or f"Query #{number} failed with {failure.text}"
                if self._statement.cancelled:
                    break
        return error

    def _run_transaction(self, connection: psycopg.Connection[Any]) -> str | None:
        subs = self._statement.subs
        try:
            connection.execute("BEGIN")
            for sub in subs:
                self._run_one(connection, sub, in_transaction=True)
            self._meet(connection, "before")
            connection.execute("COMMIT")
            self._meet(connection, "after")
        except (SqlError, psycopg.Error) as failure:
            error = translate(failure, None)
            # What fails at COMMIT is told of the last statement.
            failed = min(sum(sub.status == "FINISHED" for sub in subs), len(subs) - 1)
            _finish(subs[failed], "ABORTED" if self._statement.cancelled else "FAILED", error.text)
            with contextlib.suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            return error.text if self._statement.cancelled else f"Query #{failed + 1} failed with {error.text}"
        return None

    def _run_alone(self, connection: psycopg.Connection[Any], sub: SubStatement) -> None:
        try:
            self._meet(connection, "before")
            self._run_one(connection, sub, in_transaction=False)
            self._meet(connection, "after")
        finally:
            if not connection.closed and connection.info.transaction_status.name != "IDLE":
                connection.execute("ROLLBACK")

    def _meet(self, connection: psycopg.Connection[Any], when: When) -> None:
        """What a fault does before a transaction's commit, or after it.

        Raises:
            SqlError: the statement is to fail.
        """
        if not self._faults.statement:
            return
        statement = self._statement
        names = {"database": statement.target.database, "cluster": statement.target.cluster.identifier}
        names["statement_name"] = statement.name or ""
        occasion = Occasion(members={"sql": [sub.sql for sub in statement.subs]}, names=names)
        rule = self._faults.take(self._faults.statement, when, occasion)
        if rule is None:
            return
        try:
            if rule.delay:
                # In the session, so that locks are held, and a cancellation ends it.
                connection.execute("SELECT pg_catalog.pg_sleep(%s)", (rule.delay,))
        except psycopg.Error as failure:
            if when == "before":
                raise translate(failure, None) from failure
        self._faults.kill(rule)
        if rule.state is None:
            return
        with statement.lock:
            statement.forgotten = rule.state == "forgotten"
            statement.cancelled = statement.cancelled or rule.state == "ABORTED"
        if when == "before" or not statement.forgotten:
            raise SqlError(rule.error.message if rule.error else _CANCELLED.message)

    def _run_one(self, connection: psycopg.Connection[Any], sub: SubStatement, *, in_transaction: bool) -> None:
        statement = self._statement
        if statement.cancelled:
            raise _CANCELLED
        started = time.monotonic_ns()
        with statement.lock:
            sub.status, sub.updated = "STARTED", time.time()
        with _query_id_lock:
            sub.query_id = next(_query_ids)
        planned = plan(sub.sql, statement.values())
        try:
            rows, result = self._perform(connection, planned, in_transaction)
        except psycopg.Error as failure:
            raise translate(failure, planned) from failure
        finally:
            sub.duration = time.monotonic_ns() - started
        with statement.lock:
            sub.rows, sub.result, sub.has_result = rows, result, result is not None
            _finish(sub, "FINISHED", None)

    def _perform(
        self, connection: psycopg.Connection[Any], planned: StatementPlan, in_transaction: bool
    ) -> tuple[int, ResultSet | None]:
        own = not in_transaction and (planned.write is not None or planned.unload is not None)
        if own:
            connection.execute("BEGIN")
        if planned.write is not None:
            # As in Redshift, writers of a table wait for each other; readers do not. Taken as the transaction's first
            # statement the lock comes before its snapshot, so the writer then sees what it waited for.
            connection.execute(f"LOCK TABLE {planned.write} IN SHARE ROW EXCLUSIVE MODE".encode())
        if planned.copy is not None:
            outcome: tuple[int, ResultSet | None] = (self._copy(connection, planned.copy, own), None)
        elif planned.unload is not None:
            outcome = (self._mover.unload(connection, planned.unload, self._statement), None)
        else:
            outcome = _execute(connection, planned)
        if own:
            connection.execute("COMMIT")
        elif in_transaction and planned.place is TransactionUse.COMMITS:
            connection.execute("COMMIT")
            connection.execute("BEGIN")
        return outcome

    def _copy(self, connection: psycopg.Connection[Any], copy: CopyStatement, own: bool) -> int:
        try:
            return self._mover.copy(connection, copy, self._statement)
        except Exception:  # raised on: whatever failed, the session is set right before
            if own:
                # In the session that goes on, pg_last_copy_count() is 0 after a COPY that failed as it loaded.
                connection.execute("ROLLBACK")
                connection.execute("SELECT set_config('redshift.last_copy_count', '0', false)")
            raise


def _execute(connection: psycopg.Connection[Any], planned: StatementPlan) -> tuple[int, ResultSet | None]:
    cursor = psycopg.RawCursor(connection)
    cursor.execute(planned.sql.encode(), planned.values or None)
    raw = cursor.pgresult
    if raw is not None and raw.status == ExecStatus.TUPLES_OK:
        result = read_result(connection, raw)
        return len(result.rows), result
    return max(cursor.rowcount, 0), None


def _finish(sub: SubStatement, status: str, error: str | None) -> None:
    sub.status, sub.error, sub.updated = status, error, time.time()


_BYTES_CHECK = re.compile(r"bytes_(character(?: varying)?)_(\d+)_\d+")


def translate(failure: Exception, planned: StatementPlan | None) -> SqlError:
    """PostgreSQL's error in Redshift's words, where they differ."""
    if isinstance(failure, SqlError):
        return failure
    assert isinstance(failure, psycopg.Error)
    state = failure.sqlstate or "XX000"
    message = failure.diag.message_primary or str(failure).strip()
    if state == "57014":
        return _CANCELLED
    if state == "40001":
        table = planned.write.replace('"', "") if planned is not None and planned.write else "(unknown)"
        return SqlError(f"1023 DETAIL: Serializable isolation violation on table - {table}: {message}", state)
    check = _BYTES_CHECK.fullmatch(failure.diag.constraint_name or "") if state == "23514" else None
    if check is not None:
        return SqlError(f"value too long for type {check.group(1)}({check.group(2)})", "22001")
    if state == "21000" and message.startswith("MERGE"):
        return SqlError("Found multiple matches to update the same tuple.", state)
    return SqlError(message, state, failure.diag.message_detail)

"""Ask Redshift for the audit rows of a job, and count its rows in the output tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from dataset_contract.json_types import JsonMapping
from pipeline.evidence.asking import Asker
from pipeline.evidence.model import WarehouseRows
from pipeline.redshift import query
from pipeline.stacks import Stack

# With what puts their rows into an order.
TABLES = {
    "job_run": "job_id",
    "job_attempt": "attempt",
    "stage_run": "finished_at",
    "rule_run": "attempt DESC, number",
    "table_load": "table_name",
    "source_file": "uri",
    "reconciliation": "table_name",
    "replay_reconciliation": "job_id",
}
MOST_ROWS = 1000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,126}")


def look(stack: Stack, asker: Asker, job_id: str) -> Callable[[], WarehouseRows]:
    """Start asking for the audit rows; the function that is returned waits for them and counts the tables' rows."""
    asked = {name: asker.ask(_audit, stack, name, order, job_id) for name, order in TABLES.items()}
    since, replayed_by = asker.ask(_loaded_since, stack, job_id), asker.ask(_replayed_by, stack, job_id)

    def whole() -> WarehouseRows:
        tables = {name: future.result() for name, future in asked.items()}
        loads = tables["table_load"].value or ()
        counted = {str(row["table_name"]): asker.ask(_count, stack, str(row["table_name"]), job_id) for row in loads}
        return WarehouseRows(
            tables, {name: future.result() for name, future in counted.items()}, since.result(), replayed_by.result()
        )

    return whole


def _audit(stack: Stack, table: str, order: str, job_id: str) -> Sequence[JsonMapping]:
    sql = f"SELECT * FROM audit.{table} WHERE job_id = :job_id ORDER BY {order} LIMIT {MOST_ROWS}"
    return query(stack.client("redshift-data"), stack.outputs, sql, job_id=job_id)


def _loaded_since(stack: Stack, job_id: str) -> Sequence[JsonMapping]:
    """Tables that a later job has loaded, with how many such jobs there are."""
    sql = (
        "SELECT mine.table_name, COUNT(*) AS jobs FROM audit.table_load AS mine JOIN audit.table_load AS other "
        "ON other.table_name = mine.table_name AND other.job_id <> mine.job_id AND other.loaded_at >= mine.loaded_at "
        "WHERE mine.job_id = :job_id GROUP BY mine.table_name"
    )
    return query(stack.client("redshift-data"), stack.outputs, sql, job_id=job_id)


def _replayed_by(stack: Stack, job_id: str) -> Sequence[JsonMapping]:
    sql = "SELECT job_id, status FROM audit.job_run WHERE replays = :job_id ORDER BY job_id"
    return query(stack.client("redshift-data"), stack.outputs, sql, job_id=job_id)


def _count(stack: Stack, table: str, job_id: str) -> int:
    if not _NAME.fullmatch(table):
        raise ValueError(f"table_name is {table!r} in audit.table_load; accepted: letters, digits and underscores")
    sql = f'SELECT COUNT(*) AS n FROM analytics."{table}" WHERE job_id = :job_id'
    return int(query(stack.client("redshift-data"), stack.outputs, sql, job_id=job_id)[0]["n"])

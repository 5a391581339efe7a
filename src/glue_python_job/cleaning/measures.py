"""Set rules measured over the staged rows of an object. dataset_contract.judging compares what is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Union

import duckdb

from dataset_contract.conditions import any_broken
from dataset_contract.judging import judge
from dataset_contract.model import DataObject, SetRule, Verdict
from dataset_contract.types import DATE
from glue_python_job import database, sql
from glue_python_job.cleaning.conditions import DUCKDB
from glue_python_job.cleaning.outcome import Outcome
from glue_python_job.cleaning.rules import staged
from glue_python_job.errors import JobError

ROWS_PER_PASS = 4_000_000  # about 300 MB of keys and counts

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SCANNED = ("nullValues", "missingValues", "invalidValues", "latency")
Number = Union[int, Decimal]


@dataclass(frozen=True)
class Measurer:
    """Measures the set rules of objects."""

    connection: duckdb.DuckDBPyConnection
    memory_limit: int  # in bytes, of the connection that a sql rule gets for itself
    scratch: Path
    started_at: datetime  # of the execution

    def verdicts(self, item: DataObject, outcome: Outcome) -> list[Verdict]:
        """Measure and judge each rule of the object, in their order.

        Raises:
            JobError: a sql rule cannot be measured; the message names it.
        """
        files = [part.path for part in outcome.staged]
        scanned = self._scan(item, files)
        verdicts = []
        for rule in item.rules:
            of = outcome.counts.rows_in if rule.metric == "rejectedRows" else outcome.counts.staged
            measured = scanned[rule.id] if rule.id in scanned else self._measure(rule, item, outcome, files)
            verdicts.append(judge(rule, measured, of))
        return verdicts

    def _measure(self, rule: SetRule, item: DataObject, outcome: Outcome, files: Sequence[Path]) -> Number | None:
        if rule.metric == "rowCount":
            return outcome.counts.staged
        if rule.metric == "rejectedRows":
            return outcome.counts.rejected
        if rule.metric == "duplicateValues":
            return self._duplicates(rule, item, files, outcome.counts.staged)
        if rule.metric != "sql":
            raise NotImplementedError(f"the metric {rule.metric} is not measured here")
        return self._query(rule, files)

    def _scan(self, item: DataObject, files: Sequence[Path]) -> dict[str, Number | None]:
        """What one pass over the rows tells, by the rule's id."""
        rules = [rule for rule in item.rules if rule.metric in _SCANNED]
        if not rules:
            return {}
        values = ", ".join(_aggregate(rule, item) for rule in rules)
        row = self.connection.execute(f"SELECT {values} FROM {staged(item, files)}").fetchall()[0]
        return {
            rule.id: self._age(found) if rule.metric == "latency" else int(found) for rule, found in zip(rules, row)
        }

    def _age(self, newest: int | None) -> Decimal | None:
        """Seconds from a moment, in microseconds of the epoch, to the start of the execution."""
        if newest is None:
            return None
        return Decimal((self.started_at - _EPOCH) // timedelta(microseconds=1) - newest) / 10**6

    def _duplicates(self, rule: SetRule, item: DataObject, files: Sequence[Path], rows: int) -> int:
        """Rows beyond the first of their key, a share of the keys at a time. A key with a null equals no other."""
        places = {column.name: f"c{index}" for index, column in enumerate(item.columns)}
        names = [places[name] for name in rule.columns]
        columns, there = ", ".join(names), " AND ".join(f"{name} IS NOT NULL" for name in names)
        passes, found = max(1, -(-rows // ROWS_PER_PASS)), 0
        for share in range(passes):
            keys = (
                f"SELECT count(*) - 1 AS more FROM {staged(item, files)} "
                f"WHERE {there} AND hash({columns}) % {passes} = {share} GROUP BY {columns}"
            )
            found += int(self.connection.execute(f"SELECT coalesce(sum(more), 0) FROM ({keys})").fetchall()[0][0])
        return found

    def _query(self, rule: SetRule, files: Sequence[Path]) -> Number | None:
        """The one value of a rule's own query. It sees the object's rows and nothing else, and changes nothing."""
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self.memory_limit}B",
            "temp_directory": str(self.scratch / "query-spill"),
        }
        with duckdb.connect(config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET allowed_paths = {sql.paths(files)}")
            connection.execute(f"SET allowed_directories = {sql.paths([self.scratch / 'query-spill'])}")
            connection.execute("SET enable_external_access = false")
            connection.execute(
                f"CREATE VIEW {sql.identifier(rule.object)} AS "
                f"SELECT * FROM read_parquet({sql.paths(files)}, hive_partitioning = false)"
            )
            connection.execute("SET lock_configuration = true")
            try:
                statements = connection.extract_statements(rule.query)
                if len(statements) != 1 or statements[0].type.name != "SELECT":
                    raise JobError(f"the query of rule {rule.id} is not one SELECT; write one that gives one number")
                result = connection.execute(statements[0])
                width, rows = len(result.description or ()), result.fetchmany(2)
            except duckdb.OutOfMemoryException:
                raise
            except database.ERRORS as error:
                raise JobError(f"the query of rule {rule.id} fails: {database.said(error)}") from error
        if width != 1 or len(rows) > 1:
            more = "more than one row" if width == 1 else f"{width} columns"
            raise JobError(f"the query of rule {rule.id} gives {more}; write one that gives one number")
        return _number(rule, rows[0][0] if rows else None)


def _aggregate(rule: SetRule, item: DataObject) -> str:
    columns = {column.name: (column, f"c{index}") for index, column in enumerate(item.columns)}
    if rule.metric == "latency":
        column, name = columns[rule.columns[0]]
        return f"epoch_us(max(CAST({name} AS TIMESTAMP)))" if column.type.kind == DATE else f"epoch_us(max({name}))"
    broken = []
    for column, name in (columns[each] for each in rule.columns):
        broken.append(
            f"{name} IS NULL" if rule.metric == "nullValues" else any_broken(rule.rules, column.type, name, DUCKDB)
        )
    return f"count(*) FILTER (WHERE {' OR '.join(broken)})"


def _number(rule: SetRule, value: object) -> Number | None:
    if value is None or (isinstance(value, (int, Decimal)) and not isinstance(value, bool)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    raise JobError(
        f"the query of rule {rule.id} gives {str(value)[:100]!r}, which is not a number; write one that does"
    )

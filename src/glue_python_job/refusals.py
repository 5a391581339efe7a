"""Refused rows by their position: found with the rules, kept with their line and raw text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from glue_python_job import records, sql
from glue_python_job.errors import JobError
from glue_python_job.grammar import Grammar
from glue_python_job.reader import Segment
from glue_python_job.records import Read
from glue_python_job.rejects import RejectWriter
from glue_python_job.rules import Plan, Rule

# (segment, ordinal, code): the record of a segment, counted from 0, and the position of the rule that refuses it.
RULES_BROKEN = "rules_broken"
DUPLICATED = "duplicated"

_FETCH_ROWS = 10_000


class Refusals:
    """The tables of refused rows. They are DuckDB's, and so spill when there are many."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rejects: RejectWriter, uris: Sequence[str]) -> None:
        self._connection = connection
        self._rejects = rejects
        self._uris = uris
        for table in (RULES_BROKEN, DUPLICATED):
            connection.execute(f"CREATE TABLE {table} (segment INTEGER, ordinal BIGINT, code USMALLINT)")

    def find(self, segment: Segment, plan: Plan) -> tuple[int, int]:
        """Try the rules on each row of a segment. Returns the rows and how many of them are refused."""
        statement = plan.verdicts([segment.parsed or segment.path])
        # A table keeps the order of the statement that fills it: rowid is the position of the record.
        self._connection.execute(f"CREATE OR REPLACE TABLE verdict AS {statement}")
        counted = self._connection.execute("SELECT count(*), count(code) FROM verdict").fetchall()[0]
        self._connection.execute(
            f"INSERT INTO {RULES_BROKEN} SELECT {segment.number}, rowid, code FROM verdict WHERE code IS NOT NULL"
        )
        self._connection.execute("DROP TABLE verdict")
        return int(counted[0]), int(counted[1])

    def forget(self, segment: Segment) -> None:
        """Take back what was found in a segment."""
        self._connection.execute(f"DELETE FROM {RULES_BROKEN} WHERE segment = {segment.number}")

    def keep_text(self, segment: Segment, table: str, read: Read, grammar: Grammar, rules: Sequence[Rule]) -> None:
        """Keep the rows of a segment that `table` names. `read` gives the segment's text from its begin."""
        refused = self._rows(f"SELECT ordinal, code FROM {table} WHERE segment = {segment.number} ORDER BY ordinal")
        runs, first, run = records.kept(read, grammar), 0, records.Run(0, [], "")
        for ordinal, code in refused:
            while ordinal >= first + len(run.raws):
                first += len(run.raws)
                following = next(runs, None)
                if following is None:
                    raise JobError(f"{self._uris[segment.source]} has fewer records than before; start the job again")
                run = following
            raw = run.raws[ordinal - first].decode("utf-8", "backslashreplace")
            self._add(segment, segment.first_line + run.line + ordinal - first, rules[code], raw)

    def keep_parquet(self, segment: Segment, table: str, path: Path, rules: Sequence[Rule]) -> None:
        """Keep the rows of a Parquet file that `table` names, each as a JSON object."""
        fields = ", ".join(f"{sql.literal(name)}: {sql.identifier(name)}" for name in segment.layout.columns)
        source = f"read_parquet({sql.paths([path])}, hive_partitioning = false, file_row_number = true)"
        rows = self._rows(
            f"SELECT ordinal, code, row FROM {table} JOIN (SELECT file_row_number AS ordinal, to_json({{{fields}}}) "
            f"AS row FROM {source}) USING (ordinal) WHERE segment = {segment.number} ORDER BY ordinal"
        )
        for ordinal, code, row in rows:
            self._add(segment, ordinal + 1, rules[code], row)

    def _add(self, segment: Segment, line_number: int, rule: Rule, raw_row: str) -> None:
        self._rejects.add(self._uris[segment.source], line_number, rule.column, rule.reason, raw_row)

    def _rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        # A connection of its own: the writer uses the other one meanwhile.
        with self._connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            cursor.execute(statement)
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield from rows

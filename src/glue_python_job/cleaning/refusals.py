"""Refused rows by their position: found with the rules, kept with their line and raw text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from dataset_contract.model import Column
from glue_python_job import sql
from glue_python_job.cleaning.rejects import MOST_EXAMPLES, RejectWriter
from glue_python_job.cleaning.rules import RowPlan, RowRule
from glue_python_job.errors import JobError
from glue_python_job.text import records
from glue_python_job.text.reader import Segment
from glue_python_job.text.records import Grammar, Read

# (segment, ordinal, code): the record of a segment, counted from 0, and the position of the rule that refuses it.
RULES_BROKEN = "rules_broken"
DUPLICATED = "duplicated"

_FETCH_ROWS = 10_000
_STRING_OR_CONSTANT = re.compile(r'("(?:[^"\\]|\\.)*")|-?(?:NaN|Infinity)')


class Refusals:
    """The tables of refused rows. They are DuckDB's, and so spill when there are many."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, rejects: RejectWriter, uris: Sequence[str], explaining: bool
    ) -> None:
        self._connection = connection
        self._rejects = rejects
        self._uris = uris
        self._explaining = explaining
        self._told: dict[int, str] = {}  # ordinal in the segment at hand -> what to tell of the row
        for table in (RULES_BROKEN, DUPLICATED):
            connection.execute(f"CREATE OR REPLACE TABLE {table} (segment INTEGER, ordinal BIGINT, code USMALLINT)")

    def find(self, segment: Segment, plan: RowPlan) -> tuple[int, int]:
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

    def explain(self, segment: Segment, plan: RowPlan) -> None:
        """Find out of the first refused rows of a segment which values break which rules, if that is to be told."""
        wanted = MOST_EXAMPLES - len(self._rejects.examples)
        if not self._explaining or wanted <= 0:
            return
        refused = self._rows(f"SELECT ordinal FROM {RULES_BROKEN} WHERE segment = {segment.number} ORDER BY ordinal")
        ordinals = [ordinal for (ordinal,) in islice(refused, wanted)]
        if ordinals:
            rows = self._rows(plan.explained([segment.parsed or segment.path], ordinals))
            self._told = {ordinal: plan.explain(codes, fields) for ordinal, codes, fields in rows}

    def keep_text(self, segment: Segment, table: str, read: Read, grammar: Grammar, rules: Sequence[RowRule]) -> None:
        """Keep the rows of a segment that `table` names. `read` gives the segment's text from its start."""
        refused = self._rows(f"SELECT ordinal, code FROM {table} WHERE segment = {segment.number} ORDER BY ordinal")
        runs, first, run = records.kept(read, grammar), 0, records.RecordRun(0, [], "")
        for ordinal, code in refused:
            while ordinal >= first + len(run.raws):
                first += len(run.raws)
                following = next(runs, None)
                if following is None:
                    raise JobError(f"{self._uris[segment.source]} has fewer records than before; start the job again")
                run = following
            raw = grammar.text(run.raws[ordinal - first])
            self._add(
                segment,
                ordinal,
                segment.first_line + run.line + ordinal - first,
                rules[code],
                raw,
                run.raws[ordinal - first],
            )
        self._told = {}

    def keep_parquet(
        self, segment: Segment, table: str, path: Path, rules: Sequence[RowRule], columns: Sequence[Column]
    ) -> None:
        """Keep the rows of a Parquet file that `table` names, each as a JSON object."""
        names = segment.layout.columns
        # Fields by position: a column may have the name of one of DuckDB's own.
        # By the contract's names, so that the rows may be mended and read again as JSON.
        known = {segment.layout.position(column): column.source_name for column in columns}
        shown = [known.get(index, name) for index, name in enumerate(names)]
        fields = ", ".join(f"{sql.literal(name)}: s.p{index}" for index, name in enumerate(shown))
        aliases = ", ".join(f"p{index}" for index in range(len(names)))
        source = f"read_parquet({sql.paths([path])}, hive_partitioning = false) AS s({aliases})"
        rows = self._rows(
            f"SELECT ordinal, code, document FROM {table} JOIN (SELECT s.file_row_number AS ordinal, "
            f"to_json({{{fields}}}) AS document FROM {source}) USING (ordinal) WHERE segment = {segment.number} "
            "ORDER BY ordinal"
        )
        for ordinal, code, document in rows:
            self._add(segment, ordinal, ordinal + 1, rules[code], _valid_json(document))
        self._told = {}

    def _add(
        self, segment: Segment, ordinal: int, line_number: int, rule: RowRule, raw_row: str, raw: bytes | None = None
    ) -> None:
        told = self._told.get(ordinal, "")
        self._rejects.add(
            self._uris[segment.source],
            line_number,
            rule.column,
            rule.reason,
            raw_row,
            told,
            layout=segment.layout,
            raw=raw,
        )

    def _rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        # A connection of its own: the writer uses the other one meanwhile.
        with self._connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            cursor.execute(statement)
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield from rows


def _valid_json(document: str) -> str:
    """DuckDB's to_json with NaN and Infinity, which JSON does not have, as strings."""
    if "NaN" not in document and "Infinity" not in document:
        return document
    return _STRING_OR_CONSTANT.sub(lambda found: found[1] or f'"{found[0]}"', document)

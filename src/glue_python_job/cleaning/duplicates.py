"""Unique keys over all staged rows, in bounded memory: the first row in the order of the source keeps its place.

Keys that ascend from row to row are unique. Otherwise the hashes of the keys are grouped, a share of them at a time;
only rows whose hash occurs twice are looked at by value.
A key with a null is none, as in SQL. A row is a duplicate of a row that stays: one that goes for the sake of another
key takes no place, so with several keys the rows are decided one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter

import duckdb

from dataset_contract import wording
from dataset_contract.model import DataObject, Key
from glue_python_job import sql
from glue_python_job.cleaning.outcome import LocalPart
from glue_python_job.cleaning.refusals import DUPLICATED, RULES_BROKEN
from glue_python_job.cleaning.rules import RowRule, named, staged
from glue_python_job.database import one_thread
from glue_python_job.text.reader import Segment

ROWS_PER_JOIN = 1_000_000
ROWS_PER_PASS = 4_000_000  # about 300 MB of hashes and counts
ROWS_PER_FETCH = 10_000
ROWS_OF_SAMPLE = 10_000
ROWS_PER_INSERT = 50_000


class Duplicates:
    """Finds rows whose key was there before. A row's position counts the staged rows of the run, from 0."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, item: DataObject) -> None:
        self._connection = connection
        self._item = item
        self._places = {column.name: f"c{index}" for index, column in enumerate(item.columns)}
        self.rules = [RowRule(", ".join(key.columns), wording.DUPLICATE, "") for key in item.keys]
        connection.execute("CREATE OR REPLACE TABLE duplicate (position BIGINT, code USMALLINT)")

    def find(self, parts: Sequence[LocalPart]) -> int:
        """Look through the staged files, in their order, for each key. Returns the number of duplicates."""
        rows = sum(part.rows for part in parts)
        passes = max(1, -(-rows // ROWS_PER_PASS))
        # The rows that share a key with others, each with the first of them.
        self._connection.execute("CREATE OR REPLACE TABLE sharing (position BIGINT, code USMALLINT, first BIGINT)")
        for code, key in enumerate(self._item.keys if rows else ()):
            for share in range(0 if self._ascends(parts, key) else passes):
                self._find(parts, code, key, f"h % {passes} = {share}")
        if self._count("(SELECT DISTINCT code FROM sharing)") > 1:
            self._decide(rows)
        else:
            self._connection.execute("INSERT INTO duplicate SELECT position, code FROM sharing WHERE position <> first")
        self._connection.execute("DROP TABLE sharing")
        return self._count("duplicate")

    def locate(self, segments: Iterable[Segment]) -> list[tuple[Segment, int]]:
        """Enter the duplicates into the table of refused rows, by segment. Returns the segments that have some."""
        first, found = 0, []
        for segment in segments:
            rows = (segment.rows or 0) - segment.refused
            self._connection.execute(
                f"""
                INSERT INTO {DUPLICATED}
                WITH refused AS (
                    -- how many records before an accepted one are refused: `rank` when `accepted` or more are before it
                    SELECT ordinal - row_number() OVER (ORDER BY ordinal) + 1 AS accepted,
                           row_number() OVER (ORDER BY ordinal) AS rank
                    FROM {RULES_BROKEN} WHERE segment = {segment.number}
                ), steps AS (SELECT accepted, max(rank) AS rank FROM refused GROUP BY accepted),
                here AS (
                    SELECT position - {first} AS accepted, code FROM duplicate
                    WHERE position >= {first} AND position < {first + rows}
                )
                SELECT {segment.number}, here.accepted + coalesce(steps.rank, 0), here.code
                FROM here ASOF LEFT JOIN steps ON here.accepted >= steps.accepted
                """
            )
            count = self._count(f"{DUPLICATED} WHERE segment = {segment.number}")
            if count:
                found.append((segment, count))
            first += rows
        return found

    def remove(self, parts: Sequence[LocalPart]) -> list[LocalPart]:
        """Write the files that have duplicates anew without them. Returns all files that have rows."""
        first, remaining = 0, []
        for part in parts:
            remaining.append(self._without(part, first))
            first += part.rows
        return [part for part in remaining if part.rows]

    def _without(self, part: LocalPart, first: int) -> LocalPart:
        within = f"duplicate WHERE position >= {first} AND position < {first + part.rows}"
        count = self._count(within)
        if not count:
            return part
        # The join that leaves the duplicates out keeps the order of the rows while its hash table is in memory.
        order = " ORDER BY s.file_row_number" if count > ROWS_PER_JOIN else ""
        path = part.path.with_name(part.path.name.replace(".parquet", "-unique.parquet"))
        rows = (
            f"SELECT {named(self._item, 'c')} FROM {self._scan([part])} "
            f"WHERE s.file_row_number NOT IN (SELECT position - {first} FROM {within}){order}"
        )
        with one_thread(self._connection):
            self._connection.execute(f"COPY ({rows}) TO {sql.literal(str(path))} ({sql.PARQUET})")
        part.path.unlink()
        return LocalPart(path, part.rows - count)

    def _ascends(self, parts: Sequence[LocalPart], key: Key) -> bool:
        """Whether each row's key is greater than that of the row before: then none occurs twice, and none is null.

        Many sources are sorted by their key, and to see this takes a tenth of the time of grouping.
        """
        names = [self._places[name] for name in key.columns]
        greater = "false"
        for name in reversed(names):
            greater = f"{name} > {name}_before OR ({name} = {name}_before AND ({greater}))"
        pairs = ", ".join(f"{name}, lag({name}) OVER () AS {name}_before" for name in names)
        for limit in (f" LIMIT {ROWS_OF_SAMPLE}", ""):
            rows = f"SELECT {pairs} FROM (SELECT {', '.join(names)} FROM {self._scan(parts)}{limit})"
            # Before the first row is none, so its comparison is null.
            if self._count(f"({rows}) WHERE ({greater}) IS NOT TRUE") != 1:
                return False
        return True

    def _find(self, parts: Sequence[LocalPart], code: int, key: Key, share: str) -> None:
        names = [self._places[name] for name in key.columns]
        columns, there = ", ".join(names), " AND ".join(f"{name} IS NOT NULL" for name in names)
        self._connection.execute(
            f"""
            CREATE OR REPLACE TABLE repeated AS
            SELECT h FROM (SELECT hash({columns}) AS h FROM {self._scan(parts)} WHERE {there})
            WHERE {share} GROUP BY h HAVING count(*) > 1
            """
        )
        if not self._count("repeated"):
            return
        self._connection.execute(
            f"""
            CREATE OR REPLACE TABLE candidate AS
            SELECT position, {columns} FROM ({self._positions(parts, columns)})
            WHERE {there} AND hash({columns}) IN (FROM repeated)
            """
        )
        self._connection.execute(
            f"""
            INSERT INTO sharing
            SELECT position, {code}, first FROM candidate
            JOIN (SELECT {columns}, min(position) AS first FROM candidate GROUP BY ALL HAVING count(*) > 1)
            USING ({columns})
            """
        )
        self._connection.execute("DROP TABLE candidate")

    def _decide(self, rows: int) -> None:
        """Go through the rows that share keys, in their order: one whose keys are all free stays and takes them."""
        # A key is known by the first row that has it: a bit for each.
        taken = [bytearray(rows // 8 + 1) for _ in self._item.keys]
        with self._connection.cursor() as reading:
            reading.execute("SELECT position, code, first FROM sharing ORDER BY position, code")
            found = _broken(_entries(reading), taken)
            while some := list(islice(found, ROWS_PER_INSERT)):
                self._enter(some)

    def _enter(self, found: Sequence[tuple[int, int]]) -> None:
        # As literals: for a parameter DuckDB imports pandas, where there is one. A list of numbers parses slowly.
        positions, codes = (sql.literal(",".join(map(str, numbers))) for numbers in zip(*found))
        self._connection.execute(
            f"INSERT INTO duplicate SELECT CAST(unnest(string_split({positions}, ',')) AS BIGINT), "
            f"CAST(unnest(string_split({codes}, ',')) AS USMALLINT)"
        )

    def _positions(self, parts: Sequence[LocalPart], columns: str) -> str:
        first, selects = 0, []
        for part in parts:
            selects.append(f"SELECT {first} + s.file_row_number AS position, {columns} FROM {self._scan([part])}")
            first += part.rows
        return " UNION ALL ".join(selects)

    def _count(self, rows: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])

    def _scan(self, parts: Sequence[LocalPart]) -> str:
        return staged(self._item, [part.path for part in parts])


def _entries(reading: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, int, int]]:
    while rows := reading.fetchmany(ROWS_PER_FETCH):
        yield from rows


def _broken(entries: Iterable[tuple[int, int, int]], taken: Sequence[bytearray]) -> Iterator[tuple[int, int]]:
    """The rows that do not stay, each with the code of its first key that is taken.

    `entries`: position, code and first of each row and key, in the order of rows and codes.
    """
    for position, row in groupby(entries, key=itemgetter(0)):
        keys = [(code, first >> 3, 1 << (first & 7)) for _, code, first in row]
        reason = next((code for code, byte, bit in keys if taken[code][byte] & bit), None)
        if reason is not None:
            yield position, reason
            continue
        for code, byte, bit in keys:
            taken[code][byte] |= bit

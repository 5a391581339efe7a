"""A contract object as SQL over files of one layout: typed rows, and the rules that refuse a row.

Rules are tried in the order of the columns, and within a column: required, type, characters and length, then the
contract's in their order. The first that applies is the reason of the refusal.

No name of a user is in a statement but the names of the staged columns, and these are given last: fields are f0, f1, …
(text) or p0, p1, … (Parquet) by their position in the file, and r0 the value as read, t0 the typed value of the
contract's first column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_contract import wording
from dataset_contract.conditions import broken
from dataset_contract.model import DataObject
from glue_python_job import sql
from glue_python_job.cleaning.conditions import DUCKDB
from glue_python_job.cleaning.values import Value, parquet_value, read_parquet, read_text, text_misfits, text_value
from glue_python_job.errors import JobError
from glue_python_job.text.layout import PARQUET, Layout

_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "BIT")


@dataclass(frozen=True)
class RowRule:
    """A reason to refuse a row."""

    column: str | None  # None: the row as such is refused
    reason: str
    condition: str  # SQL that is true for a row to refuse
    kept: str = ""  # SQL that is true for most rows that are not refused, for no other, and quicker


class RowPlan:
    """The statements over files of one layout. counted: see `Layout.scan`."""

    def __init__(self, layout: Layout, item: DataObject, *, counted: bool = False) -> None:
        self._layout = layout
        self.counted = counted
        self._item = item
        self._letter = "p" if layout.format == PARQUET else "f"
        self._values = [self._value(index) for index in range(len(item.columns))]
        self.rules = tuple(rule for index in range(len(item.columns)) for rule in self._column_rules(index))

    def accepted(self, files: Sequence[Path]) -> str:
        """The rows that no rule refuses, typed, the columns in the order of the contract; in the order of the files."""
        typed = ", ".join(f"t{index}" for index in range(len(self._item.columns)))
        kept = " AND ".join(rule.kept for rule in self.rules)
        # Most rows are kept, which is quickly seen; the others are asked rule by rule.
        accepted = f"({kept}) OR ({self._verdict()}) IS NULL" if kept else "true"
        rows = f"SELECT {typed} FROM ({self._typed(files)}) WHERE {accepted}"
        return f"SELECT {named(self._item, 't')} FROM ({rows}) AS s"

    def verdicts(self, files: Sequence[Path]) -> str:
        """One `code` a row, in order: null, or the position of the rule that refuses it."""
        return f"SELECT CAST({self._verdict()} AS USMALLINT) AS code FROM ({self._typed(files)})"

    def explained(self, files: Sequence[Path], ordinals: Sequence[int]) -> str:
        """For these rows, by their position in the files: `ordinal`, `codes` of all rules broken, `fields` as texts."""
        codes = ", ".join(f"CASE WHEN {rule.condition} THEN {code} END" for code, rule in enumerate(self.rules))
        fields = ", ".join(f"CAST({self._field(index)} AS VARCHAR)" for index in range(len(self._item.columns)))
        rows = f"SELECT *, row_number() OVER () - 1 AS ordinal FROM ({self._typed(files)})"
        wanted = ", ".join(map(str, ordinals))
        return f"SELECT ordinal, [{codes}] AS codes, [{fields}] AS fields FROM ({rows}) WHERE ordinal IN ({wanted})"

    def explain(self, codes: Sequence[int | None], fields: Sequence[str | None]) -> str:
        """`price is 1.239: not a DECIMAL(10,2); since is 12:30: not a TIMESTAMP`: each column's first broken rule."""
        by_column: dict[str | None, str] = {}
        values = {column.name: field for column, field in zip(self._item.columns, fields)}
        for code in codes:
            if code is not None:
                rule = self.rules[code]
                by_column.setdefault(rule.column, f"{rule.column} is {_shown(values[str(rule.column)])}: {rule.reason}")
        return "; ".join(by_column.values())

    def _field(self, index: int) -> str:
        return f"{self._letter}{self._layout.position(self._item.columns[index])}"

    def _verdict(self) -> str:
        cases = " ".join(f"WHEN {rule.condition} THEN {code}" for code, rule in enumerate(self.rules))
        return f"CASE {cases} END" if cases else "NULL"

    def _typed(self, files: Sequence[Path]) -> str:
        typed = ", ".join(f"{value.typed} AS t{index}" for index, value in enumerate(self._values))
        return f"SELECT *, {typed} FROM ({self._read(files)})"

    def _read(self, files: Sequence[Path]) -> str:
        item, layout = self._item, self._layout
        scan = layout.scan(files, item, counted=self.counted)
        if layout.format == PARQUET:
            scan = f"{scan} AS s({', '.join(f'p{index}' for index in range(len(layout.columns)))})"
        read = ", ".join(f"{self._as_read(index)} AS r{index}" for index in range(len(item.columns)))
        return f"SELECT *, {read} FROM {scan}"

    def _as_read(self, index: int) -> str:
        column, layout = self._item.columns[index], self._layout
        if layout.format == PARQUET:
            return read_parquet(self._field(index), column, layout.types[layout.position(column)])
        return read_text(self._field(index), column, layout.format, self._item.csv)

    def _value(self, index: int) -> Value:
        column, names = self._item.columns[index], (f"r{index}", f"t{index}")
        if self._layout.format == PARQUET:
            return parquet_value(*names, column, self._layout.types[self._layout.position(column)])
        return text_value(*names, column)

    def _column_rules(self, index: int) -> list[RowRule]:
        column, value, typed = self._item.columns[index], self._values[index], f"t{index}"
        found = [(wording.reason(rule), f"r{index} IS NULL") for rule in column.rules if rule.keyword == "required"]
        # Where a value may be null, a comparison with it is neither true nor false.
        absent = "" if found else f"r{index} IS NULL OR "
        kept = [f"r{index} IS NOT NULL" for _ in found]
        if value.misfit:
            found.append((wording.not_a(column.type), value.misfit))
            kept.append(f"({absent}{value.fit})")
        others = text_misfits(column, typed, self._layout.format)
        rules = [rule for rule in column.rules if rule.keyword != "required"]
        others += [(wording.reason(rule), broken(rule, column.type, typed, DUCKDB)) for rule in rules]
        kept += [f"({absent}NOT ({condition}))" for _, condition in others]
        return [
            RowRule(column.name, reason, condition, keeping)
            for (reason, condition), keeping in zip([*found, *others], kept)
        ]


def named(item: DataObject, letter: str) -> str:
    """The columns of relation `s` by position (`letter` and a number) under their names in the contract."""
    return ", ".join(f"s.{letter}{index} AS {sql.identifier(column.name)}" for index, column in enumerate(item.columns))


def staged(item: DataObject, files: Sequence[Path]) -> str:
    """The staged rows of an object as relation `s`: columns c0, c1, …, and `file_row_number` from 0 in each file.

    The last is DuckDB's virtual column: the given names leave it free, whatever the names in the files.
    """
    columns = ", ".join(f"c{index}" for index in range(len(item.columns)))
    return f"read_parquet({sql.paths(files)}, hive_partitioning = false) AS s({columns})"


def check_types(uri: str, layout: Layout, item: DataObject) -> None:
    """Refuse a Parquet file whose column can be no value of the contract's type.

    Raises:
        JobError: it names the column and its type.
    """
    for column in item.columns:
        source = layout.types[layout.position(column)]
        if source.endswith("]") or source.startswith(_NESTED):
            raise JobError(
                f"column {column.source_name} of {uri} is a {source}; the contract asks for a {column.type.redshift}"
            )


def _shown(field: str | None) -> str:
    if field is None:
        return "null"
    return field if len(field) <= 100 else field[:100] + "…"

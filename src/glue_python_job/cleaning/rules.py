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
from dataset_contract.conditions import broken, kept
from dataset_contract.model import Column, DataObject, ValueRule
from dataset_contract.types import TEXT_KINDS
from glue_python_job import sql
from glue_python_job.cleaning.conditions import DUCKDB
from glue_python_job.cleaning.values import (
    Value,
    null_if_empty,
    parquet_value,
    read_parquet,
    read_text,
    text_misfits,
    text_value,
)
from glue_python_job.errors import JobError
from glue_python_job.text.layout import CSV, PARQUET, Layout

_LONG_LIST = 50
_NESTED = ("STRUCT", "MAP", "BLOB")


@dataclass(frozen=True)
class RowRule:
    """A reason to refuse a row."""

    column: str | None  # None: the row as such is refused
    reason: str
    condition: str  # SQL that is true for a row to refuse


class RowPlan:
    """The statements over files of one layout. counted: see `Layout.scan`."""

    def __init__(self, layout: Layout, item: DataObject, *, counted: bool = False) -> None:
        self._layout = layout
        self.counted = counted
        self._item = item
        self._letter = "p" if layout.format == PARQUET else "f"
        numbers = range(len(item.columns))
        self._values = [self._value(index, f"r{index}") for index in numbers]
        self.rules = tuple(rule for index in numbers for rule in self._column_rules(index, f"r{index}"))

    def accepted(self, files: Sequence[Path]) -> str:
        """The rows that no rule refuses, typed, the columns in the order of the contract; in the order of the files."""
        numbers = range(len(self._item.columns))
        kept = " AND ".join(condition for index in numbers for condition in self._kept(index))
        # Most rows are kept, which is quickly seen; the others are asked rule by rule.
        accepted = f"({kept}) OR ({_verdict(self._rules_in_place())}) IS NULL"
        typed = ", ".join(f"{self._value(index, self._quick(index)).typed} AS t{index}" for index in numbers)
        rows = f"SELECT *, {typed} FROM ({self._read(files)})"
        columns = ", ".join(f"t{index}" for index in numbers)
        return f"SELECT {named(self._item, 't')} FROM (SELECT {columns} FROM ({rows}) WHERE {accepted}) AS s"

    def verdicts(self, files: Sequence[Path]) -> str:
        """One `code` a row, in order: null, or the position of the rule that refuses it."""
        return f"SELECT CAST({_verdict(self.rules)} AS USMALLINT) AS code FROM ({self._typed(files)})"

    def explained(self, files: Sequence[Path], ordinals: Sequence[int]) -> str:
        """A query for rows by their position in the files: `ordinal`, `codes` of broken rules, `fields` as texts."""
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

    def _value(self, index: int, read: str) -> Value:
        """`read`: what stands for the value as read, a name or an expression."""
        column = self._item.columns[index]
        if self._layout.format == PARQUET:
            return parquet_value(read, f"t{index}", column, self._layout.types[self._layout.position(column)])
        return text_value(read, f"t{index}", column)

    def _column_rules(self, index: int, read: str) -> list[RowRule]:
        column, value, typed = self._item.columns[index], self._value(index, read), f"t{index}"
        found = [(wording.reason(rule), f"{read} IS NULL") for rule in column.rules if rule.keyword == "required"]
        if value.misfit:
            found.append((wording.not_a(column.type), value.misfit))
        found += text_misfits(column, typed, self._layout.format)
        rules = [rule for rule in column.rules if rule.keyword != "required"]
        found += [(wording.reason(rule), broken(rule, column.type, typed, DUCKDB)) for rule in rules]
        return [RowRule(column.name, reason, condition) for reason, condition in found]

    def _plain(self, index: int) -> bool:
        """Whether the field itself gives the typed value of each row that is kept.

        It does if no other text than '' is null, and '' is null in the type as well, or refused.
        """
        column, layout = self._item.columns[index], self._layout
        if layout.format != CSV or read_text("f", column, CSV, self._item.csv) != null_if_empty("f"):
            return False
        return column.type.kind not in TEXT_KINDS or _is_required(column)

    def _quick(self, index: int) -> str:
        """What stands for the value as read where a row is kept. A column that nothing names is not computed."""
        return self._field(index) if self._plain(index) else f"r{index}"

    def _rules_in_place(self) -> list[RowRule]:
        """The rules on the fields themselves where that is enough."""
        numbers = range(len(self._item.columns))
        reads = [null_if_empty(self._field(index)) if self._plain(index) else f"r{index}" for index in numbers]
        return [rule for index in numbers for rule in self._column_rules(index, reads[index])]

    def _kept(self, index: int) -> list[str]:
        """Conditions that are true for most values that no rule refuses and for no other. Quicker than the rules."""
        column, read, typed = self._item.columns[index], self._quick(index), f"t{index}"
        value, plain = self._value(index, read), self._plain(index)
        rules = [rule for rule in column.rules if rule.keyword != "required"]
        misfits = text_misfits(column, typed, self._layout.format)
        if any(rule.keyword == "validValues" for rule in rules):
            # Each value of such a list is one of the type, and of the right length: the contract is checked for that.
            misfits, rules = [], [rule for rule in rules if rule.keyword not in ("minLength", "maxLength")]
        bytes_ = column.type.bytes
        rules = [
            # No text has more characters than bytes.
            rule
            for rule in rules
            if rule.keyword != "maxLength" or bytes_ is None or int(str(rule.argument)) < bytes_
        ]
        # There is always one: a value is of the type, or a text has misfits, or a list of valid values for them.
        conditions = [value.fit] if value.misfit else []
        conditions += [f"NOT ({condition})" for _, condition in misfits]
        conditions += [_keeps(rule, column, typed) for rule in rules]
        if not _is_required(column):
            # Where a value may be null, a comparison with it is neither true nor false.
            absent = f"{read} = ''" if plain else f"{read} IS NULL"
            return [f"({absent} OR ({' AND '.join(conditions)}))"]
        # '' is not a value of a type but text.
        present = f"{read} <> ''" if plain else f"{read} IS NOT NULL"
        return conditions if plain and value.misfit else [present, *conditions]


def _keeps(rule: ValueRule, column: Column, typed: str) -> str:
    values = rule.argument
    listed = values if rule.keyword == "validValues" and isinstance(values, tuple) else ()
    if len(listed) > _LONG_LIST and column.type.kind in TEXT_KINDS:
        # A list is compared value by value, an ENUM is looked up.
        return f"TRY_CAST({typed} AS ENUM({', '.join(DUCKDB.text(str(value)) for value in listed)})) IS NOT NULL"
    return kept(rule, column.type, typed, DUCKDB)


def _is_required(column: Column) -> bool:
    return any(rule.keyword == "required" for rule in column.rules)


def _verdict(rules: Sequence[RowRule]) -> str:
    cases = " ".join(f"WHEN {rule.condition} THEN {code}" for code, rule in enumerate(rules))
    return f"CASE {cases} END"


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

"""The contract as SQL: each column's typed value, and the rules that refuse a row.

Rules are tried in the order of the columns, and within a column: required, type, limits, lengths, patterns, valid
values. The first that applies is the reason of the refusal.

A plain TRY_CAST is too lenient for a contract: it rounds '1.5' to the INTEGER 2, reads '0x10' and '1_000', takes the
date of a timestamp, and ignores the offset of a timestamp. So a value must also be what the type would print, or match
the notation that is accepted beside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glue_python_job import sql
from glue_python_job.column_types import ColumnType
from glue_python_job.contract import Column, Contract
from glue_python_job.errors import JobError
from glue_python_job.layout import JSON, PARQUET, Layout

NOT_JSON = "not valid JSON"
NOT_AN_OBJECT = "not a JSON object"

_INTEGER = r"\s*[+-]?[0-9]+(\.0*)?\s*"
_DATE_AT_MIDNIGHT = r"\d{4}-\d{2}-\d{2}([ T]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?)?"
_YEARS = {
    "date": "DATE '0001-01-01' AND DATE '9999-12-31'",
    "timestamp": "TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999'",
    "timestamptz": "TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'",
}
_NESTED = ("STRUCT", "MAP", "UNION", "BLOB", "BIT")


@dataclass(frozen=True)
class Rule:
    """column: None when the row as such is refused. condition: SQL that is true for a row to refuse."""

    column: str | None
    reason: str
    condition: str


class Plan:
    """The statements over files of one layout. r0, r1, … are the values as read, t0, t1, … the typed values."""

    def __init__(self, layout: Layout, contract: Contract) -> None:
        self._layout = layout
        self._contract = contract
        self.rules = tuple(self._line_rules() + self._column_rules())

    def accepted(self, files: Sequence[Path]) -> str:
        """The rows that no rule refuses, typed, the columns in the order of the contract; in the order of the files."""
        columns = ", ".join(
            f"t{index} AS {sql.identifier(column.name)}" for index, column in enumerate(self._contract.columns)
        )
        return f"SELECT {columns} FROM ({self._typed(files)}) WHERE ({self._verdict()}) IS NULL"

    def verdicts(self, files: Sequence[Path]) -> str:
        """One `code` a row, in order: null, or the position of the rule that refuses it."""
        return f"SELECT CAST({self._verdict()} AS USMALLINT) AS code FROM ({self._typed(files)})"

    def _verdict(self) -> str:
        cases = " ".join(f"WHEN {rule.condition} THEN {code}" for code, rule in enumerate(self.rules))
        return f"CASE {cases} END" if cases else "NULL"

    def _typed(self, files: Sequence[Path]) -> str:
        types = self._types()
        values = ", ".join(
            f"{_typed(f'r{index}', column.type, types[index])} AS t{index}"
            for index, column in enumerate(self._contract.columns)
        )
        return f"SELECT *, {values} FROM ({self._read(files)})"

    def _types(self) -> list[str]:
        """DuckDB's type of each value as read."""
        if self._layout.format != PARQUET:
            return ["VARCHAR"] * len(self._contract.columns)
        by_name = dict(zip(self._layout.columns, self._layout.types))
        return [by_name[column.name] for column in self._contract.columns]

    def _read(self, files: Sequence[Path]) -> str:
        scan = self._layout.scan(files, self._contract)
        names = [column.name for column in self._contract.columns]
        if self._layout.format == JSON:
            shape = sql.literal(json.dumps(dict.fromkeys(names, "VARCHAR")))
            values = ", ".join(f"x.{sql.identifier(name)} AS r{index}" for index, name in enumerate(names))
            # TRY: a malformed line must refuse its row, not end the statement.
            objects = f"SELECT line, TRY(json_transform(line, {shape})) AS x FROM {scan}"
            lines = f"{objects} WHERE trim(line, ' ' || chr(9) || chr(13)) <> ''"
            return f"SELECT line, x IS NULL AS malformed, {values} FROM ({lines})"
        if self._layout.format == PARQUET:
            columns = [sql.identifier(name) for name in names]
        else:
            columns = [f"f{self._layout.columns.index(name)}" for name in names]
        return f"SELECT {', '.join(f'{name} AS r{index}' for index, name in enumerate(columns))} FROM {scan}"

    def _line_rules(self) -> list[Rule]:
        if self._layout.format != JSON:
            return []
        not_object = "NOT starts_with(line, '{') AND json_type(line) <> 'OBJECT'"
        return [Rule(None, NOT_JSON, "malformed"), Rule(None, NOT_AN_OBJECT, not_object)]

    def _column_rules(self) -> list[Rule]:
        types = self._types()
        rules = []
        for index, column in enumerate(self._contract.columns):
            read, typed = f"r{index}", f"t{index}"
            if column.required:
                rules.append(Rule(column.name, "required", f"{read} IS NULL"))
            misfit = self._misfit(column, read, typed, types[index])
            if misfit:
                rules.append(Rule(column.name, f"not a {column.type.name}", misfit))
            rules += [Rule(column.name, reason, condition) for reason, condition in _value_rules(column, typed)]
        return rules

    def _misfit(self, column: Column, read: str, typed: str, source: str) -> str:
        if self._layout.format == JSON and column.type.kind == "string":
            pointer = "/" + column.name.replace("~", "~0").replace("/", "~1")
            nested = f"json_type(line, {sql.literal(pointer)}) IN ('OBJECT', 'ARRAY')"
            return f"(starts_with({read}, '{{') OR starts_with({read}, '[')) AND {nested}"
        if source == "VARCHAR":
            misfit = _text_misfit(read, typed, column.type)
        else:
            misfit = _value_misfit(read, typed, column.type, source)
        return f"{read} IS NOT NULL AND ({typed} IS NULL OR {misfit})" if misfit else ""


def check_types(uri: str, layout: Layout, contract: Contract) -> None:
    """Refuse a Parquet file whose column can be no value of the contract's type.

    Raises:
        JobError: it names the column and its type.
    """
    types = dict(zip(layout.columns, layout.types))
    for column in contract.columns:
        source = types[column.name]
        if source.endswith("]") or source.startswith(_NESTED):
            raise JobError(f"column {column.name} of {uri} is a {source}; the contract asks for a {column.type.name}")


def _typed(read: str, type_: ColumnType, source: str) -> str:
    if type_.kind == "string" and source == "VARCHAR":
        return read
    if source != "VARCHAR":
        if type_.kind == "timestamp" and source == "TIMESTAMP WITH TIME ZONE":
            return f"CASE WHEN isfinite({read}) THEN make_timestamp(epoch_us({read})) END"
        return f"TRY_CAST({read} AS {type_.sql})"
    if type_.kind in ("timestamp", "timestamptz"):
        # Only the cast with time zone heeds an offset; a text without one is UTC (the session's time zone).
        moment = f"TRY_CAST({read} AS TIMESTAMPTZ)"
        moment = moment if type_.kind == "timestamptz" else f"make_timestamp(epoch_us({moment}))"
        return f"CASE WHEN {read} LIKE '____-__-__%' THEN {moment} END"
    return f"TRY_CAST({read} AS {type_.sql})"


def _text_misfit(read: str, typed: str, type_: ColumnType) -> str:
    printed = f"CAST({typed} AS VARCHAR) <> {read}"
    if type_.kind == "integer":
        return f"({printed} AND NOT regexp_full_match({read}, '{_INTEGER}'))"
    if type_.kind == "decimal":
        some, any_ = f"[0-9]{{1,{type_.scale}}}0*", f"[0-9]{{0,{type_.scale}}}0*"
        accepted = rf"\s*[+-]?([0-9]+(\.{any_})?|\.{some})\s*" if type_.scale else _INTEGER
        return f"({printed} AND NOT regexp_full_match({read}, '{accepted}'))"
    if type_.kind == "float":
        return f"NOT isfinite({typed}) OR contains({read}, '_')"
    if type_.kind == "date":
        wrong = f"({printed} AND NOT regexp_full_match({read}, '{_DATE_AT_MIDNIGHT}'))"
        return f"{wrong} OR {typed} NOT BETWEEN {_YEARS['date']}"
    if type_.kind in _YEARS:
        return f"{typed} NOT BETWEEN {_YEARS[type_.kind]}"
    return "" if type_.kind == "string" else "false"


def _value_misfit(read: str, typed: str, type_: ColumnType, source: str) -> str:
    """A value that has a type already must survive the cast; a float may lose digits, a timestamp its nanoseconds."""
    if type_.kind == "float":
        return f"NOT isfinite({typed})"
    if type_.kind in ("timestamp", "timestamptz"):
        return f"{typed} NOT BETWEEN {_YEARS[type_.kind]}"
    same = f"TRY_CAST({typed} AS {source}) IS DISTINCT FROM {read}"
    return f"{same} OR {typed} NOT BETWEEN {_YEARS['date']}" if type_.kind == "date" else same


def _value_rules(column: Column, typed: str) -> list[tuple[str, str]]:
    rules = []
    if column.type.max_bytes is not None:
        rules.append((f"longer than {column.type.name}", f"strlen({typed}) > {column.type.max_bytes}"))
    for limit in column.limits:
        rules.append((f"{limit.keyword} {limit.shown}", f"{typed} {limit.refused}"))
    if column.min_length is not None:
        rules.append((f"minLength {column.min_length}", f"length({typed}) < {column.min_length}"))
    if column.max_length is not None:
        rules.append((f"maxLength {column.max_length}", f"length({typed}) > {column.max_length}"))
    for pattern in column.patterns:
        rules.append((f"pattern {pattern}", f"NOT regexp_matches({typed}, {sql.literal(pattern)})"))
    if column.valid_values is not None:
        values = ", ".join(f"CAST({sql.literal(value)} AS {column.type.sql})" for value in column.valid_values)
        rules.append(("validValues", f"{typed} NOT IN ({values})"))
    return rules

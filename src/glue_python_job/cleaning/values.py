"""Typed values as SQL: how a value as read becomes one of the column's type, and when it cannot.

A plain TRY_CAST is too lenient for a contract: it rounds '1.5' to the INTEGER 2, reads '0x10' and '1_000', takes the
date of a timestamp, and ignores the offset of a timestamp. So a text must also be what the type would print, or match
the notation that is accepted beside it; and a value that has a type already must survive the way there and back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dataset_contract import formats, wording
from dataset_contract.model import Column, CsvDialect
from dataset_contract.types import (
    CHAR,
    DATE,
    DECIMAL,
    FLOAT,
    INTEGER,
    NUMERIC_KINDS,
    TEXT_KINDS,
    TIME_KINDS,
    TIMESTAMP,
    TIMESTAMPTZ,
    ColumnType,
)
from glue_python_job import sql
from glue_python_job.text.layout import CSV, JSON, PARQUET

_INTEGER = r"\s*[+-]?[0-9]+(\.0*)?\s*"
_FLOAT = r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_DATE_FIRST = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_BINARY = ("FLOAT", "DOUBLE")
_DATE_AT_MIDNIGHT = r"\d{4}-\d{2}-\d{2}([ T]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?)?"
_BELOW_MICROSECONDS = r"\.\d{6}\d*[1-9]"
_SHORTEST_BELOW_MICROSECONDS = len("2020-01-01T00:00:00.1234567")
_YEARS = {
    DATE: "DATE '0001-01-01' AND DATE '9999-12-31'",
    TIMESTAMP: "TIMESTAMP '0001-01-01 00:00:00' AND TIMESTAMP '9999-12-31 23:59:59.999999'",
    TIMESTAMPTZ: "TIMESTAMPTZ '0001-01-01 00:00:00+00' AND TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'",
}


@dataclass(frozen=True)
class Value:
    """A column's value in the SQL of a layout."""

    typed: str  # the value in the contract's type, null where there is none
    misfit: str  # true for a value that is not a value of the type; empty when every value is one
    fit: str = ""  # true for most values of the type, for no other, and quicker than `misfit`


def read_text(field: str, column: Column, file_format: str, dialect: CsvDialect) -> str:
    """The text of a field, null for the texts that mean null; of a number, with its separators as SQL has them.

    A number whose separators are at wrong places becomes a text that is not a number.
    """
    if file_format == JSON and column.type.kind in (INTEGER, DECIMAL):
        return _without_exponent(field)
    if file_format != CSV:
        return field
    text = field
    if column.null_values == ("",):
        text = null_if_empty(field)
    elif len(column.null_values) == 1:
        text = f"nullif({field}, {sql.literal(column.null_values[0])})"
    elif column.null_values:
        nulls = ", ".join(sql.literal(null) for null in column.null_values)
        text = f"CASE WHEN {field} NOT IN ({nulls}) THEN {field} END"
    plain = dialect.decimal_separator == "." and not dialect.thousands_separator
    return text if plain or column.type.kind not in NUMERIC_KINDS else _separated(text, dialect)


def null_if_empty(field: str) -> str:
    """A text whose only null is the empty one."""
    return f"nullif({field}, '')"


def read_parquet(field: str, column: Column, source: str) -> str:
    """A field of Parquet; of a binary fraction that becomes a decimal, its shortest text. `source`: its type in DuckDB.

    DuckDB's own cast to a decimal multiplies in floating point: 1.1 would be 1.10000000000000016384.
    """
    return _digits(field) if column.type.kind == DECIMAL and source in _BINARY else field


def text_value(read: str, typed: str, column: Column) -> Value:
    """A value that is read as text. `read` and `typed`: the names of the two in the statement."""
    type_ = column.type
    if type_.kind in TEXT_KINDS:
        return Value(read, "")
    if column.format and type_.kind in TIME_KINDS:
        return _formatted(read, typed, column)
    if type_.kind in (TIMESTAMP, TIMESTAMPTZ):
        # Only the cast with time zone heeds an offset; a text without one is UTC (the session's time zone).
        moment = f"TRY_CAST({read} AS TIMESTAMPTZ)"
        moment = moment if type_.kind == TIMESTAMPTZ else f"make_timestamp(epoch_us({moment}))"
        cast = f"CASE WHEN regexp_matches({read}, '{_DATE_FIRST}') THEN {moment} END"
    else:
        cast = f"TRY_CAST({read} AS {type_.duckdb})"
    misfit = _refused(read, typed, _text_misfit(read, typed, type_))
    return Value(cast, misfit, _text_fit(read, typed, type_) or _not_refused(misfit))


def parquet_value(read: str, typed: str, column: Column, source: str) -> Value:
    """A value that has a type already. `read`: of `read_parquet`; `source`: DuckDB's name of the type."""
    type_ = column.type
    if source == "VARCHAR" or (type_.kind == DECIMAL and source in _BINARY):
        return text_value(read, typed, column)
    cast = f"TRY_CAST({read} AS {type_.duckdb})"
    if type_.kind == FLOAT and source.startswith("DECIMAL"):
        cast = (
            f"TRY_CAST(CAST({read} AS VARCHAR) AS {type_.duckdb})"  # the nearest; the cast of a decimal is not always
        )
    if type_.kind == TIMESTAMP and source == "TIMESTAMP WITH TIME ZONE":
        cast = f"CASE WHEN isfinite({read}) THEN make_timestamp(epoch_us({read})) END"
    misfit = _refused(read, typed, _value_misfit(read, typed, type_, source))
    return Value(cast, misfit, _not_refused(misfit))


def text_misfits(column: Column, typed: str, file_format: str) -> list[tuple[str, str]]:
    """What a text must not have, beside the contract's rules: (reason, condition)."""
    type_ = column.type
    if type_.bytes is None:
        return []
    found = []
    if file_format == PARQUET:  # in text a NUL is found when it is read
        found.append((wording.NUL, f"contains({typed}, chr(0))"))
    if type_.kind == CHAR:
        found.append((wording.SINGLE_BYTES, f"strlen({typed}) <> length({typed})"))
    found.append((wording.too_long(type_), f"strlen({typed}) > {type_.bytes}"))
    return found


def _refused(read: str, typed: str, misfit: str) -> str:
    return f"{read} IS NOT NULL AND ({typed} IS NULL OR {misfit})"


def _not_refused(misfit: str) -> str:
    return f"NOT ({misfit})"


def _text_fit(read: str, typed: str, type_: ColumnType) -> str:
    """That a text is what the type would print, or begins it (1.5, 2). Empty: not quicker than the rule."""
    same = f"CAST({typed} AS VARCHAR) = {read}"
    if type_.kind == DATE:
        return f"{same} AND {typed} BETWEEN {_YEARS[DATE]}"
    if type_.kind == DECIMAL and type_.scale:
        # An empty text is not a number, so `typed` is null then.
        return f"starts_with(CAST({typed} AS VARCHAR), {read})"
    return same if type_.kind in (INTEGER, DECIMAL) else ""


def _separated(text: str, dialect: CsvDialect) -> str:
    """The number with its separators as SQL has them; where they are at wrong places, a text that is not a number."""
    decimal, thousands = dialect.decimal_separator, dialect.thousands_separator
    whole = "[0-9]+"
    plain = text
    if thousands:
        # Before a separator no group begins with 0: 0.123 has a decimal point that the contract does not tell of.
        whole = rf"(?:[1-9][0-9]{{0,2}}(?:{_escaped(thousands)}[0-9]{{3}})+|[0-9]+)"
        plain = f"replace({plain}, {sql.literal(thousands)}, '')"
    if decimal != ".":
        plain = f"replace({plain}, {sql.literal(decimal)}, '.')"
    number = rf"\s*[+-]?{whole}?(?:{_escaped(decimal)}[0-9]*)?(?:[eE][+-]?[0-9]+)?\s*"
    right = f"regexp_full_match({text}, {sql.literal(number)})"
    return f"CASE WHEN {right} THEN {plain} WHEN {text} IS NOT NULL THEN '-' END"


def _digits(field: str) -> str:
    """The shortest text of a binary fraction, digit by digit."""
    return _without_exponent(f"CAST({field} AS VARCHAR)")


def _without_exponent(field: str) -> str:
    """1.25e3 as 1250, digit by digit: JSON may write any number so, and DuckDB's cast of it is not always exact.

    In CSV an exponent is what a spreadsheet left of a number with more digits, so there it is none.
    """
    whole, fraction = f"regexp_extract({field}, '[0-9]+')", rf"regexp_extract({field}, '\.([0-9]+)', 1)"
    exponent = f"TRY_CAST(regexp_extract({field}, '[eE](.*)', 1) AS INTEGER)"
    digits, point = f"({whole} || {fraction})", f"(length({whole}) + {exponent})"
    moved = (
        f"CASE WHEN {point} <= 0 THEN '0.' || repeat('0', -{point}) || {digits} "
        f"WHEN {point} >= length({digits}) THEN {digits} || repeat('0', {point} - length({digits})) "
        f"ELSE left({digits}, {point}) || '.' || substr({digits}, {point} + 1) END"
    )
    sign = f"CASE WHEN starts_with({field}, '-') THEN '-' ELSE '' END"
    right = rf"regexp_full_match({field}, '-?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{{1,2}}')"
    return f"CASE WHEN {right} THEN {sign} || {moved} ELSE {field} END"


def _escaped(separator: str) -> str:
    return re.sub(r"([^0-9A-Za-z\s\x80-\U0010ffff])", r"\\\1", separator)


def _formatted(read: str, typed: str, column: Column) -> Value:
    """A date or timestamp in a format of its own. strptime takes more than the format shows, so the shape is asked."""
    type_, shape, pattern = column.type, formats.shape(column.format), sql.literal(formats.duckdb(column.format))
    # strptime takes no Z for an offset; the shape says where it may be.
    text = f"replace({read}, 'Z', '+00:00')" if "%z" in pattern and "Z" not in pattern else read
    moment = f"try_strptime({text}, {pattern})"
    if type_.kind == TIMESTAMP and "%z" in pattern:
        moment = f"make_timestamp(epoch_us({moment}))"
    misfit = f"{typed} NOT BETWEEN {_YEARS[type_.kind]}"
    if "%j" in pattern:  # the day 366 of a year with 365 becomes one of the next year
        misfit += f" OR strftime({typed}, {pattern}) <> {read}"
    shown = f"regexp_full_match({read}, {sql.literal(shape)})"
    refused = _refused(read, typed, misfit)
    return Value(f"CASE WHEN {shown} THEN CAST({moment} AS {type_.duckdb}) END", refused, _not_refused(refused))


def _text_misfit(read: str, typed: str, type_: ColumnType) -> str:
    if type_.kind == FLOAT:
        # The cast takes +-1 and 1_0, and makes 0 of what is too small.
        vanished = f"{typed} = 0 AND regexp_matches({read}, '^[^eE]*[1-9]')"
        return f"NOT isfinite({typed}) OR NOT regexp_full_match({read}, '{_FLOAT}') OR ({vanished})"
    if type_.kind in (TIMESTAMP, TIMESTAMPTZ):
        finer = f"strlen({read}) >= {_SHORTEST_BELOW_MICROSECONDS} AND regexp_matches({read}, '{_BELOW_MICROSECONDS}')"
        return f"{typed} NOT BETWEEN {_YEARS[type_.kind]} OR ({finer})"
    if type_.kind not in (INTEGER, DECIMAL, DATE):
        return "false"
    accepted = _INTEGER
    if type_.kind == DATE:
        accepted = _DATE_AT_MIDNIGHT
    elif type_.scale:
        some, any_ = f"[0-9]{{1,{type_.scale}}}0*", f"[0-9]{{0,{type_.scale}}}0*"
        accepted = rf"\s*[+-]?([0-9]+(\.{any_})?|\.{some})\s*"
    # What the type would print is right at once, and the most frequent.
    wrong = f"CAST({typed} AS VARCHAR) <> {read} AND NOT regexp_full_match({read}, '{accepted}')"
    if type_.kind == DATE:
        return f"({wrong}) OR {typed} NOT BETWEEN {_YEARS[DATE]}"
    return f"({wrong})"


def _value_misfit(read: str, typed: str, type_: ColumnType, source: str) -> str:
    """A value that has a type already must survive the way to the other type and back."""
    back = _digits(typed) if type_.kind == FLOAT and source.startswith("DECIMAL") else typed
    same = f"TRY_CAST({back} AS {source}) IS DISTINCT FROM {read}"
    if type_.kind == FLOAT:
        return f"NOT isfinite({typed}) OR {same}"
    if type_.kind in TIME_KINDS:
        years = f"{typed} NOT BETWEEN {_YEARS[type_.kind]}"
        return years if source.startswith("TIMESTAMP WITH") and type_.kind == TIMESTAMP else f"{same} OR {years}"
    return same

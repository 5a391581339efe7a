"""The type that holds every value of a column, by DuckDB over all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from dataset_contract import types
from dataset_contract.json_types import JsonObject

# Texts that people write where there is no value. They count as such only where the column is not a text then.
_NULLS = ("NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "None", "none", "-", "\\N", "?")
_WHOLE = "-?(0|[1-9][0-9]*)"
_SIZES = (("SMALLINT", 2**15), ("INTEGER", 2**31), ("BIGINT", 2**63))
# Pattern of DateTimeFormatter -> of strptime, and the shape of the text.
_DAYS = {
    "dd.MM.yyyy": ("%d.%m.%Y", r"\d{2}\.\d{2}\.\d{4}"),
    "dd/MM/yyyy": ("%d/%m/%Y", r"\d{2}/\d{2}/\d{4}"),
    "MM/dd/yyyy": ("%m/%d/%Y", r"\d{2}/\d{2}/\d{4}"),
    "dd-MM-yyyy": ("%d-%m-%Y", r"\d{2}-\d{2}-\d{4}"),
    "yyyy/MM/dd": ("%Y/%m/%d", r"\d{4}/\d{2}/\d{2}"),
    "dd MMM yyyy": ("%d %b %Y", r"\d{2} [A-Z][a-z]{2} \d{4}"),
}
_TIMES = {"HH:mm": ("%H:%M", r"\d{2}:\d{2}"), "HH:mm:ss": ("%H:%M:%S", r"\d{2}:\d{2}:\d{2}")}
_FORMATS = _DAYS | {
    f"{day} {time}": (f"{parse[0]} {clock[0]}", f"{parse[1]} {clock[1]}")
    for day, parse in _DAYS.items()
    for time, clock in _TIMES.items()
}
_PARQUET = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "UTINYINT"), "SMALLINT"),
    **dict.fromkeys(("INTEGER", "USMALLINT"), "INTEGER"),
    **dict.fromkeys(("BIGINT", "UINTEGER"), "BIGINT"),
    **dict.fromkeys(("UBIGINT", "HUGEINT"), "DECIMAL(38,0)"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"), "TIMESTAMP"),
    "FLOAT": "REAL",
    "DOUBLE": "DOUBLE PRECISION",
    "DATE": "DATE",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "BOOLEAN": "BOOLEAN",
}


@dataclass(frozen=True)
class Guess:
    """What a column seems to be.

    Attributes:
        physical: Redshift's type.
        check: what a person should look at, or "".
    """

    physical: str
    required: bool
    format: str = ""  # of dates that are not ISO 8601
    null_values: tuple[str, ...] = ()  # beside the empty text
    separators: str = ""  # "." or "," between the digits of a decimal
    check: str = ""

    @property
    def logical(self) -> str:
        """The logicalType of the standard."""
        kind = types.parse(self.physical).kind
        names = {types.INTEGER: "integer", types.VARCHAR: "string", types.TIMESTAMPTZ: "timestamp"}
        return "number" if kind in (types.DECIMAL, types.FLOAT) else names.get(kind, kind)

    @property
    def may_be_key(self) -> bool:
        """Whether rows are told apart by such values: not by measurements or amounts."""
        return types.parse(self.physical).kind in (types.INTEGER, types.VARCHAR, types.DATE, types.TIMESTAMP)


def guess(connection: duckdb.DuckDBPyConnection, column: str, rows: int, *, is_text: bool = False) -> Guess:
    """What a column of texts in the table `sample` is; null and the empty text are no values.

    Args:
        is_text: its numbers, true and false are meant as texts, as within JSON's quotes.
    """
    # Each value once: a column of a large file has few.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE one AS SELECT {column} AS value, count(*) AS times FROM sample GROUP BY value"
    )
    missing, values = _numbers(
        connection, "sum(times) FILTER (WHERE coalesce(value, '') = '')", "count(*) FILTER (WHERE value <> '')"
    )
    connection.execute("DELETE FROM one WHERE coalesce(value, '') = ''")
    if not values:
        return Guess("VARCHAR(256)", rows == 0, check="the sample has no value")
    found = _typed(connection, is_text)
    if found is not None:
        return Guess(required=missing == 0, **found)
    text = _text(connection)
    listed = ", ".join(f"'{null}'" for null in _NULLS)
    nulls = [
        null for (null,) in connection.execute(f"DELETE FROM one WHERE value IN ({listed}) RETURNING value").fetchall()
    ]
    found = _typed(connection, is_text) if 0 < len(nulls) < values else None
    if found is None:
        return Guess(required=missing == 0, **text)
    told = ", ".join(sorted(nulls))
    found["check"] = "; ".join(filter(None, (f"{told} taken for null", found.get("check", ""))))
    return Guess(required=False, null_values=tuple(sorted(nulls)), **found)


def of_parquet(connection: duckdb.DuckDBPyConnection, source: str, column: str, type_: str, rows: int) -> Guess | None:
    """What a column of a Parquet file is, by its declared type; None where no type of a column takes it."""
    row = connection.execute(
        f"SELECT count({column}), max(strlen(TRY_CAST({column} AS VARCHAR))) FROM {source}"
    ).fetchone()
    filled, longest = row if row else (0, 0)
    if type_ == "VARCHAR" or type_.startswith("ENUM"):
        return Guess(_varchar(longest or 0), filled == rows)
    physical = type_ if re.fullmatch(r"DECIMAL\(\d+,\d+\)", type_) else _PARQUET.get(type_)
    return Guess(physical, filled == rows) if physical else None


def _typed(connection: duckdb.DuckDBPyConnection, is_text: bool) -> JsonObject | None:
    """The type that takes every value of the table `one` and is not a text; None where there is none."""
    dates = _dates(connection)
    if dates is not None or is_text:
        return dates
    if _all(connection, "lower(value) IN ('true', 'false')"):
        return {"physical": "BOOLEAN"}
    return _number(connection)


def _number(connection: duckdb.DuckDBPyConnection) -> JsonObject | None:
    if _all(connection, f"regexp_full_match(value, '{_WHOLE}')"):
        digits, largest = _numbers(connection, "max(length(ltrim(value, '-')))", "max(abs(TRY_CAST(value AS HUGEINT)))")
        if digits > 38:
            return None
        # With room for twice as much as the sample has.
        size = next((name for name, bound in _SIZES if digits < 19 and largest < bound // 2), "")
        if not size and digits <= 19 and largest < 2**63:
            size = "BIGINT"
        return {"physical": size or "DECIMAL(38,0)"}
    for point, separator in ((r"\.", "."), (",", ",")):
        if _all(connection, f"regexp_full_match(value, '{_WHOLE}({point}[0-9]+)?')"):
            whole, scale = _numbers(
                connection,
                "max(length(regexp_extract(value, '^-?([0-9]+)', 1)))",
                f"max(length(regexp_extract(value, '{point}([0-9]+)$', 1)))",
            )
            return _decimal(whole, scale, separator)
    if _all(connection, f"regexp_full_match(value, '{_WHOLE}(\\.[0-9]+)?([eE][+-]?[0-9]+)?')"):
        return {"physical": "DOUBLE PRECISION", "separators": "."}
    return None


def _decimal(whole: int, scale: int, separator: str) -> JsonObject | None:
    precision = 18 if whole + scale < 18 else 38
    if whole + scale > 38 or scale > 37:
        return {"physical": "DOUBLE PRECISION", "separators": separator, "check": "more digits than a DECIMAL takes"}
    check = f"more digits after the point than {scale} are refused; is it a measurement, then DOUBLE PRECISION"
    return {"physical": f"DECIMAL({precision},{scale})", "separators": separator, "check": check}


def _dates(connection: duckdb.DuckDBPyConnection) -> JsonObject | None:
    day = r"\d{4}-\d{2}-\d{2}"
    if _all(connection, f"regexp_full_match(value, '{day}') AND TRY_CAST(value AS DATE) IS NOT NULL"):
        return {"physical": "DATE"}
    moment = rf"{day}[T ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,6}})?)?(Z|[+-]\d{{2}}:\d{{2}})?"
    cast = "TRY_CAST(value AS TIMESTAMPTZ) IS NOT NULL"
    if _all(connection, f"regexp_full_match(value, '{moment}') AND {cast}"):
        offset = _numbers(connection, "count(*) FILTER (WHERE regexp_matches(value, '[+-]\\d{2}:\\d{2}$'))")[0]
        return {"physical": "TIMESTAMP", "check": "kept in UTC" if offset else ""}
    fitting = [
        name
        for name, (parse, shape) in _FORMATS.items()
        if _all(
            connection,
            f"regexp_full_match(value, '{shape}') AND try_strptime(value, '{parse}') IS NOT NULL",
        )
    ]
    if not fitting:
        return None
    other = f"or is it {fitting[1]}?" if len(fitting) > 1 else ""
    return {"physical": "TIMESTAMP" if "H" in fitting[0] else "DATE", "format": fitting[0], "check": other}


def _text(connection: duckdb.DuckDBPyConnection) -> JsonObject:
    (longest,) = _numbers(connection, "max(strlen(value))")
    check = f"the sample has {longest} bytes, Redshift takes 65535" if longest > 65535 else ""
    return {"physical": _varchar(longest), "check": check}


def _varchar(longest: int) -> str:
    """A length with room: the next power of two beyond the longest value, in bytes."""
    return f"VARCHAR({min(max(8, 1 << longest.bit_length()), 65535)})"


def _all(connection: duckdb.DuckDBPyConnection, condition: str) -> bool:
    """Whether the condition holds for every value."""
    return connection.execute(f"SELECT 1 FROM one WHERE NOT coalesce({condition}, false) LIMIT 1").fetchone() is None


def _numbers(connection: duckdb.DuckDBPyConnection, *expressions: str) -> tuple[int, ...]:
    row = connection.execute(f"SELECT {', '.join(expressions)} FROM one").fetchone()
    return tuple(int(number or 0) for number in row or ())

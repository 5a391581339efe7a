"""The types of columns: Redshift's names, and what each type is in DuckDB and in Spark. The only such table.

https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

INTEGER, DECIMAL, FLOAT = "integer", "decimal", "float"
VARCHAR, CHAR = "varchar", "char"
DATE, TIMESTAMP, TIMESTAMPTZ, BOOLEAN = "date", "timestamp", "timestamptz", "boolean"

NUMERIC_KINDS = (INTEGER, DECIMAL, FLOAT)
TEXT_KINDS = (VARCHAR, CHAR)
TIME_KINDS = (DATE, TIMESTAMP, TIMESTAMPTZ)


@dataclass(frozen=True)
class ColumnType:
    """A type of a column.

    Attributes:
        redshift: its one name in DDL and messages, `DECIMAL(18,2)`.
        kind: one of the kinds above.
    """

    redshift: str
    kind: str
    duckdb: str
    spark: str
    precision: int = 0  # decimal digits in all, of a decimal
    scale: int = 0  # decimal digits after the point, of a decimal
    bytes: int | None = None  # the most that a text may take in UTF-8; a CHAR also takes single-byte characters only


# Spark has one timestamp for both of Redshift's: the session's zone is UTC, and a TIMESTAMP holds UTC by convention.
_SMALLINT = ColumnType("SMALLINT", INTEGER, "SMALLINT", "smallint")
_INTEGER = ColumnType("INTEGER", INTEGER, "INTEGER", "int")
_BIGINT = ColumnType("BIGINT", INTEGER, "BIGINT", "bigint")
_REAL = ColumnType("REAL", FLOAT, "FLOAT", "float")
_DOUBLE = ColumnType("DOUBLE PRECISION", FLOAT, "DOUBLE", "double")
_DATE = ColumnType("DATE", DATE, "DATE", "date")
_TIMESTAMP = ColumnType("TIMESTAMP", TIMESTAMP, "TIMESTAMP", "timestamp")
_TIMESTAMPTZ = ColumnType("TIMESTAMPTZ", TIMESTAMPTZ, "TIMESTAMPTZ", "timestamp")
_BOOLEAN = ColumnType("BOOLEAN", BOOLEAN, "BOOLEAN", "boolean")

_PLAIN = {
    "SMALLINT": _SMALLINT,
    "INT2": _SMALLINT,
    "INTEGER": _INTEGER,
    "INT": _INTEGER,
    "INT4": _INTEGER,
    "BIGINT": _BIGINT,
    "INT8": _BIGINT,
    "REAL": _REAL,
    "FLOAT4": _REAL,
    "DOUBLE PRECISION": _DOUBLE,
    "FLOAT8": _DOUBLE,
    "FLOAT": _DOUBLE,
    "DATE": _DATE,
    "TIMESTAMP": _TIMESTAMP,
    "TIMESTAMP WITHOUT TIME ZONE": _TIMESTAMP,
    "TIMESTAMPTZ": _TIMESTAMPTZ,
    "TIMESTAMP WITH TIME ZONE": _TIMESTAMPTZ,
    "BOOLEAN": _BOOLEAN,
    "BOOL": _BOOLEAN,
}
# Name -> its kind, and its length where none is given.
_TEXTS = {
    "VARCHAR": (VARCHAR, 256),
    "CHARACTER VARYING": (VARCHAR, 256),
    "NVARCHAR": (VARCHAR, 256),
    "TEXT": (VARCHAR, 256),
    "CHAR": (CHAR, 1),
    "CHARACTER": (CHAR, 1),
    "NCHAR": (CHAR, 1),
    "BPCHAR": (CHAR, 256),
}
_WITHOUT_LENGTH = ("TEXT", "BPCHAR")
_LONGEST = {VARCHAR: 65535, CHAR: 4096}
# Types that Redshift has and this pipeline does not carry.
_OTHERS = (
    "TIME",
    "TIME WITHOUT TIME ZONE",
    "TIMETZ",
    "TIME WITH TIME ZONE",
    "INTERVAL YEAR TO MONTH",
    "INTERVAL DAY TO SECOND",
    "SUPER",
    "VARBYTE",
    "VARBINARY",
    "BINARY VARYING",
    "GEOMETRY",
    "GEOGRAPHY",
    "HLLSKETCH",
)

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)(?:\((\d+)(?:,(\d+))?\))?")
_TEXT = re.compile(r"([A-Z ]+?)(?:\((\d+|MAX)\))?")

KNOWN = (
    "SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, DECIMAL(p,s), VARCHAR(n), CHAR(n), DATE, TIMESTAMP, "
    "TIMESTAMPTZ, BOOLEAN, and Redshift's other names for them"
)
NAMES = (*_PLAIN, "DECIMAL", "NUMERIC", *_TEXTS)

# The type of a property that names no physicalType, by its logicalType.
DEFAULTS = {
    "integer": "BIGINT",
    "number": "DOUBLE PRECISION",
    "string": "VARCHAR(65535)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
# The kinds that may hold a logicalType.
KINDS = {
    "integer": (INTEGER, DECIMAL),
    "number": (INTEGER, DECIMAL, FLOAT),
    "string": (VARCHAR, CHAR),
    "date": (DATE,),
    "timestamp": (TIMESTAMP, TIMESTAMPTZ),
    "boolean": (BOOLEAN,),
}


def parse(text: str) -> ColumnType:
    """Read a name that Redshift gives a type, in any case.

    Raises:
        ValueError: the type is unknown, not carried, or its size is out of Redshift's bounds; the message goes on
            after the name.
    """
    name = re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.upper().split()))
    if name in _PLAIN:
        return _PLAIN[name]
    if match := _DECIMAL.fullmatch(name):
        return _decimal(_size(match[1] or "18"), _size(match[2] or "0"))
    match = _TEXT.fullmatch(name)
    if match and match[1] in _TEXTS and not (match[2] and match[1] in _WITHOUT_LENGTH):
        return _text(match[1], match[2])
    if re.sub(r"\(.*\)", "", name) in _OTHERS:
        raise ValueError(f"is a type of Redshift that the pipeline does not carry; accepted: {KNOWN}")
    raise ValueError(f"is not a type that Redshift has; accepted: {KNOWN}")


def _size(digits: str) -> int:
    """The number. Python reads no number of thousands of digits, and one of six is out of all bounds already."""
    significant = digits.lstrip("0")
    return int(significant or 0) if len(significant) < 6 else 10**6


def _decimal(precision: int, scale: int) -> ColumnType:
    if not 1 <= precision <= 38 or scale > min(precision, 37):
        accepted = "a precision of 1 to 38 and a scale of 0 to the precision, at most 37"
        raise ValueError(f"is out of Redshift's bounds; accepted: {accepted}")
    name = f"DECIMAL({precision},{scale})"
    return ColumnType(name, DECIMAL, name, name.lower(), precision=precision, scale=scale)


def _text(name: str, length: str | None) -> ColumnType:
    kind, default = _TEXTS[name]
    most = _LONGEST[kind]
    count = default if length is None else most if length == "MAX" else _size(length)
    if not 1 <= count <= most:
        raise ValueError(f"is out of Redshift's bounds; accepted: a length of 1 to {most} bytes")
    return ColumnType(f"{kind.upper()}({count})", kind, "VARCHAR", "string", bytes=count)

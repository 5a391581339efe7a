"""The physical types of a contract (Redshift's names) and what they are in DuckDB."""

from __future__ import annotations

import re
from dataclasses import dataclass

# https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
_PLAIN = {
    "SMALLINT": ("integer", "SMALLINT"),
    "INT2": ("integer", "SMALLINT"),
    "INTEGER": ("integer", "INTEGER"),
    "INT": ("integer", "INTEGER"),
    "INT4": ("integer", "INTEGER"),
    "BIGINT": ("integer", "BIGINT"),
    "INT8": ("integer", "BIGINT"),
    "REAL": ("float", "FLOAT"),
    "FLOAT4": ("float", "FLOAT"),
    "DOUBLE PRECISION": ("float", "DOUBLE"),
    "FLOAT8": ("float", "DOUBLE"),
    "FLOAT": ("float", "DOUBLE"),
    "DATE": ("date", "DATE"),
    "TIMESTAMP": ("timestamp", "TIMESTAMP"),
    "TIMESTAMP WITHOUT TIME ZONE": ("timestamp", "TIMESTAMP"),
    "TIMESTAMPTZ": ("timestamptz", "TIMESTAMPTZ"),
    "TIMESTAMP WITH TIME ZONE": ("timestamptz", "TIMESTAMPTZ"),
    "BOOLEAN": ("boolean", "BOOLEAN"),
    "BOOL": ("boolean", "BOOLEAN"),
}
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)(?:\((\d+)(?:,(\d+))?\))?")
_STRING = re.compile(r"(VARCHAR|CHARACTER VARYING|NVARCHAR|TEXT|CHAR|CHARACTER|NCHAR|BPCHAR)(?:\((\d+|MAX)\))?")
_LONGEST = {"VARCHAR": 65535, "CHAR": 4096}

KNOWN = (
    "SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, DECIMAL(p,s), VARCHAR(n), CHAR(n), DATE, TIMESTAMP, "
    "TIMESTAMPTZ, BOOLEAN"
)

# When a property names no physicalType.
DEFAULTS = {
    "integer": "BIGINT",
    "number": "DOUBLE PRECISION",
    "string": "VARCHAR(65535)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}

# The physical kinds that a logical type may be stored as.
KINDS = {
    "integer": ("integer", "decimal", "float"),
    "number": ("integer", "decimal", "float"),
    "string": ("string",),
    "date": ("date", "timestamp", "timestamptz"),
    "timestamp": ("timestamp", "timestamptz"),
    "boolean": ("boolean",),
}


@dataclass(frozen=True)
class ColumnType:
    """A type of a column.

    name: as the contract writes it, for messages. kind: integer, decimal, float, string, date, timestamp, timestamptz
    or boolean. sql: DuckDB's type. scale: decimal places of a decimal. max_bytes: UTF-8 bytes that a string may have.
    """

    name: str
    kind: str
    sql: str
    scale: int = 0
    max_bytes: int | None = None


def parse(text: str) -> ColumnType:
    """Read a Redshift type name.

    Raises:
        ValueError: the type is unknown or its size is out of Redshift's bounds.
    """
    name = re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.upper().split()))
    if name in _PLAIN:
        kind, sql = _PLAIN[name]
        return ColumnType(name, kind, sql)
    if match := _DECIMAL.fullmatch(name):
        precision, scale = int(match[1] or 18), int(match[2] or 0)
        if not 1 <= precision <= 38 or scale > min(precision, 37):
            raise ValueError("the precision must be 1 to 38 and the scale 0 to the precision, at most 37")
        return ColumnType(name, "decimal", f"DECIMAL({precision},{scale})", scale=scale)
    if match := _STRING.fullmatch(name):
        return _string(name, match)
    raise ValueError(f"known types are {KNOWN}")


def _string(name: str, match: re.Match[str]) -> ColumnType:
    fixed = match[1] in ("CHAR", "CHARACTER", "NCHAR", "BPCHAR")
    longest = _LONGEST["CHAR" if fixed else "VARCHAR"]
    default = 256 if not fixed or match[1] == "BPCHAR" else 1
    length = longest if match[2] == "MAX" else int(match[2] or default)
    if not 1 <= length <= longest:
        raise ValueError(f"the length must be 1 to {longest} bytes")
    return ColumnType(name, "string", "VARCHAR", max_bytes=length)

"""Redshift's column types: which exist, their limits, and their spelling for PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from local_aws.services.redshift.lexer import Token, code
from local_aws.services.redshift.sqlerror import SqlError, refused

VARCHAR_LIMIT = 65535
CHAR_LIMIT = 4096
NUMERIC_LIMIT = 38

_PLAIN = {
    "SMALLINT": "smallint", "INT2": "smallint", "INTEGER": "integer", "INT": "integer", "INT4": "integer",
    "BIGINT": "bigint", "INT8": "bigint", "REAL": "real", "FLOAT4": "real", "DOUBLE PRECISION": "double precision",
    "FLOAT8": "double precision", "FLOAT": "double precision", "BOOLEAN": "boolean", "BOOL": "boolean",
    "DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMP WITHOUT TIME ZONE": "timestamp", "TIMESTAMPTZ": "timestamptz",
    "TIMESTAMP WITH TIME ZONE": "timestamptz", "TIME": "time", "TIME WITHOUT TIME ZONE": "time", "TIMETZ": "timetz",
    "TIME WITH TIME ZONE": "timetz", "SUPER": "super",
}  # fmt: skip
_VARCHARS = ("VARCHAR", "CHARACTER VARYING", "NVARCHAR", "TEXT")
_CHARS = ("CHAR", "CHARACTER", "NCHAR", "BPCHAR")
_NUMERICS = ("NUMERIC", "DECIMAL")
_ABSENT = ("GEOMETRY", "GEOGRAPHY", "HLLSKETCH", "VARBYTE", "VARBINARY", "BINARY VARYING", "INTERVAL")

# The words that may follow a type in a column definition.
ATTRIBUTES = frozenset(
    [
        *("DEFAULT", "IDENTITY", "GENERATED", "ENCODE", "DISTKEY", "SORTKEY", "COLLATE"),
        *("NOT", "NULL", "UNIQUE", "PRIMARY", "REFERENCES", "CONSTRAINT"),
    ]
)


def column_type(name: str, tokens: Sequence[Token]) -> str:
    """PostgreSQL's spelling of the type of column ``name``; SqlError for one that Redshift does not have."""
    words = code(tokens)
    opening = next((index for index, token in enumerate(words) if token.text == "("), len(words))
    base = " ".join(token.upper for token in words[:opening])
    arguments = "".join(token.upper for token in words[opening:])
    if base in _PLAIN and not arguments:
        return _PLAIN[base]
    if base in _VARCHARS:
        return f"varchar({_length(base, arguments, 256, VARCHAR_LIMIT)})"
    if base in _CHARS:
        return f"char({_length(base, arguments, 256 if base == 'BPCHAR' else 1, CHAR_LIMIT)})"
    if base in _NUMERICS:
        return f"numeric{_precision(arguments)}"
    if not base:
        raise SqlError(f'column "{name}" has no type')
    if any(base.startswith(absent) for absent in _ABSENT):
        raise refused(f'the type {base} of column "{name}"')
    spelled = (base + arguments).lower()
    raise SqlError(f'Column "{name}" has unsupported type "{spelled}".', "0A000")


def _length(base: str, arguments: str, default: int, limit: int) -> int:
    if not arguments:
        return default
    if arguments == "(MAX)":
        return limit
    match = re.fullmatch(r"\((\d+)\)", arguments)
    if match is None:
        raise SqlError(f"invalid length {arguments} for type {base.lower()}")
    length = int(match.group(1))
    if length < 1:
        raise SqlError(f"length for type {base.lower()} must be at least 1", "22023")
    if length > limit:
        raise SqlError(f"length for type {base.lower()} cannot exceed {limit}", "22023")
    return length


def _precision(arguments: str) -> str:
    match = re.fullmatch(r"(?:\((\d+)(?:,(\d+))?\))?", arguments)
    if match is None:
        raise SqlError(f"invalid precision {arguments} for type numeric")
    precision, scale = int(match.group(1) or 18), int(match.group(2) or 0)
    if not 1 <= precision <= NUMERIC_LIMIT:
        raise SqlError(f"DECIMAL precision {precision} must be between 1 and {NUMERIC_LIMIT}", "22023")
    if scale > precision:
        raise SqlError(f"DECIMAL scale {scale} must be between 0 and precision {precision}", "22023")
    return f"({precision},{scale})"

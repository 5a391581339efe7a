"""From PostgreSQL's result to the API's: typed fields, column metadata, pages."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq.abc import PGresult

from aws_facts import redshift_data as facts
from local_aws.json_types import JsonObject
from local_aws.services.redshift.model import ResultColumn, ResultSet
from local_aws.services.redshift.sqlerror import SqlError

# How many rows and bytes one GetStatementResult answers at most.
PAGE_ROWS = 1000
PAGE_BYTES = 4 * 1024 * 1024

_BOOL, _BYTEA, _TEXT, _VARCHAR, _BPCHAR, _NUMERIC, _JSONB, _JSON = 16, 17, 25, 1043, 1042, 1700, 3802, 114
_INTEGERS = {21: ("int2", 5), 23: ("int4", 10), 20: ("int8", 19), 26: ("oid", 10)}
_FLOATS = {700: ("float4", 8), 701: ("float8", 17)}
_OTHERS = {
    _BOOL: ("bool", 1, 0), 1082: ("date", 13, 0), 1083: ("time", 15, 6), 1266: ("timetz", 21, 6),
    1114: ("timestamp", 29, 6), 1184: ("timestamptz", 35, 6), 19: ("name", 63, 0), 1186: ("interval", 49, 6),
}  # fmt: skip
_TABLE_COLUMNS = """
SELECT c.oid::bigint, a.attnum::int, n.nspname, c.relname, a.attname, a.attnotnull
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.oid = ANY(%s::oid[]) AND a.attnum > 0
"""


def read_result(connection: psycopg.Connection[Any], raw: PGresult) -> ResultSet:
    """The rows of ``raw``; SqlError if they are more than the API can return."""
    columns = _columns(connection, raw)
    oids = [raw.ftype(index) for index in range(raw.nfields)]
    rows = []
    size = 0
    for row in range(raw.ntuples):
        values = [raw.get_value(row, column) for column in range(len(oids))]
        row_size = sum(len(value) for value in values if value is not None)
        if row_size > facts.MOST_ROW_BYTES:
            raise SqlError(f"Packet for query is too large ({row_size} > {facts.MOST_ROW_BYTES}).", "XX000")
        size += row_size
        if size > facts.MOST_RESULT_BYTES:
            limit = f"{facts.MOST_RESULT_BYTES // 1024**2} MB"
            raise SqlError(f"Database response exceeded size limit: {limit}, so UNLOAD it", "XX000")
        rows.append(tuple(_value(oid, value) for oid, value in zip(oids, values, strict=True)))
    return ResultSet(columns, tuple(rows), size)


def describe_query(connection: psycopg.Connection[Any], query: str) -> tuple[ResultColumn, ...]:
    """The columns that ``query`` gives, without its rows."""
    cursor = psycopg.RawCursor(connection)
    cursor.execute(f"SELECT * FROM ({query}) AS unloaded LIMIT 0".encode())
    assert cursor.pgresult is not None
    return _columns(connection, cursor.pgresult)


def _value(oid: int, raw: bytes | None) -> Any:
    if raw is None:
        return None
    if oid in _INTEGERS:
        return int(raw)
    if oid in _FLOATS:
        return float(raw)
    if oid == _BOOL:
        return raw == b"t"
    if oid == _BYTEA:
        return bytes.fromhex(raw[2:].decode())
    return raw.decode()


def _columns(connection: psycopg.Connection[Any], raw: PGresult) -> tuple[ResultColumn, ...]:
    tables = sorted({raw.ftable(index) for index in range(raw.nfields)} - {0})
    known = {}
    if tables:
        for oid, number, schema, table, name, required in connection.execute(_TABLE_COLUMNS, (tables,)).fetchall():
            known[oid, number] = (schema, table, name, required)
    columns = []
    for index in range(raw.nfields):
        name = raw.fname(index)
        assert name is not None
        label = name.decode()
        schema, table, own, required = known.get((raw.ftable(index), raw.ftablecol(index)), ("", "", label, None))
        nullable = 2 if required is None else 0 if required else 1
        type_name, length, precision, scale = _describe(raw.ftype(index), raw.fmod(index))
        columns.append(ResultColumn(label, type_name, length, precision, scale, nullable, schema, table, own))
    return tuple(columns)


def _describe(oid: int, modifier: int) -> tuple[str, int, int, int]:
    """Type name, length, precision and scale as the API gives them."""
    if oid in _INTEGERS:
        return _INTEGERS[oid][0], 0, _INTEGERS[oid][1], 0
    if oid in _FLOATS:
        return _FLOATS[oid][0], 0, _FLOATS[oid][1], _FLOATS[oid][1]
    if oid == _NUMERIC:
        precision, scale = ((modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF) if modifier > 4 else (38, 0)
        return "numeric", 0, precision, scale
    if oid in (_VARCHAR, _TEXT, _BPCHAR):
        length = modifier - 4 if modifier > 4 else 65535
        return "bpchar" if oid == _BPCHAR else "varchar", 0, length, 0
    if oid in (_JSONB, _JSON):
        return "super", 0, 0, 0
    if oid in _OTHERS:
        return _OTHERS[oid][0], 0, _OTHERS[oid][1], _OTHERS[oid][2]
    info = psycopg.adapters.types.get(oid)
    return info.name if info else "unknown", 0, 0, 0


def field(value: object) -> JsonObject:
    """The API's Field. A blob is base64 text, as in the JSON that goes over the wire."""
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        # JSON has no number for these.
        return {"doubleValue": value} if math.isfinite(value) else {"stringValue": str(value)}
    if isinstance(value, bytes):
        return {"blobValue": base64.b64encode(value).decode()}
    return {"stringValue": str(value)}


def page_end(rows: Sequence[tuple[object, ...]], start: int) -> int:
    """Where the page that begins at ``start`` ends: by rows or by bytes, whichever comes first."""
    size = 0
    limit = min(len(rows), start + PAGE_ROWS)
    for index in range(start, limit):
        size += sum(len(value) if isinstance(value, (str, bytes)) else 8 for value in rows[index])
        if size > PAGE_BYTES and index > start:
            return index
    return limit


def csv_text(columns: Sequence[ResultColumn], rows: Sequence[tuple[object, ...]], header: bool) -> str:
    """Rows as CSV; a null is an empty field, as is an empty string."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\r\n")
    if header:
        writer.writerow([column.label for column in columns])
    for row in rows:
        writer.writerow([_csv_value(value) for value in row])
    return output.getvalue()


def _csv_value(value: object) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value

"""ListDatabases, ListSchemas, ListTables and DescribeTable, from PostgreSQL's catalog."""

from __future__ import annotations

from typing import Any

import psycopg

from local_aws.json_types import JsonObject
from local_aws.services.redshift.model import ResultColumn
from local_aws.services.redshift.sqlerror import SqlError

_SCHEMAS = """
SELECT nspname FROM pg_namespace
WHERE nspname LIKE %s AND nspname !~ '^pg_(toast|temp)' AND nspname <> 'redshift_catalog' ORDER BY 1
"""
_TABLES = """
SELECT n.nspname, c.relname,
  CASE WHEN n.nspname IN ('pg_catalog', 'information_schema') THEN
    CASE WHEN c.relkind = 'v' THEN 'SYSTEM VIEW' ELSE 'SYSTEM TABLE' END
  WHEN c.relkind IN ('v', 'm') THEN 'VIEW' ELSE 'TABLE' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname LIKE %s AND c.relname LIKE %s
  AND n.nspname !~ '^pg_(toast|temp)' AND n.nspname <> 'redshift_catalog' ORDER BY 1, 2
"""
_COLUMNS = """
SELECT n.nspname, c.relname, a.attname,
  CASE t.typname WHEN 'text' THEN 'varchar' WHEN 'jsonb' THEN 'super' ELSE t.typname END,
  a.atttypmod, a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname LIKE %s AND c.relname LIKE %s ORDER BY 1, 2, a.attnum
"""
_PRECISIONS = {
    "int2": 5, "int4": 10, "int8": 19, "float4": 8, "float8": 17, "bool": 1, "date": 13, "timestamp": 29,
    "timestamptz": 35, "time": 15, "timetz": 21,
}  # fmt: skip


def schemas(connection: psycopg.Connection[Any], pattern: str) -> list[str]:
    """Names of the schemas that match the LIKE pattern."""
    return [name for (name,) in connection.execute(_SCHEMAS, (pattern,)).fetchall()]


def tables(connection: psycopg.Connection[Any], schema: str, table: str) -> list[JsonObject]:
    """TableMember structures of the tables that match both LIKE patterns."""
    rows = connection.execute(_TABLES, (schema, table)).fetchall()
    return [{"schema": row[0], "name": row[1], "type": row[2]} for row in rows]


def columns(connection: psycopg.Connection[Any], schema: str, table: str) -> list[JsonObject]:
    """ColumnMetadata structures of the columns of the matching tables; SqlError if there are none."""
    rows = connection.execute(_COLUMNS, (schema, table)).fetchall()
    if not rows:
        raise SqlError(f'relation "{table}" does not exist', "42P01")
    return [_column(*row) for row in rows]


def _column(
    schema: str, table: str, name: str, type_name: str, modifier: int, required: bool, default: str
) -> JsonObject:
    precision, scale, length = _PRECISIONS.get(type_name, 0), 0, 0
    if type_name == "numeric" and modifier > 4:
        precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
    elif type_name in ("varchar", "bpchar"):
        length = precision = modifier - 4 if modifier > 4 else 65535
    column = ResultColumn(name, type_name, length, precision, scale, 0 if required else 1, schema, table, name)
    return {**column.wire(), **({"columnDefault": default} if default else {})}

"""Writes the rows of a query as a Parquet file, with the types that Redshift's UNLOAD gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import psycopg

from local_aws.services.redshift.model import ResultColumn
from local_aws.services.redshift.result_sets import describe_query
from local_aws.services.redshift.sqlerror import refused

_TYPES = {
    "int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "float4": "FLOAT", "float8": "DOUBLE", "bool": "BOOLEAN",
    "date": "DATE", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "varchar": "VARCHAR", "bpchar": "VARCHAR",
}  # fmt: skip


def write_parquet(connection: psycopg.Connection[Any], query: str, path: Path, scratch: Path) -> int:
    """Write ``path``; the number of rows."""
    columns = describe_query(connection, query)
    types = ", ".join(f"'c{index}': '{_type(column)}'" for index, column in enumerate(columns))
    text = scratch / "out.csv"
    with text.open("wb") as output, connection.cursor() as cursor:
        with cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, NULL '', FORCE_QUOTE *)".encode()) as source:
            for chunk in source:
                output.write(chunk)
        rows = cursor.rowcount
    names = ", ".join(
        f'c{index} AS "{column.label.replace(chr(34), chr(34) * 2)}"' for index, column in enumerate(columns)
    )
    with duckdb.connect(":memory:") as database:
        database.execute("SET autoinstall_known_extensions = false")
        database.execute("SET memory_limit = '512MB'")
        database.execute("SET TimeZone = 'UTC'")
        read = (
            f"read_csv('{text}', header = false, auto_detect = false, quote = '\"', escape = '\"', delim = ',',"
            f" nullstr = '', allow_quoted_nulls = false, columns = {{{types}}})"
        )
        database.execute(f"COPY (SELECT {names} FROM {read}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)")
    connection.execute("SELECT set_config('redshift.last_unload_count', %s, false)", (str(rows),))
    return rows


def _type(column: ResultColumn) -> str:
    if column.type_name == "numeric":
        return f"DECIMAL({column.precision},{column.scale})"
    if column.type_name not in _TYPES:
        raise refused(f'UNLOAD of column "{column.label}" of type {column.type_name}')
    return _TYPES[column.type_name]

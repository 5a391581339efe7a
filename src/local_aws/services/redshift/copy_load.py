"""Loads downloaded files into a table by PostgreSQL's COPY; DuckDB reads the files.

The values of Parquet have their types, so they go as PostgreSQL's binary rows. Those of CSV and JSON are text, which
PostgreSQL reads: DuckDB writes it as CSV into a pipe that COPY empties.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from local_aws.services.redshift.copy_statement import CopyStatement
from local_aws.services.redshift.parquet import ERRORS, ParquetColumn, check_column, literal, read_schema
from local_aws.services.redshift.sqlerror import SqlError
from local_aws.services.redshift.token_reader import quote

_CHUNK = 256 * 1024
_TEXT_TYPES = ("varchar", "bpchar")
# Of the widest VARCHAR, 65,535 bytes, such a batch takes 134 MB.
_BATCH_ROWS = 2048
_END_OF_ROWS = b"\xff\xff"
# What DuckDB has to make of a value whose type in the file may be another than the column's: narrower integers,
# nanoseconds (which Redshift has not either), and what only a reader of the file's notes knows to be text.
_SENT_AS = {
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP",
    "varchar": "VARCHAR",
    "bpchar": "VARCHAR",
}
# Redshift has none; the binary form would make a moment of it.
_MAY_BE_INFINITE = ("date", "timestamp", "timestamptz")
_TARGET = """
SELECT a.attname, t.typname, a.atttypmod, a.attidentity <> ''
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass(frozen=True)
class SourceFile:
    """A downloaded object."""

    path: Path
    uri: str


@dataclass(frozen=True)
class TargetColumn:
    """A column of the table: its type as PostgreSQL names it, and the type's length or precision."""

    name: str
    type: str
    modifier: int
    identity: bool

    @property
    def length(self) -> int:
        """The n of VARCHAR(n) and CHAR(n)."""
        return self.modifier - 4


def load(
    connection: psycopg.Connection[Any],
    copy: CopyStatement,
    files: Sequence[SourceFile],
    scratch: Path,
    cancelled: Callable[[], bool],
) -> int:
    """Load all files in one COPY of PostgreSQL's; the number of rows. SqlError on the first fault."""
    columns = _target_columns(connection, copy)
    with _duckdb(scratch) as database:
        if copy.format == "PARQUET":
            queries = [_parquet_query(database, copy, columns, file) for file in files]
            chunks, form = _made_ahead(_binary_rows(database, queries)), "FORMAT binary"
        else:
            is_json = copy.format == "JSON"
            queries = [_json_query(columns, file) if is_json else _text_query(copy, columns, file) for file in files]
            chunks, form = _csv_rows(database, queries, scratch), "FORMAT csv, NULL ''"
        written = columns if "EXPLICIT_IDS" in copy.options else [column for column in columns if not column.identity]
        names = ", ".join(quote(column.name) for column in written)
        try:
            rows = _copy(connection, f"COPY {copy.table} ({names}) FROM STDIN ({form})", chunks, cancelled)
        except psycopg.Error as error:
            raise _explain(database, copy, columns, files, error) from error
    connection.execute("SELECT set_config('redshift.last_copy_count', %s, false)", (str(rows),))
    return rows


def _target_columns(connection: psycopg.Connection[Any], copy: CopyStatement) -> list[TargetColumn]:
    found = [TargetColumn(*row) for row in connection.execute(_TARGET, (copy.table,)).fetchall()]
    if not copy.columns:
        return found
    by_name = {quote(column.name): column for column in found}
    for name in copy.columns:
        if name not in by_name:
            table = copy.table.replace('"', "")
            raise SqlError(f'column {name} of relation "{table}" does not exist', "42703")
    if len(set(copy.columns)) < len(copy.columns):
        raise SqlError("a column is named more than once in COPY", "42701")
    chosen = [by_name[name] for name in copy.columns]
    if "EXPLICIT_IDS" not in copy.options and any(column.identity for column in chosen):
        raise SqlError("An IDENTITY column in the column list of COPY needs EXPLICIT_IDS", "XX000")
    return chosen


def _duckdb(scratch: Path) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(":memory:")
    database.execute("SET autoinstall_known_extensions = false")
    database.execute("SET memory_limit = '512MB'")
    # It writes faster than PostgreSQL reads; a second thread would only take time from it.
    database.execute("SET threads = 1")
    database.execute("SET preserve_insertion_order = true")
    database.execute("SET TimeZone = 'UTC'")
    database.execute(f"SET temp_directory = {literal(str(scratch / 'spill'))}")
    return database


def _parquet_query(
    database: duckdb.DuckDBPyConnection, copy: CopyStatement, columns: Sequence[TargetColumn], file: SourceFile
) -> str:
    source = read_schema(database, file.path, file.uri)
    fill = "FILLRECORD" in copy.options and len(source) < len(columns)
    if len(source) != len(columns) and not fill:
        raise _scan_error(
            f"Unmatched number of columns between table and file. Table columns: {len(columns)},"
            f" Data columns: {len(source)}, File name: {file.uri}"
        )
    selected = []
    for index, column in enumerate(columns):
        if column.identity and "EXPLICIT_IDS" not in copy.options:
            continue
        if index >= len(source):
            selected.append("NULL")
            continue
        check_column(file.uri, copy.table.replace('"', ""), column.name, column.type, column.modifier, source[index])
        selected.append(_typed(column.type, _parquet_value(source[index])))
    listed = ", ".join(f"{value} AS c{index}" for index, value in enumerate(selected))
    return f"SELECT {listed} FROM read_parquet({literal(str(file.path))}, hive_partitioning = false)"


def _parquet_value(column: ParquetColumn) -> str:
    name = quote(column.name)
    return f"decode({name})" if column.binary else name


def _typed(type_: str, value: str) -> str:
    """The value as what is sent for a column of a type."""
    if type_ in _MAY_BE_INFINITE:
        value = f"CASE WHEN isinf({value}) THEN error('a {type_} has no infinity') ELSE {value} END"
    return f"CAST({value} AS {_SENT_AS[type_]})" if type_ in _SENT_AS else value


def _json_query(columns: Sequence[TargetColumn], file: SourceFile) -> str:
    """Members are matched to columns by name; one that is missing is null."""
    types = ", ".join(f"{literal(column.name)}: 'VARCHAR'" for column in columns)
    listed = ", ".join(quote(column.name) for column in columns)
    return f"SELECT {listed} FROM read_json({literal(str(file.path))}, columns = {{{types}}}, records = true)"


def _text_query(copy: CopyStatement, columns: Sequence[TargetColumn], file: SourceFile) -> str:
    options = copy.options
    null = options.get("NULL", "\\N")
    is_csv = copy.format == "CSV"
    types = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(columns)))
    settings = {
        "header": "false",
        "auto_detect": "false",
        "skip": options.get("IGNOREHEADER", "0"),
        "delim": literal(options.get("DELIMITER", "," if is_csv else "|")),
        "quote": literal(options.get("QUOTE", '"') if is_csv else ""),
        "escape": literal(options.get("QUOTE", '"') if is_csv else ""),
        # An empty field is not a null by itself: that depends on the column.
        "nullstr": literal("\x01"),
        "compression": literal("gzip" if "GZIP" in options else "none"),
        "columns": f"{{{types}}}",
    }
    listed = ", ".join(
        _text_value(f"c{index}", column, null, options)
        for index, column in enumerate(columns)
        if not column.identity or "EXPLICIT_IDS" in options
    )
    read = ", ".join(f"{name} = {value}" for name, value in settings.items())
    return f"SELECT {listed} FROM read_csv({literal(str(file.path))}, {read})"


def _text_value(name: str, column: TargetColumn, null: str, options: dict[str, str]) -> str:
    value = f"CASE WHEN {name} = {literal(null)} THEN NULL ELSE {name} END"
    if column.type not in _TEXT_TYPES:
        return f"nullif(trim({value}), '')"
    if "EMPTYASNULL" in options:
        value = f"nullif({value}, '')"
    if "BLANKSASNULL" in options:
        value = f"CASE WHEN {name} <> '' AND trim({name}) = '' THEN NULL ELSE {value} END"
    return value


def _copy(
    connection: psycopg.Connection[Any], command: str, chunks: Generator[bytes], cancelled: Callable[[], bool]
) -> int:
    cursor = connection.cursor()
    with cursor.copy(command.encode()) as target, contextlib.closing(chunks):
        for chunk in chunks:
            if cancelled():
                raise SqlError("Query cancelled on user's request", "57014")
            target.write(chunk)
    return cursor.rowcount


def _binary_rows(database: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> Generator[bytes]:
    # Imported with the first load: 0.2 s and 60 MB that an endpoint without loads need not have.
    import pgpq

    for number, query in enumerate(queries):
        try:
            batches = database.execute(query).fetch_record_batch(_BATCH_ROWS)
            encoder = pgpq.ArrowToPostgresBinaryEncoder(batches.schema)
            header = encoder.write_header()
            if number == 0:
                yield header  # one for all files
            for batch in batches:
                if chunk := encoder.write_batch(batch):  # it gives some batches at once
                    yield chunk
            yield encoder.finish().removesuffix(_END_OF_ROWS)
        except (*ERRORS, OSError, ValueError) as error:  # Arrow gives on what DuckDB raised as the latter two
            raise _load_failed(error) from error
    yield _END_OF_ROWS


def _made_ahead(chunks: Generator[bytes]) -> Generator[bytes]:
    """The same chunks; the next one is made in another thread while the reader is at work on one."""
    # Where the reader has had enough, the thread comes to its end before the chunks are closed.
    with contextlib.closing(chunks), ThreadPoolExecutor(1, thread_name_prefix="redshift-copy") as maker:
        coming = maker.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = maker.submit(next, chunks, None)
            yield chunk


def _csv_rows(database: duckdb.DuckDBPyConnection, queries: Sequence[str], scratch: Path) -> Generator[bytes]:
    for number, query in enumerate(queries):
        pipe = scratch / f"pipe{number}"
        os.mkfifo(pipe, 0o600)
        yield from _produced(database, query, pipe)


def _produced(database: duckdb.DuckDBPyConnection, query: str, pipe: Path) -> Iterator[bytes]:
    """DuckDB fills the pipe in a thread of its own while this one empties it: both engines work at once."""
    outcome: list[Exception | None] = []  # empty: the thread did not come to its end
    session = database.cursor()

    def produce() -> None:
        try:
            settings = "FORMAT csv, HEADER false, NULLSTR '', USE_TMP_FILE false"
            session.execute(f"COPY ({query}) TO {literal(str(pipe))} ({settings})")
            outcome.append(None)
        except ERRORS as error:
            outcome.append(error)

    # Opened without waiting for the writer, and kept open until the writer has ended, so neither can hang.
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # Linux: the default of 64 KB has the two engines wait for each other.
        with contextlib.suppress(OSError):
            fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4 * _CHUNK)
    writer = threading.Thread(target=produce, name="redshift-copy", daemon=True)
    try:
        writer.start()
        yield from _chunks(reading, writer)
    finally:
        session.interrupt()
        os.close(reading)
        writer.join()
        session.close()
    if outcome != [None]:
        raise _load_failed(outcome[0] if outcome else "DuckDB broke off")


def _load_failed(reason: object) -> SqlError:
    return SqlError("Load failed.", "XX000", str(reason).splitlines()[0])


def _chunks(reading: int, writer: threading.Thread) -> Iterator[bytes]:
    """What comes through the pipe until the writer has ended and the pipe is empty."""
    while True:
        # Asked before the pipe is looked at: what a writer wrote until its end is in the pipe by then.
        ended = not writer.is_alive()
        ready, _, _ = select.select([reading], [], [], 0.05)
        chunk = os.read(reading, _CHUNK) if ready else b""
        if chunk:
            yield chunk
        elif ended:
            return


def _scan_error(context: str) -> SqlError:
    return SqlError(f"Spectrum Scan Error. {context}", "XX000")


def _explain(
    database: duckdb.DuckDBPyConnection,
    copy: CopyStatement,
    columns: Sequence[TargetColumn],
    files: Sequence[SourceFile],
    error: psycopg.Error,
) -> Exception:
    """Redshift's text for a fault in the data: a value too long names its column, the rest the table."""
    if copy.format == "PARQUET" and error.sqlstate in ("22001", "23514"):
        for file in files:
            for column, source in zip(columns, read_schema(database, file.path, file.uri), strict=False):
                if column.type not in _TEXT_TYPES or column.modifier < 0 or not source.text:
                    continue
                query = f"SELECT max(strlen({_parquet_value(source)})) FROM read_parquet({literal(str(file.path))})"
                row = database.execute(query).fetchone()
                if row and row[0] is not None and row[0] > column.length:
                    return _scan_error(
                        f"The length of the data column {column.name} is longer than the length defined in the table."
                        f" Table: {column.length}, Data: {row[0]}, File name: {file.uri}"
                    )
    if copy.format != "PARQUET" and (error.sqlstate or "").startswith("22"):
        table = copy.table.replace('"', "")
        return SqlError(f"Load into table '{table}' failed.", "XX000", error.diag.message_primary)
    return error

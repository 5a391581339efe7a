"""The DuckDB connection: settings that keep a run within its memory and its values in UTC."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

MEMORY_PER_THREAD = 128 * 1000**2  # CSV buffers and one Parquet row group; more threads than that run out of memory

# What a statement fails with. DuckDB cuts the line that its message shows, also within a character: then Python has no
# message to raise.
ERRORS = (duckdb.Error, UnicodeDecodeError)

VERSION = f"duckdb {duckdb.__version__}, python {'.'.join(map(str, sys.version_info[:3]))}"


def connect(memory_limit: int, scratch: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database that spills to `scratch`. `memory_limit` is in bytes."""
    threads = max(1, min(_cpus(), memory_limit // MEMORY_PER_THREAD))
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_limit}B",
            "temp_directory": str(scratch / "spill"),
            "threads": threads,
            "preserve_insertion_order": True,  # rows are told by their position
            "autoinstall_known_extensions": False,  # nothing is fetched from anywhere
            "autoload_known_extensions": False,
        }
    )
    # A timestamp without offset is UTC.
    connection.execute("SET TimeZone = 'UTC'")
    # Pushing the rules below the casts would run every cast twice. A list of values must not become a join, which does
    # not keep the order of rows with several threads.
    connection.execute("SET disabled_optimizers = 'filter_pushdown,in_clause'")
    return connection


def said(error: Exception) -> str:
    """The message of one of ERRORS."""
    return error.object.decode("utf-8", "replace") if isinstance(error, UnicodeDecodeError) else str(error)


@contextmanager
def one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run statements that keep the order of rows only with one thread: a join, or a COPY into several files."""
    threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    connection.execute("SET threads = 1")
    try:
        yield
    finally:
        connection.execute(f"SET threads = {threads}")


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

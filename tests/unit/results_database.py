"""The database that reads what a run of a job wrote, and writes what it reads."""

from __future__ import annotations

import functools

import duckdb


@functools.cache
def shared_database() -> duckdb.DuckDBPyConnection:
    """One for all tests of a process: to make one takes more CPU time than a test's few rows."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    # A file that another run wrote in the place of a former one is read, too.
    connection.execute("SET enable_external_file_cache = false")
    return connection

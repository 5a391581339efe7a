"""The load of curated rows, beside PostgreSQL's own COPY of the same rows into the same tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from local_aws.services.postgres import PostgresServer
from pipeline_tools.bench.measuring import BenchError, Sample


@dataclass(frozen=True)
class Rows:
    """A table's rows.

    Attributes:
        files: Parquet.
        columns: name and SQL type of each, in the order of the files.
    """

    files: Sequence[Path]
    columns: Sequence[tuple[str, str]]


def psql_copy(tables: Sequence[Rows], directory: Path, rounds: int) -> list[Sample]:
    """Copy the rows of all tables by PostgreSQL's COPY from CSV into new tables, so many times. CPU is not measured.

    The rows are written as CSV first, which is not measured either.

    Raises:
        BenchError: another number of rows was copied than is in the files.
    """
    texts = [_as_csv(rows, directory / f"rows-{number}.csv") for number, rows in enumerate(tables)]
    samples = []
    with PostgresServer(directory / "postgres") as server, server.connect_as_superuser() as session:
        for _ in range(rounds):
            for number, rows in enumerate(tables):
                declared = ", ".join(f'"{name}" {type_}' for name, type_ in rows.columns)
                session.execute(f"DROP TABLE IF EXISTS copied_{number}")
                session.execute(f"CREATE TABLE copied_{number} ({declared})")
            began = time.monotonic()
            for number, (text, _) in enumerate(texts):
                statement = f"COPY copied_{number} FROM STDIN (FORMAT csv)"
                with text.open("rb") as file, session.cursor() as cursor, cursor.copy(statement) as copy:
                    while chunk := file.read(1024 * 1024):
                        copy.write(chunk)
            samples.append(Sample(time.monotonic() - began, 0.0, 0))
            for number, (_, expected) in enumerate(texts):
                found = session.execute(f"SELECT count(*) FROM copied_{number}").fetchone()
                if found != (expected,):
                    raise BenchError(f"PostgreSQL copied {found} rows of {expected}")
    return samples


def _as_csv(rows: Rows, path: Path) -> tuple[Path, int]:
    with duckdb.connect() as duck:
        scan = f"read_parquet({[str(file) for file in rows.files]!r})"
        duck.execute(f"COPY (FROM {scan}) TO '{path}' (FORMAT csv, HEADER false)")
        return path, int(duck.execute(f"SELECT count(*) FROM {scan}").fetchall()[0][0])

"""Refused rows, kept: each with its file, line, column, reason and raw text."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import duckdb

from glue_python_job import sql
from glue_python_job.results import LocalPart

FLUSH_BYTES = 64 * 1024 * 1024  # rows may be long, and DuckDB holds a few thousand of them at a time

_COLUMNS = {
    "job_id": "VARCHAR",
    "source_file": "VARCHAR",
    "line_number": "BIGINT",
    "column_name": "VARCHAR",
    "reason": "VARCHAR",
    "raw_row": "VARCHAR",
}


class RejectWriter:
    """Collects refused rows on disk as JSON lines and turns them into Parquet files, in the order of `add`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, directory: Path, job_id: str) -> None:
        self._connection = connection
        self._directory = directory
        self._job_id = job_id
        self._lines = directory / "rejected.jsonl"
        self._out = self._lines.open("w", encoding="utf-8")
        self._bytes = 0
        self._rows = 0
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.parts: list[LocalPart] = []

    def add(self, source_file: str, line_number: int, column: str | None, reason: str, raw_row: str) -> None:
        """Keep one row. `column` is None when the row as such is refused."""
        self.reasons[f"{column or '(row)'}: {reason}"] += 1
        values = (self._job_id, source_file, line_number, column, reason, raw_row)
        self._bytes += self._out.write(json.dumps(dict(zip(_COLUMNS, values)), ensure_ascii=False) + "\n")
        self._rows += 1
        self.count += 1
        if self._bytes >= FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was added as a Parquet file."""
        if not self._rows:
            return
        self._out.close()
        path = self._directory / f"rejected-{len(self.parts):05d}.parquet"
        columns = ", ".join(f"{name}: '{type_}'" for name, type_ in _COLUMNS.items())
        source = (
            f"read_json({sql.paths([self._lines])}, format = 'newline_delimited', columns = {{{columns}}}, "
            "maximum_object_size = 16777216)"
        )
        self._connection.execute(
            f"COPY (SELECT * FROM {source}) TO {sql.literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )
        self.parts.append(LocalPart(path, self._rows))
        self._out = self._lines.open("w", encoding="utf-8")
        self._bytes = self._rows = 0

    def close(self) -> None:
        self.flush()
        self._out.close()
        self._lines.unlink()

    def release(self) -> None:
        """Let go of the file, also after a failure."""
        self._out.close()

"""Refused rows, kept: each with its file, line, column, reason and raw text."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path

import duckdb

from dataset_contract.json_types import JsonObject
from dataset_contract.places import REFUSED_AROUND, REFUSED_TEXTS
from dataset_contract.wording import MOST_REASONS, OTHER_REASONS
from glue_python_job import sql
from glue_python_job.cleaning.outcome import LocalPart
from glue_python_job.text.layout import Layout
from glue_python_job.text.mendable import MendableFiles

MOST_EXAMPLES = 5
FLUSH_CHARACTERS = 64 * 1024 * 1024  # rows may be long, and DuckDB holds a few thousand of them at a time
MOST_SAMPLES = 50  # a row of each of the first reasons is told in the details of the run

_COPY_BYTES = 1024 * 1024
_EXAMPLE_CHARACTERS = 200
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
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
        self._written = 0
        self._begins: dict[tuple[str, str | None, str, str], str] = {}
        self._mendable = MendableFiles()
        self._rows = 0
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.parts: list[LocalPart] = []
        self.texts: list[Path] = []  # the same rows as text, and what a file to mend them in has around them
        self.examples: list[str] = []  # the first rows, as a message tells them
        self.samples: dict[str, JsonObject] = {}  # the first row of a reason

    def add(
        self,
        source_file: str,
        line_number: int,
        column: str | None,
        reason: str,
        raw_row: str,
        told: str = "",
        *,
        layout: Layout,
        raw: bytes | None = None,
    ) -> None:
        """Keep one row.

        Args:
            source_file: URI of the file.
            line_number: 1-based line of its start, of Parquet the 1-based row.
            column: of the contract; None when the row as such is refused.
            reason: why, in the words of dataset_contract.wording.
            raw_row: its text, of Parquet the row as JSON.
            told: what an example says of it; empty: column, reason and text.
            layout: of the file.
            raw: its bytes as they were split; None: those of raw_row.
        """
        if len(self.examples) < MOST_EXAMPLES:
            told = told or f"{column + ': ' if column else ''}{reason}: {raw_row[:_EXAMPLE_CHARACTERS]}"
            what = "row" if source_file.lower().endswith(".parquet") else "line"
            self.examples.append(f"{source_file} {what} {line_number}: {told}")
        more = self._mendable.place(layout, raw_row.encode("utf-8", "replace") if raw is None else raw, reason)
        exact = more.pop("bytes", None)
        kind = (source_file, column, reason, str(more["export"]))
        begin = self._begins.get(kind)
        if begin is None:
            if len(self._begins) >= MOST_REASONS:
                self._begins.clear()
            values = dict(zip(_COLUMNS, (self._job_id, source_file, None, column, reason)))
            del values["line_number"]
            values["export"] = more["export"]
            begin = self._begins[kind] = _ENCODE(values)[:-1]
        # Text put together: there may be millions of rows, and a whole object takes the encoder five times as long.
        end = f', "bytes": "{exact}"}}\n' if exact else "}\n"
        self._written += self._out.write(f'{begin}, "line_number": {line_number}, "raw_row": {_ENCODE(raw_row)}{end}')
        name = f"{column or '(row)'}: {reason}"
        if name not in self.samples and len(self.samples) < MOST_SAMPLES:
            text = raw_row[:_EXAMPLE_CHARACTERS]
            self.samples[name] = {"source_file": source_file, "line_number": line_number, "raw_row": text}
        self.reasons[name if name in self.reasons or len(self.reasons) < MOST_REASONS else OTHER_REASONS] += 1
        self._rows += 1
        self.count += 1
        if self._written >= FLUSH_CHARACTERS:
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
        self._connection.execute(f"COPY (SELECT * FROM {source}) TO {sql.literal(str(path))} ({sql.PARQUET})")
        text = self._directory / f"{REFUSED_TEXTS}{len(self.parts):05d}.jsonl.gz"
        with self._lines.open("rb") as lines, gzip.open(text, "wb", compresslevel=1) as out:
            shutil.copyfileobj(lines, out, _COPY_BYTES)
        self.texts.append(text)
        self.parts.append(LocalPart(path, self._rows))
        self._out = self._lines.open("w", encoding="utf-8")
        self._written = self._rows = 0

    def close(self) -> None:
        """Write what is buffered, and the texts that belong around the rows."""
        self.flush()
        self._out.close()
        self._lines.unlink()
        if self.texts:
            self.texts.append(self._directory / REFUSED_AROUND)
            self._mendable.write(self.texts[-1])

    def release(self) -> None:
        """Let go of the file, also after a failure."""
        self._out.close()

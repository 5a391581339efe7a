"""The source files in batches of about the size that makes one Parquet file."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb

from glue_python_job import sql
from glue_python_job.contract import Contract
from glue_python_job.errors import JobError
from glue_python_job.layout import JSON, PARQUET, Layout, check_columns, format_of
from glue_python_job.log import Log
from glue_python_job.reader import Batch, Segment, TextReader, open_text
from glue_python_job.rules import check_types
from glue_python_job.sizes import FIRST_BATCH_BYTES, LARGEST_BATCH_BYTES, PARQUET_BYTES, SMALLEST_BATCH_BYTES
from glue_python_job.storage import Storage, StoredFile, local_copy

MOST_SEGMENTS = 500  # of small files in one statement


class Batches:
    """Iterates over batches; a batch is done with when the next one is asked for."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        files: Sequence[StoredFile],
        storage: Storage,
        scratch: Path,
        log: Log,
    ) -> None:
        self._connection = connection
        self._contract = contract
        self._files = files
        self._storage = storage
        self._scratch = scratch
        self._log = log
        self._segments = 0
        self._target = FIRST_BATCH_BYTES

    def __iter__(self) -> Generator[Batch, None, None]:
        batch: Batch | None = None
        try:
            for index, file in enumerate(self._files):
                self._log.info("reading", file=file.uri, bytes=file.size)
                # These generators hold the open file, and hand on the unfinished batch.
                read = self._parquet if format_of(file.uri) == PARQUET else self._text
                batch = yield from read(index, file, batch)
                if batch and (batch.bytes >= self._target or len(batch.segments) >= MOST_SEGMENTS):
                    yield batch
                    batch = None
            if batch:
                yield batch
        finally:
            if batch:
                batch.resources.close()

    def learn(self, text_bytes: int, parquet_bytes: int) -> None:
        """Choose the size of the batches to come by what the last one became."""
        if text_bytes and parquet_bytes:
            wanted = int(PARQUET_BYTES * text_bytes / parquet_bytes)
            self._target = max(SMALLEST_BATCH_BYTES, min(wanted, LARGEST_BATCH_BYTES))

    def _text(self, index: int, file: StoredFile, batch: Batch | None) -> Generator[Batch, None, Batch | None]:
        plain, format_ = not file.uri.lower().endswith(".gz"), format_of(file.uri)
        with ExitStack() as stack, ExitStack() as opened:
            local = stack.enter_context(local_copy(self._storage, file, self._scratch))
            handle = opened.enter_context(open_text(local, file.uri))
            whole = plain and file.size <= LARGEST_BATCH_BYTES
            reader = TextReader(handle, file, index, format_, self._contract, whole=whole)
            self._tell_surplus(file, reader)
            full = reader.whole and batch and batch.bytes + file.size > self._target
            if batch and (full or batch.layout != reader.layout):
                yield batch
                batch = None
            while segment := self._segment(reader, local, self._target - (batch.bytes if batch else 0)):
                batch = batch or Batch(reader.layout)
                batch.segments.append(segment)
                if segment.final:
                    break
                batch.reader = reader
                yield batch
                batch = None
            if reader.whole and batch:
                batch.resources.push(stack.pop_all())
        return batch

    def _segment(self, reader: TextReader, local: Path, room: int) -> Segment | None:
        path = self._next_path("segment")
        if reader.whole:
            path.symlink_to(local)  # a name without the characters that DuckDB would expand
        segment = reader.rest(path) if reader.whole else reader.cut(path, room)
        if segment is None:
            path.unlink()
        else:
            segment.number = self._segments
        return segment

    def _parquet(self, index: int, file: StoredFile, batch: Batch | None) -> Generator[Batch, None, Batch | None]:
        with ExitStack() as stack:
            local = stack.enter_context(local_copy(self._storage, file, self._scratch))
            path = self._next_path("source")
            path.symlink_to(local)
            layout, rows = self._describe(path, file)
            self._warn_surplus(file, check_columns(file.uri, layout.columns, self._contract))
            check_types(file.uri, layout, self._contract)
            if batch and (batch.layout != layout or batch.bytes + file.size > PARQUET_BYTES):
                yield batch
                batch = None
            segment = Segment(index, path, layout, length=file.size, lines=rows, rows=rows, number=self._segments)
            batch = batch or Batch(layout)
            batch.segments.append(segment)
            batch.resources.push(stack.pop_all())
        return batch

    def _describe(self, path: Path, file: StoredFile) -> tuple[Layout, int]:
        source = f"read_parquet({sql.paths([path])}, hive_partitioning = false)"
        try:
            described = self._connection.execute(f"DESCRIBE FROM {source}").fetchall()
            counted = self._connection.execute(
                f"SELECT num_rows FROM parquet_file_metadata({sql.literal(str(path))})"
            ).fetchall()
        except duckdb.Error as error:
            raise JobError(f"{file.uri} is no Parquet file: {error}") from error
        layout = Layout(PARQUET, tuple(row[0] for row in described), tuple(row[1] for row in described))
        return layout, int(counted[0][0])

    def _next_path(self, name: str) -> Path:
        self._segments += 1
        return self._scratch / f"{name}-{self._segments:06d}"

    def _tell_surplus(self, file: StoredFile, reader: TextReader) -> None:
        if reader.layout.format == JSON:
            self._warn_surplus(file, _surplus_keys(reader.sample(100), self._contract))
        else:
            self._warn_surplus(file, reader.surplus)

    def _warn_surplus(self, file: StoredFile, names: Sequence[str]) -> None:
        if names:
            self._log.warning("columns ignored: the contract has none of them", file=file.uri, columns=list(names))


def _surplus_keys(lines: Sequence[bytes], contract: Contract) -> list[str]:
    known = {column.name for column in contract.columns}
    surplus: dict[str, None] = {}
    for line in lines:
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            surplus.update(dict.fromkeys(key for key in document if key not in known))
    return list(surplus)

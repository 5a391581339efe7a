"""The source files in batches of about the size that makes one Parquet file.

A thread makes the next batch while one is cleaned: it downloads, decompresses, cuts and looks at the text.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import duckdb

from dataset_contract.model import DataObject
from dataset_contract.naming import as_json
from glue_python_job import database, sql
from glue_python_job.cleaning.rules import check_types
from glue_python_job.errors import JobError
from glue_python_job.logs import Log
from glue_python_job.sizes import (
    BEGIN_BYTES,
    FIRST_BATCH_BYTES,
    LARGEST_BATCH_BYTES,
    PARQUET_BYTES,
    SEVERAL_FILES_BYTES,
    SMALLEST_BATCH_BYTES,
)
from glue_python_job.storage import Storage, StoredFile, local_copy
from glue_python_job.text.file_kinds import JSON, PARQUET, kind_of
from glue_python_job.text.json_records import LINE_MARK, RETURN_MARK, path_of
from glue_python_job.text.layout import Layout, check_columns
from glue_python_job.text.reader import Batch, Segment, TextReader, observe, open_text

MOST_SEGMENTS = 500  # of small files in one statement


class Batches:
    """Iterates over batches, once; a batch is done with when the next one is asked for.

    notes: what is told of a file, by its position among the files, known when it was read.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        source: DataObject,
        files: Sequence[StoredFile],
        storage: Storage,
        scratch: Path,
        log: Log,
    ) -> None:
        self._connection = connection
        self._source = source
        self._files = files
        self._storage = storage
        self._scratch = scratch
        self._log = log
        self._segments = 0
        self._target = self._learned = FIRST_BATCH_BYTES
        self._handed = 0
        self._filling: Batch | None = None  # begun, and not handed on yet
        self._thread = ThreadPoolExecutor(1)
        self._next: Future[Batch | None] = Future()
        self.notes: dict[int, str] = {}
        self._json: dict[int, list[Segment]] = {}  # by the position of their file

    def __iter__(self) -> Generator[Batch, None, None]:
        made = self._made()
        try:
            self._next = self._thread.submit(next, made, None)
            while batch := self._next.result():
                # What was learned from a batch holds from the one on that is begun after it, in every run.
                self._target = self._learned
                self._handed += 1
                self._next = self._thread.submit(next, made, None)
                yield batch
            self._note_unseen()
        finally:
            self._thread.shutdown()
            made.close()
            if not self._next.exception() and (batch := self._next.result()):
                batch.resources.close()

    def _made(self) -> Generator[Batch, None, None]:
        batch: Batch | None = None
        try:
            for index, file in enumerate(self._files):
                self._log.info("reading", file=file.uri, bytes=file.size)
                # This generator holds the open file, and hands on the unfinished batch.
                batch = yield from self._file(index, file, batch)
                if batch and (not self._room(batch) or len(batch.segments) >= MOST_SEGMENTS):
                    yield self._handed_on(batch)
                    batch = None
            if batch:
                yield self._handed_on(batch)
        finally:
            if self._filling:
                self._filling.resources.close()

    def _handed_on(self, batch: Batch) -> Batch:
        # It is cleaned while this goes on, so its files are no longer this one's to delete.
        self._filling = None
        return batch

    def learn(self, text_bytes: int, parquet_bytes: int) -> None:
        """Choose the size of the batches to come by what the last one became."""
        if text_bytes and parquet_bytes:
            wanted = int(PARQUET_BYTES * text_bytes / parquet_bytes)
            self._learned = max(SMALLEST_BATCH_BYTES, min(wanted, LARGEST_BATCH_BYTES))

    def give_back(self, tail: bytes) -> None:
        """Put the end of the last segment of a batch before the first segment of the next one, of the same file."""
        following = self._next.result()
        assert following is not None  # a segment that ends within a file has one that goes on
        following.segments[0].prepend(tail)

    def _file(self, index: int, file: StoredFile, batch: Batch | None) -> Generator[Batch, None, Batch | None]:
        if not file.size:
            self._note(index, "no bytes")
            return batch
        with ExitStack() as stack:
            local = stack.enter_context(local_copy(self._storage, file, self._scratch))
            kind = kind_of(local, file.uri)
            self._note(index, kind.note)
            read = self._parquet if kind.format == PARQUET else self._text
            return (yield from read(index, file, local, stack, batch))

    def _text(
        self, index: int, file: StoredFile, local: Path, stack: ExitStack, batch: Batch | None
    ) -> Generator[Batch, None, Batch | None]:
        with open_text(local, file.uri, self._source) as text:
            reader = TextReader(text, index, self._source, whole=file.size <= LARGEST_BATCH_BYTES)
            layout = reader.layout
            if layout is None:
                self._note(index, "no header" if self._source.csv.header and text.kind.format != JSON else "no rows")
                return batch
            self._tell_surplus(file, reader)
            if batch and (batch.layout != layout or (reader.whole and file.size > self._room(batch))):
                yield self._handed_on(batch)
                batch = None
            found = False
            while segment := self._segment(reader, local, self._room(batch)):
                batch, found = batch or Batch(layout), True
                self._filling = batch
                batch.segments.append(segment)
                if layout.format == JSON:
                    self._json.setdefault(index, []).append(segment)
                if segment.final:
                    break
                yield self._handed_on(batch)
                batch = None
            if not found:
                self._note(index, "header only" if self._source.csv.header else "no rows")
            if reader.whole and batch:
                batch.resources.push(stack.pop_all())
        return batch

    def _room(self, batch: Batch | None) -> int:
        """How many bytes of one more file the batch takes."""
        begin = BEGIN_BYTES << min(self._handed, 10)
        if batch is None:
            return min(self._target, begin)
        most = PARQUET_BYTES if batch.layout.format == PARQUET else min(SEVERAL_FILES_BYTES, begin)
        return max(0, min(most, self._target) - batch.bytes)

    def _segment(self, reader: TextReader, local: Path, room: int) -> Segment | None:
        path = self._next_path("segment")
        if reader.whole:
            path.symlink_to(local)  # a name without the characters that DuckDB would expand
        segment = reader.rest(path) if reader.whole else reader.cut(path, room)
        if segment is None:
            path.unlink()
            return None
        segment.number = self._segments
        if reader.whole:
            segment.suspect = segment.layout.exact
            if segment.layout.dialect.comment:
                observe(segment)
            elif not segment.suspect:
                segment.seen = self._thread.submit(observe, segment)
        return segment

    def _parquet(
        self, index: int, file: StoredFile, local: Path, stack: ExitStack, batch: Batch | None
    ) -> Generator[Batch, None, Batch | None]:
        path = self._next_path("source")
        path.symlink_to(local)
        layout, rows = self._describe(path, file)
        self._warn_surplus(file, check_columns(file.uri, layout.columns, self._source))
        check_types(file.uri, layout, self._source)
        if not rows:
            self._note(index, "no rows")
        if batch and (batch.layout != layout or file.size > self._room(batch)):
            yield self._handed_on(batch)
            batch = None
        segment = Segment(index, path, layout, length=file.size, lines=rows, rows=rows, number=self._segments)
        batch = self._filling = batch or Batch(layout)
        batch.segments.append(segment)
        batch.resources.push(stack.pop_all())
        return batch

    def _describe(self, path: Path, file: StoredFile) -> tuple[Layout, int]:
        source = f"read_parquet({sql.paths([path])}, hive_partitioning = false)"
        try:
            # A connection of its own: the other one is at work meanwhile.
            with self._connection.cursor() as cursor:
                described = cursor.execute(f"DESCRIBE FROM {source}").fetchall()
                counted = cursor.execute(
                    f"SELECT num_rows FROM parquet_file_metadata({sql.literal(str(path))})"
                ).fetchall()
        except database.ERRORS as error:
            cause = database.said(error).partition("LINE 1:")[0].strip()
            raise JobError(f"{file.uri} is not a Parquet file: {cause}") from error
        layout = Layout(PARQUET, tuple(row[0] for row in described), tuple(row[1] for row in described))
        return layout, int(counted[0][0])

    def _note_unseen(self) -> None:
        """Tell which columns have their key in no row of a file: such a column is null throughout."""
        for index, segments in self._json.items():
            full = [segment for segment in segments if segment.rows]
            for position in sorted(frozenset.intersection(*(each.unseen for each in full))) if full else ():
                self._note(index, f"key {as_json(self._source.columns[position].source_name)} in no row")

    def _note(self, index: int, note: str) -> None:
        """Tell something of a file, in the log and in `notes`."""
        if note:
            self._log.warning("of this file is to be told", file=self._files[index].uri, note=note)
            self.notes[index] = "; ".join(filter(None, (self.notes.get(index), note)))

    def _next_path(self, name: str) -> Path:
        self._segments += 1
        return self._scratch / f"{name}-{self._segments:06d}"

    def _tell_surplus(self, file: StoredFile, reader: TextReader) -> None:
        if reader.layout and reader.layout.format == JSON:
            self._warn_surplus(file, _surplus_keys(reader.sample(100), self._source))
        else:
            self._warn_surplus(file, reader.surplus)

    def _warn_surplus(self, file: StoredFile, names: Sequence[str]) -> None:
        if names:
            self._log.warning("columns ignored: the contract has none of them", file=file.uri, columns=list(names))


def _surplus_keys(lines: Sequence[bytes], source: DataObject) -> list[str]:
    known = {path_of(column.source_name)[0] for column in source.columns}
    surplus: dict[str, None] = {}
    for line in lines:
        try:
            document = json.loads(line.replace(LINE_MARK, b"\n").replace(RETURN_MARK, b"\r"))
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            surplus.update(dict.fromkeys(key for key in document if key not in known))
    return list(surplus)

"""Cleaning: the files of an object against its contract, into typed rows and refused rows. Nothing is dropped.

A batch of source text is read by one statement that writes the rows which no rule refuses. When it wrote as many rows
as the text has records, that is all. Otherwise a second statement finds the refused rows, by their position, and the
text is split for their line numbers and raw text. A batch that DuckDB cannot parse is split exactly first; what is no
record is refused, the rest goes the same way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from functools import partial
from itertools import groupby
from pathlib import Path

import duckdb

from dataset_contract.manifests import FileEntry
from dataset_contract.model import REFERENCE, DataObject
from glue_python_job import database, sql
from glue_python_job.cleaning.batches import Batches
from glue_python_job.cleaning.duplicates import Duplicates
from glue_python_job.cleaning.outcome import Counts, LocalPart, Outcome
from glue_python_job.cleaning.refusals import DUPLICATED, RULES_BROKEN, Refusals
from glue_python_job.cleaning.rejects import RejectWriter
from glue_python_job.cleaning.rules import RowPlan, RowRule
from glue_python_job.errors import JobError
from glue_python_job.logs import Log
from glue_python_job.sizes import PARQUET_BYTES
from glue_python_job.storage import Storage, StoredFile, local_copy
from glue_python_job.text.counting import count, has_empty_line
from glue_python_job.text.decoding import open_text
from glue_python_job.text.layout import PARQUET, QUOTED_LINE_END
from glue_python_job.text.reader import Batch, Segment, ranged
from glue_python_job.text.splitting import split

_SUSPECT = "the text has bytes that DuckDB does not read as they are"


class _QuotedLineEndError(Exception):
    """A line end is in quotes, so DuckDB cannot count the fields of a record."""


class _NotParsedError(Exception):
    """DuckDB cannot parse a batch, or finds other records in it than are there."""


def clean(
    connection: duckdb.DuckDBPyConnection,
    item: DataObject,
    files: Sequence[StoredFile],
    storage: Storage,
    scratch: Path,
    log: Log,
) -> Outcome:
    """Write the rows of `files` that keep the contract of `item`, and the others, as Parquet files below `scratch`.

    The directory is this object's own. Memory is bounded by the connection's limit and some 100 MB beside it, whatever
    the size of the files.

    Raises:
        JobError: a file cannot be read or lacks a column of the contract, or the rows do not add up.
    """
    return _Cleaner(connection, item, files, storage, scratch, log).run()


class _Cleaner:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        item: DataObject,
        files: Sequence[StoredFile],
        storage: Storage,
        scratch: Path,
        log: Log,
    ) -> None:
        self._connection = connection
        self._item = item
        self._files = files
        self._storage = storage
        self._scratch = scratch
        self._log = log
        self._rejects = RejectWriter(connection, scratch, log.job_id)
        # A refused row of a reference fails the job, so its message has to name the values.
        self._refusals = Refusals(connection, self._rejects, [file.uri for file in files], item.role == REFERENCE)
        self._batches = Batches(connection, item, files, storage, scratch, log)
        self._segments: list[Segment] = []
        self._parts: list[LocalPart] = []
        self._written = 0
        self._counts = True  # whether DuckDB can count fields

    def run(self) -> Outcome:
        try:
            return self._run()
        finally:
            self._rejects.release()

    def _run(self) -> Outcome:
        with closing(iter(self._batches)) as each:
            for batch in each:
                before, begun = self._rejects.count, time.monotonic()
                parts = self._batch(batch)
                if batch.layout.format != PARQUET:
                    self._batches.learn(batch.bytes, sum(part.path.stat().st_size for part in parts))
                self._parts += parts
                self._segments += batch.segments
                self._tell(batch, parts, self._rejects.count - before, time.monotonic() - begun)
        self._remove_duplicates()
        self._rejects.close()
        return self._outcome()

    def _batch(self, batch: Batch) -> list[LocalPart]:
        try:
            return self._cleaned(batch)
        except database.ERRORS as error:
            if _is_of_the_machine(batch, error):
                raise
            raise self._not_read(batch, error) from error

    def _cleaned(self, batch: Batch) -> list[LocalPart]:
        try:
            if any(segment.suspect for segment in batch.segments):
                raise _NotParsedError(_SUSPECT)
            parts = self._clean_counted(batch)
        except _NotParsedError as error:
            batch.wait()
            if not batch.layout.exact:
                self._log.warning("splitting record by record", files=self._names(batch), cause=str(error))
            self._split(batch)
            parts = self._clean(batch, RowPlan(batch.layout.split_text, self._item))
        for segment in batch.segments:
            segment.path.unlink()
            if segment.parsed:
                segment.parsed.unlink()
                segment.parsed = None
        batch.resources.close()
        return parts

    def _clean_counted(self, batch: Batch) -> list[LocalPart]:
        """Have DuckDB count the fields of each record where it can, which saves reading the text for that."""
        if self._counts and batch.layout.counted_by_duckdb:
            try:
                return self._clean(batch, RowPlan(batch.layout, self._item, counted=True))
            except _QuotedLineEndError:
                self._counts = False  # where one line end is in quotes, there are more
        return self._clean(batch, RowPlan(batch.layout, self._item))

    def _clean(self, batch: Batch, plan: RowPlan) -> list[LocalPart]:
        parts = self._write(batch, plan)
        batch.wait()
        written = sum(part.rows for part in parts)
        try:
            if any(segment.suspect and not segment.parsed for segment in batch.segments):
                raise _NotParsedError(_SUSPECT)
            if batch.adds_up(written, plan.counted):
                for segment in batch.segments:
                    segment.rows = segment.lines
                return parts
            self._account(batch, plan, written)
        except _NotParsedError:
            for part in parts:
                part.path.unlink()
            raise
        return parts

    def _account(self, batch: Batch, plan: RowPlan, written: int) -> None:
        """Count the records, and find and keep those that were not written."""
        grammar = batch.layout.grammar(self._item)
        for segment in batch.segments:
            if segment.rows is not None:
                continue
            if plan.counted and not (segment.doubtful or has_empty_line(segment)):
                segment.rows = segment.lines
            elif not count(segment, grammar):
                # DuckDB takes surplus fields that are empty, which may be one comma too many in the middle.
                raise _NotParsedError("a record has a misplaced quote, or more fields than the header")
        if written != sum(segment.rows or 0 for segment in batch.segments):
            self._refuse(batch, plan, written)

    def _write(self, batch: Batch, plan: RowPlan) -> list[LocalPart]:
        """Write the rows that no rule refuses."""
        statement = plan.accepted([segment.parsed or segment.path for segment in batch.segments])
        self._written += 1
        path = self._scratch / f"staged-{self._written:06d}.parquet"
        large = batch.layout.format == PARQUET and batch.bytes > 2 * PARQUET_BYTES
        options = f", FILE_SIZE_BYTES {PARQUET_BYTES}, FILENAME_PATTERN 'part_{{i}}'" if large else ""
        try:
            with database.one_thread(self._connection) if large else nullcontext():
                rows = self._connection.execute(
                    f"COPY ({statement}) TO {sql.literal(str(path))} ({sql.PARQUET}{options})"
                ).fetchall()[0][0]
        except database.ERRORS as error:
            path.unlink(missing_ok=True)
            if QUOTED_LINE_END in database.said(error):
                raise _QuotedLineEndError from error
            if _is_of_the_machine(batch, error):
                raise
            raise self._not_read(batch, error) from error
        if large:
            return [LocalPart(file, self._rows_of(file)) for file in sorted(path.iterdir(), key=_part_number)]
        if not rows:
            path.unlink()
        return [LocalPart(path, rows)] if rows else []

    def _not_read(self, batch: Batch, error: Exception) -> Exception:
        cause = " ".join(database.said(error).partition("Possible fixes")[0].split())[:300]
        if batch.layout.format == PARQUET:
            return JobError(f"{' or '.join(self._names(batch))} cannot be read: {cause}")
        if any(segment.parsed for segment in batch.segments):
            return JobError(f"{' or '.join(self._names(batch))} was split into records, which cannot be read: {cause}")
        return _NotParsedError(cause)

    def _rows_of(self, path: Path) -> int:
        statement = f"SELECT num_rows FROM parquet_file_metadata({sql.literal(str(path))})"
        return int(self._connection.execute(statement).fetchall()[0][0])

    def _refuse(self, batch: Batch, plan: RowPlan, written: int) -> None:
        """Find the refused rows of each segment, then keep them."""
        for segment in batch.segments:
            try:
                found, segment.refused = self._refusals.find(segment, plan)
            except database.ERRORS as error:
                if _is_of_the_machine(batch, error):
                    raise
                raise self._not_read(batch, error) from error
            if found != segment.rows:
                raise self._miscounted(batch, segment, f"{found} records were read and {segment.rows} are there")
            written -= found - segment.refused
        if written:
            raise self._miscounted(batch, batch.segments[0], f"{written} rows more were written than are accepted")
        grammar = batch.layout.grammar(self._item)
        for segment in batch.segments:
            if segment.refused and batch.layout.format == PARQUET:
                self._refusals.explain(segment, plan)
                self._refusals.keep_parquet(segment, RULES_BROKEN, segment.path, plan.rules, self._item.columns)
            elif segment.refused:
                self._refusals.explain(segment, plan)
                with segment.open() as handle:
                    self._refusals.keep_text(segment, RULES_BROKEN, handle.read, grammar, plan.rules)

    def _miscounted(self, batch: Batch, segment: Segment, cause: str) -> Exception:
        for each in batch.segments:
            self._refusals.forget(each)
        if batch.layout.format == PARQUET or segment.parsed:
            return JobError(f"the rows of {self._files[segment.source].uri} do not add up: {cause}; report this file")
        return _NotParsedError(cause)

    def _split(self, batch: Batch) -> None:
        """Split the text exactly: refuse what is not a record, and write the records anew for DuckDB."""
        grammar = batch.layout.grammar(self._item)
        for segment in batch.segments:
            refuse = partial(self._keep, segment)
            tail = split(segment, grammar, refuse)
            if tail and not segment.final:
                self._batches.give_back(tail)

    def _keep(self, segment: Segment, line: int, column: str | None, reason: str, text: str, raw: bytes) -> None:
        uri = self._files[segment.source].uri
        self._rejects.add(uri, line, column, reason, text, layout=segment.layout, raw=raw)

    def _remove_duplicates(self) -> None:
        duplicates, begun = Duplicates(self._connection, self._item), time.monotonic()
        found = duplicates.find(self._parts)
        if found:
            located = duplicates.locate(self._segments)
            if sum(number for _, number in located) != found:
                raise JobError("the duplicates found do not add up; report this source")
            for source, group in groupby((segment for segment, _ in located), key=lambda segment: segment.source):
                self._keep_duplicates(self._files[source], list(group), duplicates.rules)
            self._parts = duplicates.remove(self._parts)
        if self._item.keys:
            self._log.info("unique keys checked", rows=found, seconds=round(time.monotonic() - begun, 3))

    def _keep_duplicates(self, file: StoredFile, segments: Sequence[Segment], rules: Sequence[RowRule]) -> None:
        """Read a source file once more for the lines of its duplicates."""
        with local_copy(self._storage, file, self._scratch) as path:
            for segment in segments:
                if segment.layout.format == PARQUET:
                    segment.path.symlink_to(path)
                    self._refusals.keep_parquet(segment, DUPLICATED, segment.path, rules, self._item.columns)
                    segment.path.unlink()
                    continue
                with open_text(path, file.uri, self._item) as text:
                    read = ranged(text, segment.offset, segment.length)
                    grammar = segment.layout.grammar(self._item)
                    self._refusals.keep_text(segment, DUPLICATED, read, grammar, rules)

    def _outcome(self) -> Outcome:
        entries = self._entries()
        counts = Counts(
            rows_in=sum(entry.rows for entry in entries),
            staged=sum(part.rows for part in self._parts),
            rejected=self._rejects.count,
            reasons=self._rejects.reasons,
        )
        if counts.rows_in != counts.staged + counts.rejected:
            raise JobError(
                f"the rows do not add up: {counts.rows_in} were read, {counts.staged} staged and {counts.rejected} "
                "rejected; nothing was published, report this source"
            )
        staged = self._parts or [self._empty_part()]
        rejects = self._rejects
        return Outcome(counts, entries, staged, rejects.parts, rejects.examples, rejects.samples, rejects.texts)

    def _entries(self) -> list[FileEntry]:
        rows, empty = [0] * len(self._files), [0] * len(self._files)
        for segment in self._segments:
            rows[segment.source] += segment.malformed + (segment.rows or 0)
            empty[segment.source] += segment.empty_lines
        notes = self._batches.notes
        return [
            FileEntry(file.uri, file.size, rows[index], empty[index], notes.get(index, ""))
            for index, file in enumerate(self._files)
        ]

    def _empty_part(self) -> LocalPart:
        """A file without rows: whoever reads the staged directory finds the columns."""
        path = self._scratch / "staged-empty.parquet"
        columns = ", ".join(
            f"CAST(NULL AS {column.type.duckdb}) AS {sql.identifier(column.name)}" for column in self._item.columns
        )
        self._connection.execute(f"COPY (SELECT {columns} LIMIT 0) TO {sql.literal(str(path))} ({sql.PARQUET})")
        return LocalPart(path, 0)

    def _tell(self, batch: Batch, parts: Sequence[LocalPart], rejected: int, seconds: float) -> None:
        self._log.info(
            "cleaned",
            files=self._names(batch),
            staged=sum(part.rows for part in parts),
            rejected=rejected,
            bytes=batch.bytes,
            seconds=round(seconds, 3),
        )

    def _names(self, batch: Batch) -> list[str]:
        return [self._files[index].uri for index in dict.fromkeys(segment.source for segment in batch.segments)][:5]


def _is_of_the_machine(batch: Batch, error: Exception) -> bool:
    """Whether an error is about memory or the disk. All others are about the file: DuckDB has many classes for one."""
    files = [str(path) for segment in batch.segments for path in (segment.path, segment.parsed) if path]
    of_a_file = any(file in database.said(error) for file in files)
    return isinstance(error, duckdb.OutOfMemoryException) or (isinstance(error, duckdb.IOException) and not of_a_file)


def _part_number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])

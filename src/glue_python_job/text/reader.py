"""Source files cut into segments, and segments gathered into batches: what one statement reads.

A segment is a part of one file as a file of its own, beginning and ending at a record. Where a CSV record ends depends
on every quote before it, so a cut is made at a line end with an even number of quotes before it: right for text whose
quotes are well placed. DuckDB refuses a text that ends within quotes, so a wrong cut shows, and the segment is then
split exactly and its tail given back.
"""

from __future__ import annotations

import codecs
import shutil
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Callable

from dataset_contract.model import DataObject
from dataset_contract.wording import TOO_FEW_FIELDS, TOO_MANY_FIELDS
from glue_python_job.errors import JobError
from glue_python_job.text import records
from glue_python_job.text.decoding import SourceText, open_text
from glue_python_job.text.file_kinds import CSV, JSON, PARQUET
from glue_python_job.text.grammar import ENCODING, CsvGrammar, encoding_problem
from glue_python_job.text.layout import Layout, check_columns
from glue_python_job.text.observing import Observed

__all__ = ["Batch", "Segment", "TextReader", "observe", "open_text", "ranged"]

CHUNK_BYTES = 8 * 1024 * 1024


@dataclass
class Segment:
    """A part of a source file.

    Known later: malformed, the records that cannot be parsed; rows, the others; refused, those of them that a rule
    refuses; empty_lines, those that are not records; parsed, the file that DuckDB reads when it is not `path`; unseen,
    of JSON the positions of the columns whose key is in no record.

    Attributes:
        source: position of the file among the source files.
        path: a local file with the part, from byte `begin` on (the header is before it when the file is taken as it
            is).
        offset, length: where the part is in the text of the source file, in bytes of its stream (texts.py).
        first_line: 1-based line of its first record.
        lines: physical lines, which is the number of records when each is one line.
        suspect: not to be given to DuckDB as it is.
        doubtful: blanks beside quotes, which DuckDB may pass over; the records are to be counted.
        number: position among all segments.
        seen: what makes lines, suspect and doubtful known, while the text is read for the rows.
    """

    source: int
    path: Path
    layout: Layout
    offset: int = 0
    length: int = 0
    begin: int = 0
    first_line: int = 1
    lines: int = 0
    suspect: bool = False
    doubtful: bool = False
    final: bool = True
    seen: Future[None] | None = None
    number: int = 0
    malformed: int = 0
    rows: int | None = None
    refused: int = 0
    empty_lines: int = 0
    parsed: Path | None = None
    unseen: frozenset[int] = frozenset()

    def open(self) -> BinaryIO:
        """The part, from its start."""
        handle = self.path.open("rb")
        handle.seek(self.begin)
        return handle

    def prepend(self, tail: bytes) -> None:
        """Put text before it that the segment before it was cut within. It is to be split exactly, then."""
        whole = self.path.with_name(self.path.name + "-whole")
        with self.open() as rest, whole.open("wb") as out:
            out.write(tail)
            shutil.copyfileobj(rest, out, CHUNK_BYTES)
        whole.replace(self.path)
        self.begin = 0
        self.offset -= len(tail)
        self.length += len(tail)
        self.first_line -= tail.count(b"\n")
        self.lines += tail.count(b"\n")
        self.suspect = True


@dataclass
class Batch:
    """Segments of one layout, in the order of the source."""

    layout: Layout
    segments: list[Segment] = field(default_factory=list)
    resources: ExitStack = field(default_factory=ExitStack)

    @property
    def bytes(self) -> int:
        """The size of all segments."""
        return sum(segment.length for segment in self.segments)

    def wait(self) -> None:
        """Wait until all is known of the segments that can be seen in their text."""
        for segment in self.segments:
            if segment.seen:
                segment.seen.result()
                segment.seen = None

    def adds_up(self, written: int, counted: bool) -> bool:
        """Whether DuckDB, which wrote so many rows, refused none and took no field for surplus.

        Args:
            counted: DuckDB was told to refuse records with other fields than the header. As many rows as lines
                means that no line end is in quotes.
        """
        if written != sum(segment.lines for segment in self.segments):
            return False
        if self.layout.format == PARQUET or any(segment.parsed for segment in self.segments):
            return True
        return counted and not any(segment.doubtful for segment in self.segments)


class TextReader:
    """Reads one CSV or JSON file from its start to its end, one segment at a time.

    whole: take the file as it is, with no copy of its text, if it is plain and what comes before the first record
    allows it. layout: None when the text has nothing, not even a header.
    """

    def __init__(self, text: SourceText, source: int, contract: DataObject, *, whole: bool) -> None:
        self._uri = text.uri
        self._read_more = text.read
        self._source = source
        self._offset = 0
        self._line = 1
        self._pending = self._read_more(CHUNK_BYTES)
        self.whole = whole and text.plain
        self.surplus: list[str] = []
        if self._pending.startswith(codecs.BOM_UTF8):
            self._advance(len(codecs.BOM_UTF8))
            self.whole = False
        self.layout = self._json(text, contract) if text.kind.format == JSON else self._csv(contract)

    def _json(self, text: SourceText, contract: DataObject) -> Layout | None:
        names = tuple(column.source_name for column in contract.columns)
        return Layout(JSON, names, array=text.array) if self._pending else None

    def _csv(self, contract: DataObject) -> Layout | None:
        dialect = contract.csv
        for _ in range(dialect.skip_lines):
            if not self._pending:
                return None
            self._skip_line()
        if not self._pending:
            return None
        names = tuple(column.source_name for column in contract.columns)
        first_line = self._pending[: self._pending.find(b"\n") + 1]
        if dialect.header:
            header = self._header(CsvGrammar.of(dialect, 2))
            if header is None:
                return None
            names, first_line = header
            self.surplus = check_columns(self._uri, names, contract)
        newline = "\\r\\n" if first_line.endswith(b"\r\n") else "\\n"
        return Layout(CSV, names, newline=newline, skip=int(self.whole and dialect.header), dialect=dialect)

    def _skip_line(self) -> None:
        self.whole = False
        while (end := self._pending.find(b"\n")) < 0 and self._pending:
            self._advance(len(self._pending))
            self._pending = self._read_more(CHUNK_BYTES)
        self._advance(end + 1)
        self._line += 1
        self._pending = self._pending or self._read_more(CHUNK_BYTES)

    def _header(self, grammar: CsvGrammar) -> tuple[tuple[str, ...], bytes] | None:
        """The names in the header, and its text with the line end. None: there is none.

        Raises:
            JobError: it is no record of the dialect.
        """
        while len(self._pending) <= records.MAX_RECORD_BYTES and (chunk := self._read_more(CHUNK_BYTES)):
            self._pending += chunk
        unread = [self._pending[: records.MAX_RECORD_BYTES + 2]]
        first = next(records.Splitter(lambda _: unread.pop() if unread else b"", grammar).runs(), None)
        if first is None:
            return None
        line, raw = first.line, first.raws[0]
        # DuckDB can skip one line; blank lines before the header, or a quoted line end in it, are more.
        self.whole = self.whole and not line and not (grammar.quote and grammar.quote in raw)
        names = _header_names(self._uri, first, grammar)
        begin = 0
        for _ in range(line):
            begin = self._pending.index(b"\n", begin) + 1
        end = self._pending.find(b"\n", begin + len(raw)) + 1 or len(self._pending)
        text = self._pending[begin:end]
        self._line += line + raw.count(b"\n") + 1
        self._advance(end)
        return names, text

    def sample(self, count: int) -> list[bytes]:
        """The first lines of what is not read yet, `count` at most."""
        return self._pending.split(b"\n", count)[:count]

    def rest(self, path: Path) -> Segment | None:
        """The whole file as one segment, `path` being the file itself. None: there is nothing after the header.

        Its text has not passed yet: see `observe`.
        """
        assert self.layout is not None
        length = path.stat().st_size - self._offset
        segment = Segment(
            self._source, path, self.layout, self._offset, length, begin=self._offset, first_line=self._line
        )
        return segment if length else None

    def cut(self, path: Path, limit: int) -> Segment | None:
        """Write the next part, of about `limit` bytes, to `path`. None: the file is at its end."""
        assert self.layout is not None
        limit = max(limit, 2 * records.MAX_RECORD_BYTES)
        segment = Segment(self._source, path, self.layout, offset=self._offset, first_line=self._line, final=False)
        text = Observed(self.layout, cutting=True)
        if len(self._pending) < len(codecs.BOM_UTF8):
            self._pending += self._read_more(CHUNK_BYTES)
        with path.open("wb") as out:
            if self._pending.startswith(codecs.BOM_UTF8):
                # It is of the first value here. DuckDB takes one away from the start of each file: this one.
                segment.begin = out.write(codecs.BOM_UTF8)
            while chunk := self._pending or self._read_more(CHUNK_BYTES):
                self._pending = chunk
                after = segment.length + len(chunk)
                end, suspect = text.cut(chunk, after >= limit, after >= limit + 4 * CHUNK_BYTES)
                segment.suspect |= suspect
                out.write(chunk[:end])
                text.add(chunk[:end])
                segment.length += end
                self._advance(end)
                if end < len(chunk) or text.cuts:
                    break
        self._pending = self._pending or self._read_more(CHUNK_BYTES)
        segment.final = not self._pending
        text.describe(segment)
        self._line += text.file_lines
        return segment if segment.length else None

    def _advance(self, count: int) -> None:
        self._pending = self._pending[count:]
        self._offset += count


def observe(segment: Segment) -> None:
    """Read the text of a segment, and enter what is to be known of it."""
    text = Observed(segment.layout, cutting=False)
    with segment.open() as handle:
        while chunk := handle.read(CHUNK_BYTES):
            text.add(chunk)
    text.describe(segment)


def _header_names(uri: str, header: records.RecordRun, grammar: CsvGrammar) -> tuple[str, ...]:
    raw, problem = header.raws[0], header.problem
    if problem in ("", TOO_FEW_FIELDS, TOO_MANY_FIELDS):
        problem = encoding_problem(raw, grammar.encoding)
    if problem:
        hint = "store the file as UTF-8, or set encoding" if problem == ENCODING else "see its csv dialect"
        raise JobError(f"the header of {uri} cannot be read: {problem}; {hint}")
    if grammar.trailing and not raw.endswith(grammar.delimiter):
        raise JobError(f"the header of {uri} does not end with the delimiter, as trailingDelimiter says")
    return tuple(name.decode("utf-8").strip() for name in grammar.fields(raw))


def ranged(text: SourceText, offset: int, length: int) -> Callable[[int], bytes]:
    """A reader of `length` bytes from `offset` of a text that was not read yet."""
    text.skip(offset)
    left = [length]

    def read(size: int) -> bytes:
        data = text.read(min(size, left[0]))
        left[0] -= len(data)
        return data

    return read

"""Source files cut into segments, and segments gathered into batches: what one statement reads.

A segment is a part of one file as a file of its own, beginning and ending at a record. Where a CSV record ends depends
on every quote before it, so a cut is made at a line end with an even number of quotes before it: right for text whose
quotes are well placed. DuckDB refuses a text that ends within quotes, so a wrong cut shows, and the segment is then
split exactly and its tail given back.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Callable, cast

from glue_python_job import records
from glue_python_job.contract import Contract
from glue_python_job.errors import JobError
from glue_python_job.grammar import CsvGrammar
from glue_python_job.layout import CSV, JSON, Layout, check_columns, header_names
from glue_python_job.storage import StoredFile

CHUNK_BYTES = 8 * 1024 * 1024


@dataclass
class Segment:
    """A part of a source file.

    source: position of the file among the source files. path: a local file with the part, from byte `begin` on (the
    header is before it when the file is taken as it is). offset, length: where the part is in the (decompressed) source
    file, in bytes. first_line: 1-based line of its first record.
    lines: physical lines, which is the number of records when each is one line. suspect: not to be given to DuckDB as
    it is. number: position among all segments.

    Known later: malformed, the records that cannot be parsed; rows, the others; refused, those of them that a rule
    refuses; parsed, the file that DuckDB reads when it is not `path`.
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
    final: bool = True
    number: int = 0
    malformed: int = 0
    rows: int | None = None
    refused: int = 0
    parsed: Path | None = None

    def open(self) -> BinaryIO:
        """The part, from its begin."""
        handle = self.path.open("rb")
        handle.seek(self.begin)
        return handle


@dataclass
class Batch:
    """Segments of one layout, in the order of the source. reader: of the last segment's file, when it goes on."""

    layout: Layout
    segments: list[Segment] = field(default_factory=list)
    reader: TextReader | None = None
    resources: ExitStack = field(default_factory=ExitStack)

    @property
    def bytes(self) -> int:
        return sum(segment.length for segment in self.segments)


def open_text(path: Path, uri: str) -> BinaryIO:
    """The decompressed content of a file of text."""
    return cast(BinaryIO, gzip.open(path, "rb")) if uri.lower().endswith(".gz") else path.open("rb")


def read_checked(handle: BinaryIO, uri: str) -> Callable[[int], bytes]:
    """`handle.read` with the errors of a damaged gzip file translated."""

    def read(size: int) -> bytes:
        try:
            return handle.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise JobError(f"{uri} is no complete gzip file: {error}; store it again") from error

    return read


class TextReader:
    """Reads one CSV or JSON lines file from its begin to its end, a segment at a time.

    whole: take the file as it is, with no copy of its text, if what comes before the first record allows it.
    """

    def __init__(
        self, handle: BinaryIO, file: StoredFile, source: int, file_format: str, contract: Contract, *, whole: bool
    ) -> None:
        self._read_more = read_checked(handle, file.uri)
        self._source = source
        self._offset = 0
        self._line = 1
        self._pending = self._read_more(CHUNK_BYTES)
        if self._pending.startswith(codecs.BOM_UTF8):
            self._pending = self._pending[len(codecs.BOM_UTF8) :]
            self._offset = len(codecs.BOM_UTF8)
            whole = False
        self.whole = whole
        self.surplus: list[str] = []
        self.layout = Layout(JSON) if file_format == JSON else self._header(file.uri, contract)
        if file_format == JSON and _first_line_end(self._pending) == b"\r\n":
            self.layout = Layout(JSON, newline="\\r\\n")

    def _header(self, uri: str, contract: Contract) -> Layout:
        while len(self._pending) <= records.MAX_RECORD_BYTES and (chunk := self._read_more(CHUNK_BYTES)):
            self._pending += chunk
        unread = [self._pending[: records.MAX_RECORD_BYTES + 2]]
        first = next(records.Splitter(lambda _: unread.pop() if unread else b"", CsvGrammar(2)).runs(), None)
        if first is None:
            names: tuple[str, ...] = ()
            end = len(self._pending)
        else:
            line, raw, problem = first.line, first.raws[0], first.problem
            # DuckDB can skip one line; blank lines before the header, or a quoted line end in it, are more.
            self.whole = self.whole and not line and b'"' not in raw
            names = header_names(uri, raw, problem)
            begin = self._pending.index(raw)
            end = self._pending.find(b"\n", begin + len(raw)) + 1 or len(self._pending)
            self._line += line + raw.count(b"\n") + 1
        self.surplus = check_columns(uri, names, contract)
        newline = "\\r\\n" if self._pending[:end].endswith(b"\r\n") else "\\n"
        self._advance(end)
        return Layout(CSV, columns=names, newline=newline, skip=int(self.whole))

    def sample(self, count: int) -> list[bytes]:
        """The first lines of what is not read yet, `count` at most."""
        return self._pending.split(b"\n", count)[:count]

    def rest(self, path: Path) -> Segment | None:
        """The whole file as one segment, `path` being the file itself. None: there is nothing after the header."""
        segment = Segment(self._source, path, self.layout, self._offset, begin=self._offset, first_line=self._line)
        text = _Observed(self.layout)
        while chunk := self._pending or self._read_more(CHUNK_BYTES):
            self._pending = b""
            text.add(chunk)
            segment.length += len(chunk)
        text.describe(segment)
        return segment if segment.length else None

    def cut(self, path: Path, limit: int) -> Segment | None:
        """Write the next part, of about `limit` bytes, to `path`. None: the file is at its end."""
        limit = max(limit, 2 * records.MAX_RECORD_BYTES)
        segment = Segment(self._source, path, self.layout, offset=self._offset, first_line=self._line, final=False)
        text = _Observed(self.layout)
        with path.open("wb") as out:
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
        self._line += text.lines
        return segment if segment.length else None

    def give_back(self, tail: bytes) -> None:
        """Put the end of the segment that was cut last before what is not read yet."""
        self._pending = tail + self._pending
        self._offset -= len(tail)
        self._line -= tail.count(b"\n")

    def _advance(self, count: int) -> None:
        self._pending = self._pending[count:]
        self._offset += count


class _Observed:
    """What is seen of a segment's bytes while they pass: lines, quotes, and what DuckDB must not be given."""

    def __init__(self, layout: Layout) -> None:
        self._quoted = layout.format == CSV
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._suspect = layout.format == CSV and len(layout.columns) == 1
        self._quotes = 0
        self.lines = 0
        self.ends_line = True
        self.cuts = False

    def cut(self, chunk: bytes, wanted: bool, overdue: bool) -> tuple[int, bool]:
        """Where to end the segment within the chunk (its length: not here), and whether the cut is a guess."""
        if not wanted:
            return len(chunk), False
        end = chunk.rfind(b"\n") + 1
        guess, quotes = end, self._quotes + (chunk.count(b'"', 0, end) if self._quoted else 0)
        while end and quotes % 2:
            earlier = chunk.rfind(b"\n", 0, end - 1) + 1
            quotes -= chunk.count(b'"', earlier, end)
            end = earlier
        if not end and not (overdue and guess):
            return len(chunk), False
        self.cuts = True
        return (end, False) if end else (guess, True)

    def add(self, chunk: bytes) -> None:
        self.lines += chunk.count(b"\n")
        self.ends_line = chunk.endswith(b"\n")
        if self._quoted:
            self._quotes += chunk.count(b'"')
        self._suspect = self._suspect or b"\0" in chunk
        if not self._suspect and not (chunk.isascii() and not self._decoder.getstate()[0]):
            try:
                self._decoder.decode(chunk)
            except UnicodeDecodeError:
                self._suspect = True

    def describe(self, segment: Segment) -> None:
        """Enter what was seen into the segment."""
        segment.lines = self.lines + (segment.final and not self.ends_line)
        segment.suspect |= self._suspect or (segment.final and bool(self._decoder.getstate()[0]))


def _first_line_end(text: bytes) -> bytes:
    end = text.find(b"\n")
    return b"\r\n" if end > 0 and text[end - 1 : end] == b"\r" else b"\n"


def ranged(handle: BinaryIO, uri: str, offset: int, length: int) -> Callable[[int], bytes]:
    """A reader of `length` bytes from `offset` of the decompressed content."""
    read_more, left = read_checked(handle, uri), [length]
    try:
        handle.seek(offset)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise JobError(f"{uri} is no complete gzip file: {error}; store it again") from error

    def read(size: int) -> bytes:
        data = read_more(min(size, left[0]))
        left[0] -= len(data)
        return data

    return read

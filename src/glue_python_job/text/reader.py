"""Source files cut into segments, and segments gathered into batches: what one statement reads.

A segment is a part of one file as a file of its own, beginning and ending at a record. Where a CSV record ends depends
on every quote before it, so a cut is made at a line end with an even number of quotes before it: right for text whose
quotes are well placed. DuckDB refuses a text that ends within quotes, so a wrong cut shows, and the segment is then
split exactly and its tail given back.
"""

from __future__ import annotations

import codecs
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Callable

from dataset_contract.model import DataObject
from dataset_contract.wording import TOO_FEW_FIELDS, TOO_MANY_FIELDS
from glue_python_job.errors import JobError
from glue_python_job.text import records
from glue_python_job.text.file_kinds import CSV, JSON, PARQUET
from glue_python_job.text.grammar import ENCODING, CsvGrammar, encoding_problem
from glue_python_job.text.json_records import LINE_MARK
from glue_python_job.text.layout import Layout, check_columns
from glue_python_job.text.texts import SourceText, open_text

__all__ = ["Batch", "Segment", "TextReader", "open_text", "ranged"]

CHUNK_BYTES = 8 * 1024 * 1024
_EDGE_BYTES = 64  # of each chunk, to see what lies across two


@dataclass
class Segment:
    """A part of a source file.

    source: position of the file among the source files. path: a local file with the part, from byte `begin` on (the
    header is before it when the file is taken as it is). offset, length: where the part is in the text of the source
    file, in bytes of its stream (texts.py). first_line: 1-based line of its first record.
    lines: physical lines, which is the number of records when each is one line. gaps: some of them may be empty.
    suspect: not to be given to DuckDB as it is. doubtful: blanks beside quotes, which DuckDB may pass over; the
    records are to be counted. number: position among all segments.

    Known later: malformed, the records that cannot be parsed; rows, the others; refused, those of them that a rule
    refuses; empty_lines, those that are no records; parsed, the file that DuckDB reads when it is not `path`; unseen,
    of JSON the positions of the columns whose key is in no record.
    """

    source: int
    path: Path
    layout: Layout
    offset: int = 0
    length: int = 0
    begin: int = 0
    first_line: int = 1
    lines: int = 0
    gaps: bool = False
    suspect: bool = False
    doubtful: bool = False
    final: bool = True
    number: int = 0
    malformed: int = 0
    rows: int | None = None
    refused: int = 0
    empty_lines: int = 0
    parsed: Path | None = None
    unseen: frozenset[int] = frozenset()

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

    def adds_up(self, written: int, counted: bool) -> bool:
        """Whether DuckDB, which wrote so many rows, refused none and took no field for surplus.

        counted: DuckDB was told to refuse records with other fields than the header. As many rows as lines means that
        no line end is in quotes.
        """
        if written != sum(segment.lines for segment in self.segments):
            return False
        if self.layout.format == PARQUET or any(segment.parsed for segment in self.segments):
            return True
        return counted and not any(segment.doubtful for segment in self.segments)


class TextReader:
    """Reads one CSV or JSON file from its begin to its end, a segment at a time.

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
        """The whole file as one segment, `path` being the file itself. None: there is nothing after the header."""
        assert self.layout is not None
        segment = Segment(self._source, path, self.layout, self._offset, begin=self._offset, first_line=self._line)
        text = _Observed(self.layout, cutting=False)
        while chunk := self._pending or self._read_more(CHUNK_BYTES):
            self._pending = b""
            text.add(chunk)
            segment.length += len(chunk)
        text.describe(segment)
        return segment if segment.length else None

    def cut(self, path: Path, limit: int) -> Segment | None:
        """Write the next part, of about `limit` bytes, to `path`. None: the file is at its end."""
        assert self.layout is not None
        limit = max(limit, 2 * records.MAX_RECORD_BYTES)
        segment = Segment(self._source, path, self.layout, offset=self._offset, first_line=self._line, final=False)
        text = _Observed(self.layout, cutting=True)
        if len(self._pending) < len(codecs.BOM_UTF8):
            self._pending += self._read_more(CHUNK_BYTES)
        with path.open("wb") as out:
            if self._pending.startswith(codecs.BOM_UTF8):
                # It is of the first value here. DuckDB takes one away from the begin of each file: this one.
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

    def give_back(self, tail: bytes) -> None:
        """Put the end of the segment that was cut last before what is not read yet."""
        self._pending = tail + self._pending
        self._offset -= len(tail)
        self._line -= tail.count(b"\n")

    def _advance(self, count: int) -> None:
        self._pending = self._pending[count:]
        self._offset += count


class _Observed:
    """What is seen of a segment's bytes while they pass: lines, and what DuckDB must not be given.

    cutting: the segment ends between two records, which needs the quotes counted.
    """

    def __init__(self, layout: Layout, *, cutting: bool) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._suspect = layout.exact
        grammar = layout.csv_grammar if layout.format == CSV else None
        self._quote = grammar.quote if grammar and cutting else b""
        self._comment = grammar.comment if grammar else b""
        self._mark = LINE_MARK if layout.array else b""
        self._blanks = _Blanks(grammar) if grammar and not layout.exact and grammar.quote else None
        self._quotes = 0
        self._gaps = False
        self._end = b"\n"  # of the chunk before; a line end stands before the first
        self.lines = self.file_lines = 0
        self.ends_line = True
        self.cuts = False

    def cut(self, chunk: bytes, wanted: bool, overdue: bool) -> tuple[int, bool]:
        """Where to end the segment within the chunk (its length: not here), and whether the cut is a guess."""
        if not wanted:
            return len(chunk), False
        end = chunk.rfind(b"\n") + 1
        guess, quotes = end, self._quotes + (chunk.count(self._quote, 0, end) if self._quote else 0)
        while end and quotes % 2:
            earlier = chunk.rfind(b"\n", 0, end - 1) + 1
            quotes -= chunk.count(self._quote, earlier, end)
            end = earlier
        if not end and not (overdue and guess):
            return len(chunk), False
        self.cuts = True
        return (end, False) if end else (guess, True)

    def add(self, chunk: bytes) -> None:
        lines = chunk.count(b"\n")
        self.lines += lines
        self.file_lines += chunk.count(self._mark) if self._mark else lines
        if self._quote:
            self._quotes += chunk.count(self._quote)
        self._gaps = self._gaps or _has_gap(self._end + chunk[:2]) or _has_gap(chunk)
        self._end = (self._end + chunk)[-2:] if len(chunk) < 2 else chunk[-2:]
        if self._blanks:
            self._blanks.add(chunk)
        self._suspect = self._suspect or b"\0" in chunk or self._has_comment(chunk)
        self.ends_line = chunk.endswith(b"\n")
        if not self._suspect and not (chunk.isascii() and not self._decoder.getstate()[0]):
            try:
                self._decoder.decode(chunk)
            except UnicodeDecodeError:
                self._suspect = True

    def _has_comment(self, chunk: bytes) -> bool:
        # A comment's begin may lie in the next chunk: its first byte is enough.
        first = self._comment[:1]
        return bool(first) and ((self.ends_line and chunk.startswith(first)) or b"\n" + first in chunk)

    def describe(self, segment: Segment) -> None:
        """Enter what was seen into the segment."""
        segment.lines = self.lines + (segment.final and not self.ends_line)
        segment.gaps = self._gaps
        segment.doubtful = bool(self._blanks and self._blanks.found)
        segment.suspect |= self._suspect or (segment.final and bool(self._decoder.getstate()[0]))


def _has_gap(text: bytes) -> bool:
    """Whether an empty line may be in it."""
    return b"\n\n" in text or b"\n\r\n" in text


class _Blanks:
    """Looks for blanks between a quote and a delimiter, another quote or a line's begin or end.

    DuckDB passes over them and so repairs a misplaced quote in silence. They may as well be within a quoted field.
    """

    def __init__(self, grammar: CsvGrammar) -> None:
        quote, delimiter = grammar.quote, grammar.delimiter
        self.found = False
        self._quote = quote
        self._after = quote + b" "
        self._before = (delimiter + b" " + quote, b"\n " + quote, b"  " + quote)
        ends = re.escape(delimiter), re.escape(quote)
        self._pattern = re.compile(rb"%b +(?:[\r\n]|%b|%b|\Z)" % (ends[1], *ends))
        self._edge = b"\n"  # the end of the chunk before; a line end stands before the first

    def add(self, chunk: bytes) -> None:
        if self.found:
            return
        joint = self._edge + chunk[:_EDGE_BYTES]
        self.found = self._within(joint) or b" " * _EDGE_BYTES in joint or self._within(chunk)
        self._edge = chunk[-_EDGE_BYTES:]

    def _within(self, text: bytes) -> bool:
        # A search for plain bytes is fast; files that have none of them never see the pattern.
        if self._quote not in text:
            return False
        if any(before in text for before in self._before):
            return True
        return self._after in text and bool(self._pattern.search(text))


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

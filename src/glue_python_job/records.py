"""Exact splitting of text into records: where a record begins, its raw text, and why it is none.

The good path never runs this code for a row: DuckDB parses. It is for the parts that DuckDB refused to parse, for the
line number and raw text of refused rows, and for an independent count of the records.

CSV is RFC 4180 as DuckDB reads it: a quote opens a quoted field only at its start (one space may stand before it), ""
is a quote, and a field that does not begin with a quote takes quotes literally. A record whose quotes do not add up is
refused as its first line alone, and reading goes on at the next line: a stray quote costs a line, not the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Callable, Union

# A longer record is refused: with no bound, one open quote would make a record of the rest of the file.
MAX_RECORD_BYTES = 2_000_000
WINDOW_BYTES = 4 * 1024 * 1024
BLANKS = b" \t\r"

TOO_FEW = "too few columns"
TOO_MANY = "too many columns"
QUOTES = "unterminated or misplaced quote"
CARRIAGE_RETURN = "carriage return outside quotes"
CONTROL = "NUL or control character"
ENCODING = "invalid UTF-8"
TOO_LONG = f"longer than {MAX_RECORD_BYTES} bytes"

# A quoted field as DuckDB takes it: beside "" also `" "`, a quote closed and opened anew, is within the field.
_QUOTED = rb' ?"[^"]*(?:"(?:"| +")[^"]*)*" *'
_UNQUOTED = rb'(?! ?")[^,\n\r]*'

Read = Callable[[int], bytes]
# Lines before it (0-based from the first), the bytes without the line end, and the problem ("" when it is a record).
Record = tuple[int, bytes, str]


@dataclass(frozen=True)
class JsonGrammar:
    """A record is a line; whether it is JSON is DuckDB's to tell. Blank lines are no records."""

    quotes = False
    # The byte that is DuckDB's column separator here, since a line is one column. JSON has no raw control characters.
    separator = b"\x01"

    def is_blank(self, line: bytes) -> bool:
        return not line.strip(BLANKS)

    def problem(self, line: bytes) -> str:
        return CONTROL if self.separator in line or b"\0" in line else ""

    @property
    def blank_line(self) -> re.Pattern[bytes] | None:
        return re.compile(rb"^[ \t\r]*\n", re.MULTILINE)


@dataclass(frozen=True)
class CsvGrammar:
    """`columns` fields a record; more are accepted when all of them are empty or null, as DuckDB does."""

    columns: int
    nulls: tuple[bytes, ...] = (b"",)
    quotes = True

    def is_blank(self, line: bytes) -> bool:
        return not line and self.columns > 1

    def problem(self, line: bytes) -> str:
        """Why a line without a quote is no record."""
        if b"\0" in line:
            return CONTROL
        found = line.count(b",") + 1
        if found == self.columns:
            return ""
        if found < self.columns:
            return TOO_FEW
        return "" if all(not field or field in self.nulls for field in line.split(b",")[self.columns :]) else TOO_MANY

    @property
    def blank_line(self) -> re.Pattern[bytes] | None:
        return re.compile(rb"^\r?\n", re.MULTILINE) if self.columns > 1 else None

    @cached_property
    def record(self) -> re.Pattern[bytes]:
        """A whole record, its line end left out."""
        field = rb"(?:%b|%b)" % (_QUOTED, _UNQUOTED)
        texts = [re.escape(null) for null in sorted({*self.nulls, b""}, key=len, reverse=True)]
        nulls = b"|".join(rb' ?"%b" *|%b' % (text, text) for text in texts)
        surplus = rb"(?:,(?:%b)(?=,|\r?\n|\r?\Z))*" % nulls
        return re.compile(rb"%b(?:,%b){%d}%b(?=\r?\n|\r?\Z)" % (field, field, self.columns - 1, surplus))

    @cached_property
    def any_record(self) -> re.Pattern[bytes]:
        """A record of any number of columns."""
        field = rb"(?:%b|%b)" % (_QUOTED, _UNQUOTED)
        return re.compile(rb"%b((?:,%b)*)(?=\r?\n|\r?\Z)" % (field, field))

    def quoted_problem(self, text: bytes) -> str:
        """Why a well-quoted text is no record of `columns` fields."""
        if b"\0" in text:
            return CONTROL
        bare = re.sub(rb"(?:(?<=,)|\A)%b" % _QUOTED, b"", text)
        return TOO_FEW if bare.count(b",") + 1 < self.columns else TOO_MANY


Grammar = Union[JsonGrammar, CsvGrammar]


class Splitter:
    """Splits text into records, one after the other, in bounded memory.

    `read(n)` gives up to n bytes, nothing at the end; the text begins at the begin of a record. When the text is not
    final, a record may end beyond it: what is left then is in `tail` and belongs before what follows.
    """

    def __init__(self, read: Read, grammar: Grammar, *, final: bool = True) -> None:
        self._read = read
        self._grammar = grammar
        self._final = final
        self._buffer = b""
        self._position = 0
        self._line = 0
        self._end = False

    @property
    def tail(self) -> bytes:
        """What is left when the records are used up: the begin of one whose end lies beyond."""
        return self._buffer[self._position :]

    def records(self) -> Iterator[Record]:
        while self._fill():
            yield from self._plain_lines()
            if self._position >= len(self._buffer) or (not self._end and self._is_short()):
                continue
            if self._buffer.find(b"\n", self._position) < 0 and not self._end:
                yield self._long_line()
            elif not self._grammar.quotes or b'"' not in self._current_line():
                yield from self._one_plain_line()
            else:
                record = self._quoted_record()
                if record is None:
                    return
                yield record

    def _ahead(self) -> int:
        return len(self._buffer) - self._position

    def _is_short(self) -> bool:
        return self._ahead() <= MAX_RECORD_BYTES + 2  # the longest record and its line end

    def _fill(self) -> bool:
        """Have a record's greatest length in the buffer, if there is as much. False: there is nothing more."""
        while not self._end and self._is_short():
            chunk = self._read(WINDOW_BYTES)
            self._end = not chunk
            self._buffer = self._buffer[self._position :] + chunk
            self._position = 0
        return self._position < len(self._buffer)

    def _current_line(self) -> bytes:
        end = self._buffer.find(b"\n", self._position)
        return self._buffer[self._position : end if end >= 0 else len(self._buffer)]

    def _plain_lines(self) -> Iterator[Record]:
        """The lines up to the one with the next quote: each is a record, no state is needed."""
        end = len(self._buffer)
        if self._grammar.quotes:
            quote = self._buffer.find(b'"', self._position)
            end = quote if quote >= 0 else end
        end = self._buffer.rfind(b"\n", self._position, end) + 1
        if end <= self._position:
            return
        block = self._buffer[self._position : end]
        self._position = end
        first = self._line
        self._line += block.count(b"\n")
        checked = self._checked if _needs_check(block) else self._grammar.problem
        blank = self._grammar.is_blank
        for number, line in enumerate(block[:-1].split(b"\n"), first):
            raw = line[:-1] if line.endswith(b"\r") else line
            if len(raw) > MAX_RECORD_BYTES:
                yield number, raw[:MAX_RECORD_BYTES], TOO_LONG
            elif not blank(raw):
                yield number, raw, checked(raw)

    def _one_plain_line(self) -> Iterator[Record]:
        line = self._current_line()
        self._position += len(line) + 1
        number, self._line = self._line, self._line + 1
        raw = line[:-1] if line.endswith(b"\r") else line
        if not self._grammar.is_blank(raw):
            yield number, raw[:MAX_RECORD_BYTES], self._checked(raw)

    def _checked(self, raw: bytes) -> str:
        if len(raw) > MAX_RECORD_BYTES:
            return TOO_LONG
        if b"\r" in raw:
            return CARRIAGE_RETURN
        return self._grammar.problem(raw) or _encoding_problem(raw)

    def _quoted_record(self) -> Record | None:
        """The record whose first line has a quote. None: its end may lie beyond the text."""
        assert isinstance(self._grammar, CsvGrammar)
        number, problem = self._line, ""
        match = self._grammar.record.match(self._buffer, self._position)
        if match is None:
            match = self._grammar.any_record.match(self._buffer, self._position)
            problem = self._grammar.quoted_problem(match[0]) if match else QUOTES
        at_end = self._end and not self._final
        if match is None and at_end and self._ahead() <= MAX_RECORD_BYTES:
            return None
        if match is None or len(match[0]) > MAX_RECORD_BYTES:
            line = self._current_line()
            self._position += len(line) + 1
            self._line += 1
            raw = line[:-1] if line.endswith(b"\r") else line
            too_long = match is not None or len(raw) > MAX_RECORD_BYTES
            return number, raw[:MAX_RECORD_BYTES], TOO_LONG if too_long else QUOTES
        raw = match[0]
        self._line += raw.count(b"\n") + 1
        self._position = self._buffer.find(b"\n", match.end()) + 1 or len(self._buffer)
        return number, raw, problem or (CONTROL if b"\0" in raw else _encoding_problem(raw))

    def _long_line(self) -> Record:
        """Pass over a line that is longer than a record may be, holding no more of it than that."""
        raw = self._buffer[self._position : self._position + MAX_RECORD_BYTES]
        while True:
            end = self._buffer.find(b"\n", self._position)
            if end >= 0 or self._end:
                break
            self._buffer, self._position = self._read(WINDOW_BYTES), 0
            self._end = not self._buffer
        self._position = end + 1 if end >= 0 else len(self._buffer)
        number, self._line = self._line, self._line + 1
        return number, raw, TOO_LONG


def _needs_check(block: bytes) -> bool:
    if b"\r" in block.replace(b"\r\n", b"\n"):
        return True
    if block.isascii():
        return False
    return bool(_encoding_problem(block))


def _encoding_problem(raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return ENCODING
    return ""


def kept(read: Read, grammar: Grammar) -> Iterator[tuple[int, bytes]]:
    """The records that are ones: line and raw text."""
    for line, raw, problem in Splitter(read, grammar).records():
        if not problem:
            yield line, raw

"""What is seen of a text's bytes while they pass: how many lines there are, and what DuckDB does not read as it is."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from glue_python_job.text import records
from glue_python_job.text.grammar import CsvGrammar
from glue_python_job.text.json_records import LINE_MARK
from glue_python_job.text.layout import CSV, Layout

if TYPE_CHECKING:
    from glue_python_job.text.reader import Segment

# A line is checked by itself in about 5 microseconds. When more than one in so many bytes is to be checked, it is
# quicker to count the records of the whole text.
_BYTES_PER_CHECK = 4096
_FREE_CHECKS = 100


class Observed:
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
        """Observe the next chunk of the text."""
        lines = chunk.count(b"\n")
        self.lines += lines
        self.file_lines += chunk.count(self._mark) if self._mark else lines
        if self._quote:
            self._quotes += chunk.count(self._quote)
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
        segment.doubtful = bool(self._blanks and self._blanks.found_any())
        segment.suspect |= self._suspect or (segment.final and bool(self._decoder.getstate()[0]))


class _Blanks:
    """Looks for blanks between a quote and a delimiter, another quote or a line's begin or end.

    DuckDB passes over them and so repairs a misplaced quote in silence. They may as well be within a quoted field,
    which the whole line shows, if it is a record by itself.
    """

    def __init__(self, grammar: CsvGrammar) -> None:
        quote, delimiter = re.escape(grammar.quote), re.escape(grammar.delimiter)
        self._grammar = grammar
        self._found = False
        # An opening quote after a blank, or a closing one before some. It begins with a plain byte, which is looked for
        # ten times as quickly as anything else.
        self._pattern = re.compile(
            rb"%b(?:(?<=[%b\n ] %b)| +(?:[\r\n]|%b|%b|\Z))" % (quote, delimiter, quote, delimiter, quote)
        )
        self._checks = self._seen = 0
        self._rest = b"\n"  # the begin of a line whose end has not passed, after the line end before it

    def add(self, chunk: bytes) -> None:
        if self._found:
            return
        self._seen += len(chunk)
        first, last = chunk.find(b"\n") + 1, chunk.rfind(b"\n") + 1
        if not first:
            self._rest += chunk
            self._found = len(self._rest) > records.MAX_RECORD_BYTES
            return
        self._look(self._rest + chunk[:first], 1, len(self._rest) + first)
        self._look(chunk, first, last)
        self._rest = b"\n" + chunk[last:]

    def found_any(self) -> bool:
        """Whether a line of the text that has passed has such blanks, or may have them."""
        self._look(self._rest, 1, len(self._rest))
        return self._found

    def _look(self, text: bytes, begin: int, end: int) -> None:
        """Look through whole lines. Before them stands a line end."""
        checked = 0
        for match in self._pattern.finditer(text, begin, end):
            if match.start() >= checked:
                checked = self._check(text, match.start(), end)
                if self._found:
                    return

    def _check(self, text: bytes, position: int, end: int) -> int:
        """Check the line at a position. Returns where the next one begins."""
        begin, after = text.rfind(b"\n", 0, position) + 1, text.find(b"\n", position, end) + 1 or end
        self._checks += 1
        too_many = self._checks > _FREE_CHECKS + self._seen // _BYTES_PER_CHECK
        self._found = too_many or self._grammar.record.match(text[begin:after]) is None
        return after

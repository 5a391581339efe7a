"""An exact count of the records of a text at the speed of C, to check DuckDB's reading against.

Cutting the text at every quote leaves the parts outside quotes; a line end in them ends a record, a delimiter in them a
field. This holds when every quote that opens stands at the start of a field and every one that closes at its end, which
one regular expression over the outside parts proves. Where it cannot, the records are split one by one instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

from glue_python_job.text import records
from glue_python_job.text.grammar import CsvGrammar
from glue_python_job.text.reader import Segment
from glue_python_job.text.records import Grammar

_EMPTY_LINE = re.compile(rb"^\r?\n", re.MULTILINE)


@dataclass
class _Outside:
    """What is outside quotes."""

    lines: int = 0
    empty_lines: int = 0
    delimiters: int = 0


def count(segment: Segment, grammar: Grammar) -> bool:
    """Enter the number of records and empty lines into a segment that DuckDB parsed.

    False: it has a text that is not a record, as one with a surplus field, which DuckDB passes over when it is empty.
    """
    assert isinstance(grammar, CsvGrammar)  # what is written anew has no such text, and was counted
    with segment.open() as handle:
        found = _outside_quotes(handle, grammar)
    if found is not None:
        segment.rows, segment.empty_lines = found.lines - found.empty_lines, found.empty_lines
        return found.delimiters == segment.rows * grammar.delimiters
    segment.rows, good = 0, True
    with segment.open() as handle:
        splitter = records.Splitter(handle.read, grammar)
        for run in splitter.runs():
            segment.rows += len(run.raws)
            good = good and not run.problem
    segment.empty_lines = splitter.empty_lines
    return good


def has_empty_line(segment: Segment) -> bool:
    """Whether a line of the text, which has no line end in quotes, is empty."""
    with segment.open() as handle:
        before = b"\n"  # the end of the window before; a line end stands before the first
        while window := handle.read(records.WINDOW_BYTES):
            if _has_gap(before + window[:2]) or _has_gap(window):
                return True
            before = (before + window[-2:])[-2:]
    return False


def _has_gap(text: bytes) -> bool:
    return b"\n\n" in text or (b"\r" in text and b"\n\r\n" in text)


def _outside_quotes(handle: BinaryIO, grammar: CsvGrammar) -> _Outside | None:
    """None: the quotes are not all where they should be."""
    found, rest, inside = _Outside(), b"\n", False  # the line end before stands for the start of the text
    misplaced = _misplaced(grammar) if grammar.quote else None
    while window := handle.read(records.WINDOW_BYTES):
        outside, inside = _without_quoted(window, grammar.quote, inside) if misplaced else (window, False)
        text = rest + outside
        if len(text) > 4 * records.WINDOW_BYTES:  # a line that long is refused
            return None
        end = text.rfind(b"\n")
        if misplaced and misplaced.search(text, 0, end + 1):
            return None
        _add(found, text[: end + 1], grammar)
        rest = text[end:]
    if inside or (misplaced and misplaced.search(rest)):
        return None
    if rest[1:]:
        _add(found, rest + b"\n", grammar)
    return found


def _misplaced(grammar: CsvGrammar) -> re.Pattern[bytes]:
    # In the text outside quotes, \0 stands for each quoted part. It comes first, since that is what is found fast.
    delimiter = re.escape(grammar.delimiter)
    return re.compile(rb"\0(?:[^%b\r\n\0]|(?<![%b\n\0]\0))" % (delimiter, delimiter))


def _without_quoted(window: bytes, quote: bytes, inside: bool) -> tuple[bytes, bool]:
    parts = window.split(quote)
    ends_inside = inside ^ (len(parts) % 2 == 0)
    if not inside:
        return b"\0".join(parts[::2]), ends_inside
    return (b"\0" + b"\0".join(parts[1::2]) if len(parts) > 1 else b""), ends_inside


def _add(found: _Outside, text: bytes, grammar: CsvGrammar) -> None:
    """Count whole lines; before the first one stands a line end, too."""
    found.lines += text.count(b"\n") - 1
    found.delimiters += text.count(grammar.delimiter)
    if b"\n\n" in text or (b"\r" in text and b"\n\r" in text):
        found.empty_lines += len(_EMPTY_LINE.findall(text, 1))

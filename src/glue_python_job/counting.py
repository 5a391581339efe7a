"""An exact count of the records of a text at the speed of C, to check DuckDB's count against.

Cutting the text at every quote leaves the parts outside quotes; a line end in them ends a record. This holds when every
quote that opens stands at the start of a field and every one that closes at its end, which one regular expression over
the outside parts proves. Where it cannot, the records are split one by one instead.
"""

from __future__ import annotations

import re
from typing import BinaryIO, Callable

from glue_python_job import records
from glue_python_job.grammar import Grammar

# In the text outside quotes, \0 stands for each quoted part. It comes first, since that is what is found fast.
_MISPLACED = re.compile(rb"\0(?:[^,\r\n\0]|(?<![,\n\0]\0))")


def count_records(open_text: Callable[[], BinaryIO], grammar: Grammar) -> int:
    """The number of records in a text that DuckDB could parse."""
    with open_text() as handle:
        count = _fast_count(handle, grammar)
    if count is not None:
        return count
    with open_text() as handle:
        return sum(len(run.raws) for run in records.kept(handle.read, grammar))


def _fast_count(handle: BinaryIO, grammar: Grammar) -> int | None:
    count, rest, inside = 0, b"\n", False  # the line end before stands for the begin of the text
    while window := handle.read(records.WINDOW_BYTES):
        outside, inside = _outside(window, inside) if grammar.quotes else (window, False)
        text = rest + outside
        if len(text) > 4 * records.WINDOW_BYTES:  # a line that long is refused
            return None
        end = text.rfind(b"\n")
        if grammar.quotes and _MISPLACED.search(text, 0, end + 1):
            return None
        count += _lines(text[: end + 1], grammar)
        rest = text[end:]
    if inside or (grammar.quotes and _MISPLACED.search(rest)):
        return None
    last = rest[1:].removesuffix(b"\r")
    return count + (0 if not rest[1:] or grammar.is_blank(last) else 1)


def _outside(window: bytes, inside: bool) -> tuple[bytes, bool]:
    parts = window.split(b'"')
    ends_inside = inside ^ (len(parts) % 2 == 0)
    if not inside:
        return b"\0".join(parts[::2]), ends_inside
    return (b"\0" + b"\0".join(parts[1::2]) if len(parts) > 1 else b""), ends_inside


def _lines(text: bytes, grammar: Grammar) -> int:
    """The lines of `text` that are records; before the first one stands a line end, too."""
    lines, blank = text.count(b"\n") - 1, grammar.blank_line
    if blank is None or not any(start in text for start in (b"\n\n", b"\n\r", b"\n ", b"\n\t")):
        return lines
    return lines - len(blank.findall(text, 1))

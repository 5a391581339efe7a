"""A segment split exactly: what is not a record is refused, and the records are written anew for DuckDB."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence
from typing import Callable, Optional

from glue_python_job.text.grammar import CsvGrammar
from glue_python_job.text.reader import Segment
from glue_python_job.text.records import Grammar, RecordRun, splitter

# line number, column if it is because of one, reason, text, bytes of it
Refuse = Callable[[int, Optional[str], str, str, bytes], None]

# The last field of a record that is written anew, so that no record is an empty line, whatever its values.
_LAST = ',"."\n'


def split(segment: Segment, grammar: Grammar, refuse: Refuse) -> bytes:
    r"""Write the records to `segment.parsed`, in the layout `split_text`; hand each text that is none to `refuse`.

    Returns what is left at the end, the start of a record that goes on in the next segment. The counts of the segment
    are those of the records; an undecodable byte in a text is shown as \xNN.
    """
    segment.parsed = segment.path.with_name(segment.path.name + "-records")
    segment.rows = segment.malformed = 0
    write = _writer(grammar, segment.layout.exact)
    with segment.open() as handle, segment.parsed.open("wb") as out:
        text = splitter(handle.read, grammar, final=segment.final)
        for run in text.runs():
            if run.problem:
                refuse(segment.first_line + run.line, run.column, run.problem, grammar.text(run.raws[0]), run.raws[0])
                segment.malformed += 1
            else:
                text_of_run = write(run)
                if not segment.rows and text_of_run.startswith(codecs.BOM_UTF8):
                    out.write(codecs.BOM_UTF8)  # for DuckDB to take away, else it takes the value's own
                out.write(text_of_run)
                segment.rows += len(run.raws)
        tail = text.tail
    segment.empty_lines = text.empty_lines
    segment.unseen = text.unseen
    segment.length -= len(tail)
    segment.lines = segment.rows
    return tail


def _writer(grammar: Grammar, exact: bool) -> Callable[[RecordRun], bytes]:
    if not isinstance(grammar, CsvGrammar):
        return lambda run: _rows(run.rows)
    if not exact:
        return lambda run: b"\n".join(run.raws) + b"\n"
    return lambda run: _rows([field.decode("utf-8") for field in grammar.fields(raw)] for raw in run.raws)


def _rows(rows: Iterable[Sequence[str | None]]) -> bytes:
    """Records with every text quoted, null alone is not."""
    quote, doubled = '"', '""'
    lines = [
        ",".join(["" if text is None else f'"{text.replace(quote, doubled)}"' for text in row]) + _LAST for row in rows
    ]
    return "".join(lines).encode("utf-8")

"""Exact splitting of text into records: where a record begins, its raw text, and why it is none.

The good path never runs this code for a row: DuckDB parses. It is for the parts that DuckDB refused to parse, for the
line number and raw text of refused rows, and for an independent count of the records.

A CSV record whose quotes do not add up is refused as its first line alone, and reading goes on at the next line: a
stray quote costs a line, not the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Callable, NamedTuple, Union

from dataset_contract.wording import NUL
from glue_python_job.text.grammar import BLANKS, CARRIAGE_RETURN, QUOTES, CsvGrammar, LineGrammar, encoding_problem

if TYPE_CHECKING:
    from glue_python_job.text.json_records import JsonGrammar, JsonSplitter

# A longer record is refused: with no bound, one open quote would make a record of the rest of the file.
MAX_RECORD_BYTES = 2_000_000
WINDOW_BYTES = 4 * 1024 * 1024
TOO_LONG = f"longer than {MAX_RECORD_BYTES} bytes"

Read = Callable[[int], bytes]


class RecordRun(NamedTuple):
    """Records on consecutive lines, one line each; or one record over several lines; or one text that is not a record.

    Attributes:
        line: lines before it, from the first.
        raws: the bytes of each without the line end.
        problem: why it is not a record.
        column: because of which column, if it is one.
        rows: the values of each, where splitting found them (JSON).
    """

    line: int
    raws: list[bytes]
    problem: str
    column: str | None = None
    rows: Sequence[Sequence[str | None]] = ()


class Splitter:
    """Splits text into records, one after the other, in bounded memory.

    `read(n)` gives up to n bytes, nothing at the end; the text starts where a record starts. When the text is not
    final, a record may end beyond it: what is left then is in `tail` and belongs before what follows. `empty_lines`
    counts the blank lines that were passed.
    """

    unseen: frozenset[int] = frozenset()

    def __init__(self, read: Read, grammar: CsvGrammar | LineGrammar, *, final: bool = True) -> None:
        self.empty_lines = 0
        self._read = read
        self._grammar = grammar
        self._final = final
        self._buffer = b""
        self._position = 0
        self._line = 0
        self._end = False

    @property
    def tail(self) -> bytes:
        """What is left when the records are used up: the start of one whose end lies beyond."""
        return self._buffer[self._position :]

    def runs(self) -> Iterator[RecordRun]:
        """The records of the text, in order."""
        while self._fill():
            yield from self._plain_lines()
            if self._position >= len(self._buffer) or (not self._end and self._is_short()):
                continue
            if self._buffer.find(b"\n", self._position) < 0 and not self._end:
                yield self._long_line()
            elif self._is_plain_line(self._current_line()):
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

    def _is_plain_line(self, line: bytes) -> bool:
        grammar = self._grammar
        return not isinstance(grammar, CsvGrammar) or grammar.quote not in line or grammar.is_comment(line)

    def _current_line(self) -> bytes:
        end = self._buffer.find(b"\n", self._position)
        return self._buffer[self._position : end if end >= 0 else len(self._buffer)]

    def _plain_lines(self) -> Iterator[RecordRun]:
        """The lines up to the one with the next quote: each is a record, no state is needed."""
        end = len(self._buffer)
        if self._grammar.quote:
            quote = self._buffer.find(self._grammar.quote, self._position)
            end = quote if quote >= 0 else end
        end = self._buffer.rfind(b"\n", self._position, end) + 1
        if end <= self._position:
            return
        text = self._buffer[self._position : end - 1].replace(b"\r\n", b"\n").removesuffix(b"\r")
        self._position = end
        lines, first = text.split(b"\n"), self._line
        self._line += len(lines)
        exceptions = self._grammar.exceptional(lines) if self._is_plain(text, lines) else range(len(lines))
        begin = 0
        for index in exceptions:
            if index > begin:
                yield RecordRun(first + begin, lines[begin:index], "")
            yield from self._line_by_itself(first + index, lines[index])
            begin = index + 1
        if begin < len(lines):
            yield RecordRun(first + begin, lines[begin:] if begin else lines, "")

    def _is_plain(self, text: bytes, lines: list[bytes]) -> bool:
        """Whether nothing but the number of its fields can keep a line from being a record."""
        if b"\r" in text or self._grammar.has_control(text) or max(map(len, lines)) > MAX_RECORD_BYTES:
            return False
        return text.isascii() or not encoding_problem(text, self._grammar.encoding)

    def _one_plain_line(self) -> Iterator[RecordRun]:
        line = self._current_line()
        self._position += len(line) + 1
        number, self._line = self._line, self._line + 1
        return self._line_by_itself(number, line.removesuffix(b"\r"))

    def _line_by_itself(self, number: int, raw: bytes) -> Iterator[RecordRun]:
        if not self._grammar.is_blank(raw):
            yield RecordRun(number, [raw[:MAX_RECORD_BYTES]], self._checked(raw))
        elif not raw.strip(BLANKS):
            self.empty_lines += 1

    def _checked(self, raw: bytes) -> str:
        if len(raw) > MAX_RECORD_BYTES:
            return TOO_LONG
        if b"\r" in raw:
            return CARRIAGE_RETURN
        return self._grammar.problem(raw) or encoding_problem(raw, self._grammar.encoding)

    def _quoted_record(self) -> RecordRun | None:
        """The record whose first line has a quote. None: its end may lie beyond the text."""
        assert isinstance(self._grammar, CsvGrammar)
        number, problem = self._line, ""
        match = self._grammar.record.match(self._buffer, self._position)
        if match is None:
            match = self._grammar.any_record.match(self._buffer, self._position)
            problem = self._grammar.quoted_problem(match[0]) if match else QUOTES
        # A record that reaches the end of the text, with no line end, may go on as well.
        open_end = match is None or match.end() == len(self._buffer)
        if open_end and self._end and not self._final and self._ahead() <= MAX_RECORD_BYTES:
            return None
        if match is None or len(match[0]) > MAX_RECORD_BYTES:
            line = self._current_line()
            self._position += len(line) + 1
            self._line += 1
            raw = line.removesuffix(b"\r")
            too_long = match is not None or len(raw) > MAX_RECORD_BYTES
            return RecordRun(number, [raw[:MAX_RECORD_BYTES]], TOO_LONG if too_long else QUOTES)
        raw = match[0]
        self._line += raw.count(b"\n") + 1
        self._position = self._buffer.find(b"\n", match.end()) + 1 or len(self._buffer)
        if not problem:
            problem = NUL if self._grammar.has_control(raw) else encoding_problem(raw, self._grammar.encoding)
        return RecordRun(number, [raw], problem)

    def _long_line(self) -> RecordRun:
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
        return RecordRun(number, [raw], TOO_LONG)


Grammar = Union[CsvGrammar, "JsonGrammar"]


def splitter(read: Read, grammar: Grammar, *, final: bool = True) -> Splitter | JsonSplitter:
    """What splits text of this grammar."""
    if isinstance(grammar, CsvGrammar):
        return Splitter(read, grammar, final=final)
    return grammar.splitter(read)


def kept(read: Read, grammar: Grammar) -> Iterator[RecordRun]:
    """The runs of a whole text that are records."""
    return (run for run in splitter(read, grammar).runs() if not run.problem)

"""What a record is: in CSV and in JSON lines.

CSV is RFC 4180 as DuckDB reads it: a quote opens a quoted field only at its start (one space may stand before it), ""
is a quote, and a field that does not begin with a quote takes quotes literally.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Union

BLANKS = b" \t\r"

TOO_FEW = "too few columns"
TOO_MANY = "too many columns"
QUOTES = "unterminated or misplaced quote"
CARRIAGE_RETURN = "carriage return outside quotes"
CONTROL = "NUL or control character"
ENCODING = "invalid UTF-8"

# A quoted field as DuckDB takes it: beside "" also `" "`, a quote closed and opened anew, is within the field.
_QUOTED = rb' ?"[^"]*(?:"(?:"| +")[^"]*)*" *'
_UNQUOTED = rb'(?! ?")[^,\n\r]*'


@dataclass(frozen=True)
class JsonGrammar:
    """A record is a line; whether it is JSON is DuckDB's to tell. Blank lines are no records."""

    quotes = False
    # The byte that is DuckDB's column separator here, since a line is one column. JSON has no raw control characters.
    separator = b"\x01"

    def is_blank(self, line: bytes) -> bool:
        return not line.strip(BLANKS)

    def problem(self, line: bytes) -> str:
        """Why a line is no record."""
        return CONTROL if self.has_control(line) else ""

    def has_control(self, text: bytes) -> bool:
        """Whether it has a byte that no record may have."""
        return self.separator in text or b"\0" in text

    def exceptional(self, lines: Sequence[bytes]) -> list[int]:
        """The positions of the lines that are blank or may be no records."""
        return [index for index, line in enumerate(lines) if not line.strip(BLANKS)]

    @property
    def blank_line(self) -> re.Pattern[bytes] | None:
        """A line that is no record."""
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
        if self.has_control(line):
            return CONTROL
        found = line.count(b",") + 1
        if found == self.columns:
            return ""
        if found < self.columns:
            return TOO_FEW
        return "" if all(not field or field in self.nulls for field in line.split(b",")[self.columns :]) else TOO_MANY

    def has_control(self, text: bytes) -> bool:
        """Whether it has a byte that no record may have."""
        return b"\0" in text

    def exceptional(self, lines: Sequence[bytes]) -> list[int]:
        """The positions of the lines that are blank or may be no records; the lines are without quotes."""
        commas = self.columns - 1
        return [index for index, line in enumerate(lines) if line.count(b",") != commas]

    @property
    def blank_line(self) -> re.Pattern[bytes] | None:
        """A line that is no record."""
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
        return re.compile(rb"%b(?:,%b)*(?=\r?\n|\r?\Z)" % (field, field))

    def quoted_problem(self, text: bytes) -> str:
        """Why a well-quoted text is no record of `columns` fields."""
        if self.has_control(text):
            return CONTROL
        bare = re.sub(rb"(?:(?<=,)|\A)%b" % _QUOTED, b"", text)
        return TOO_FEW if bare.count(b",") + 1 < self.columns else TOO_MANY


Grammar = Union[JsonGrammar, CsvGrammar]

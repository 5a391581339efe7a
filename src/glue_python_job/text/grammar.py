"""What a record of text is: a line, or in CSV a line whose quotes may hold line ends.

The usual dialect is RFC 4180: a quoted field is all that stands between two delimiters, a doubled quote within it is a
quote, and a field that does not begin with a quote takes quotes literally. No blank stands between a quote and a
delimiter, in any dialect: nobody knows whether it is of the value, so such a record is refused. Within quotes an
escape makes a quote or an escape literal, and is itself before anything else; outside quotes it is a sign like others.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from dataset_contract.model import CsvDialect
from dataset_contract.wording import NUL, TOO_FEW_FIELDS, TOO_MANY_FIELDS

BLANKS = b" \t\r"

QUOTES = "unterminated or misplaced quote"
CARRIAGE_RETURN = "carriage return outside quotes"
ENCODING = "invalid UTF-8"

UTF_8 = ("utf-8", "utf-8-sig")  # a byte-order mark is dropped in either

# The byte that stands before an undecodable byte's number in text that was decoded: it is in no UTF-8.
UNDECODABLE = b"\xff"
_LINE_END = rb"(?=\r?\n|\r?\Z)"


@dataclass(frozen=True)
class LineGrammar:
    """A record is a line. Blank lines are not records."""

    encoding: str = "utf-8"
    quote = b""

    def is_blank(self, line: bytes) -> bool:
        """Whether a line holds blanks alone."""
        return not line.strip(BLANKS)

    def problem(self, line: bytes) -> str:
        """Why a line is not a record."""
        return NUL if self.has_control(line) else ""

    def has_control(self, text: bytes) -> bool:
        """Whether it has a byte that no record may have."""
        return b"\0" in text

    def exceptional(self, lines: Sequence[bytes]) -> list[int]:
        """The positions of the lines that are blank or may be no records."""
        return [index for index, line in enumerate(lines) if not line.strip(BLANKS)]


@dataclass(frozen=True)
class CsvGrammar:
    """A record has exactly `columns` fields; with `trailing` one more, which is empty."""

    columns: int
    delimiter: bytes = b","
    quote: bytes = b'"'  # b"": nothing quotes
    escape: bytes = b'"'
    comment: bytes = b""  # a line that begins with it is not a record
    trailing: bool = False
    encoding: str = "utf-8"

    @classmethod
    def of(cls, dialect: CsvDialect, columns: int) -> CsvGrammar:
        """The grammar of a dialect."""
        return cls(
            columns,
            delimiter=dialect.delimiter.encode(),
            quote=dialect.quote.encode(),
            escape=dialect.escape.encode() if dialect.quote else b"",
            comment=dialect.comment.encode(),
            trailing=dialect.trailing_delimiter,
            encoding="utf-8" if codecs.lookup(dialect.encoding).name in UTF_8 else dialect.encoding,
        )

    @property
    def is_usual(self) -> bool:
        """Whether DuckDB reads such text as this grammar does, blanks beside quotes aside."""
        single = len(self.delimiter) == 1 and self.delimiter not in b' \r\n"'
        return single and len(self.quote) <= 1 and self.escape == self.quote

    @property
    def delimiters(self) -> int:
        """How many delimiters a record has outside quotes."""
        return self.columns - 1 + self.trailing

    def is_blank(self, line: bytes) -> bool:
        """Whether a line is empty, where that is not a value, or a comment."""
        return (not line and self.delimiters > 0) or self.is_comment(line)

    def is_comment(self, line: bytes) -> bool:
        """Whether a line is a comment."""
        return bool(self.comment) and line.startswith(self.comment)

    def problem(self, line: bytes) -> str:
        """Why a plain line is not a record."""
        return NUL if self.has_control(line) else self._number(line.split(self.delimiter))

    def has_control(self, text: bytes) -> bool:
        """Whether it has a byte that no record may have."""
        return b"\0" in text

    def exceptional(self, lines: Sequence[bytes]) -> list[int]:
        """The positions of the plain lines that are blank or may be no records."""
        delimiter, number = self.delimiter, self.delimiters
        if self.comment or self.trailing:
            return [i for i, line in enumerate(lines) if self.is_blank(line) or self._number(line.split(delimiter))]
        return [index for index, line in enumerate(lines) if line.count(delimiter) != number]

    def text(self, raw: bytes) -> str:
        r"""A record's text as people read it; a byte that is not a text as \xNN."""
        return shown(raw, self.encoding)

    def fields(self, raw: bytes) -> list[bytes]:
        """The values of a record."""
        if not self.quote or self.quote not in raw:
            found = raw.split(self.delimiter)
        else:
            found = [self._value(field) for field in self._split(raw)]
        return found[:-1] if self.trailing else found

    def closes(self, raw: bytes) -> bool:
        """Whether text within a quote that an earlier line opened makes, with it, a record of any number of fields."""
        return self._closing.match(raw) is not None

    def leaves_open(self, raw: bytes, *, within: bool) -> bool:
        """Whether text ends within quotes.

        Args:
            within: it begins there, too.
        """
        return (self._open_again if within else self._open).match(raw) is not None

    @cached_property
    def _closing(self) -> re.Pattern[bytes]:
        delimiter = re.escape(self.delimiter)
        fields = rb"(?:%b%b)*" % (delimiter, self._field)
        return re.compile(self._inner + re.escape(self.quote) + fields + _LINE_END, re.DOTALL)

    @cached_property
    def _open(self) -> re.Pattern[bytes]:
        fields = rb"(?:%b%b)*" % (self._field, re.escape(self.delimiter))
        return re.compile(fields + re.escape(self.quote) + self._inner_to_end, re.DOTALL)

    @cached_property
    def _open_again(self) -> re.Pattern[bytes]:
        closed = self._inner + re.escape(self.quote) + rb"(?:%b%b)*" % (re.escape(self.delimiter), self._field)
        again = closed + re.escape(self.delimiter) + re.escape(self.quote)
        return re.compile(rb"(?:%b)?%b" % (again, self._inner_to_end), re.DOTALL)

    @property
    def _inner_to_end(self) -> bytes:
        # An escape at the end escapes the line end.
        last = rb"(?:%b)?" % re.escape(self.escape) if self.escape and self.escape != self.quote else b""
        return self._inner + last + rb"\Z"

    def quoted_problem(self, text: bytes) -> str:
        """Why a well-quoted text of any number of fields is not a record."""
        return NUL if self.has_control(text) else self._number(self._split(text))

    @cached_property
    def record(self) -> re.Pattern[bytes]:
        """A whole record, its line end left out."""
        rest = rb"(?:%b%b){%d}" % (re.escape(self.delimiter), self._field, self.columns - 1)
        end = re.escape(self.delimiter) if self.trailing else b""
        return re.compile(self._field + rest + end + _LINE_END, re.DOTALL)

    @cached_property
    def any_record(self) -> re.Pattern[bytes]:
        """A record of any number of fields."""
        return re.compile(
            rb"%b(?:%b%b)*" % (self._field, re.escape(self.delimiter), self._field) + _LINE_END, re.DOTALL
        )

    def _number(self, fields: Sequence[bytes]) -> str:
        """Why it is not the right number of fields."""
        if len(fields) <= self.delimiters:
            return TOO_FEW_FIELDS
        return TOO_MANY_FIELDS if len(fields) > self.delimiters + 1 or (self.trailing and fields[-1]) else ""

    def _split(self, raw: bytes) -> list[bytes]:
        """The fields as they are written."""
        pattern, position, found = self._one_field, 0, []
        while True:
            match = pattern.match(raw, position)
            assert match is not None, raw  # the text has matched a record
            found.append(match[0])
            if match.end() >= len(raw):
                return found
            position = match.end() + len(self.delimiter)

    def _value(self, field: bytes) -> bytes:
        if not field.startswith(self.quote):
            return field
        inner = field[len(self.quote) : -len(self.quote)]
        if not self.escape or self.escape not in inner:
            return inner
        literal = rb"(%b|%b)" % (re.escape(self.quote), re.escape(self.escape))
        return re.sub(re.escape(self.escape) + literal, rb"\1", inner)

    @cached_property
    def _one_field(self) -> re.Pattern[bytes]:
        return re.compile(self._field, re.DOTALL)

    @cached_property
    def _field(self) -> bytes:
        delimiter, quote = re.escape(self.delimiter), re.escape(self.quote)
        if not self.quote:
            return self._plain()
        quoted = quote + self._inner + quote + rb"(?=%b|\r?\n|\r?\Z)" % delimiter
        return rb"(?:%b|(?! *%b)%b)" % (quoted, quote, self._plain())

    @property
    def _inner(self) -> bytes:
        """What stands between the quotes of a field."""
        quote, escape = re.escape(self.quote), re.escape(self.escape)
        inner = _without(self.quote, self.escape)
        escaped = rb"(?:%b%b%b)*" % (escape, quote if self.escape == self.quote else b".", inner) if escape else b""
        return inner + escaped

    def _plain(self) -> bytes:
        return _without(self.delimiter, b"\n", b"\r")


def _without(*texts: bytes) -> bytes:
    """A pattern of any bytes up to the first of `texts`."""
    single = b"".join(re.escape(text) for text in texts if len(text) == 1)
    longer = b"".join(b"(?!%b)" % re.escape(text) for text in texts if len(text) > 1)
    return rb"(?:%b[^%b])*" % (longer, single) if longer else rb"[^%b]*" % single


def encoding_problem(raw: bytes, encoding: str) -> str:
    """Why bytes are not text."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return ENCODING if encoding == "utf-8" else f"invalid {encoding}"
    return ""


def shown(raw: bytes, encoding: str) -> str:
    r"""Text as people read it; a byte that is not a text as \xNN."""
    if encoding != "utf-8":
        raw = raw.replace(UNDECODABLE, b"")
    return raw.decode("utf-8", "backslashreplace")

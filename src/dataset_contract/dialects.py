"""The customProperty `csv`: how the text files of a source or reference are written."""

from __future__ import annotations

import codecs

from dataset_contract.elements import Element
from dataset_contract.errors import ElementPath
from dataset_contract.model import CsvDialect

_MOST_DELIMITER = 8
_MOST_SKIPPED = 1_000_000
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
ENCODINGS = (
    "utf-8, utf-8-sig, utf-16, utf-16-le, utf-16-be, latin-1, iso-8859-1 to -16, cp1250 to cp1258, cp437, cp850, cp852"
)
_CODE_PAGES = tuple(f"cp{number}" for number in (437, 850, 852, *range(1250, 1259)))
_SEPARATORS = (".", ",", " ", "'", "_", "\u00a0", "\u202f", "\u2019", "\u066b", "\u066c")

ENFORCED = (
    "delimiter",
    "quote",
    "escape",
    "header",
    "encoding",
    "decimalSeparator",
    "thousandsSeparator",
    "comment",
    "skipLines",
    "trailingDelimiter",
)


def read(value: object, place: ElementPath) -> CsvDialect:
    """A dialect; what it does not say is as in RFC 4180.

    Raises:
        ContractError: a field is unknown, or no file could be written so.
    """
    element = Element(value, place, ENFORCED)
    quote = _sign(element, "quote", '"')
    dialect = CsvDialect(
        delimiter=_delimiter(element, quote),
        quote=quote,
        escape=_sign(element, "escape", quote),
        header=element.flag("header", True),
        encoding=_encoding(element),
        decimal_separator=_separator(element, "decimalSeparator", "."),
        thousands_separator=_separator(element, "thousandsSeparator", ""),
        comment=_comment(element, quote),
        skip_lines=_skip_lines(element),
        trailing_delimiter=element.flag("trailingDelimiter"),
    )
    _check_together(element, dialect)
    return dialect


def _any_text(element: Element, name: str, default: str, accepted: str) -> str:
    """A text that may be empty."""
    return "" if element.get(name) == "" else element.text(name, default or "\0", accepted).replace("\0", default)


def _delimiter(element: Element, quote: str) -> str:
    accepted = f"1 to {_MOST_DELIMITER} characters, no quote and no line end"
    given = element.text("delimiter", ",", accepted)
    bad = {"\r", "\n", "\0"} | ({quote} if quote else set())
    if len(given) > _MOST_DELIMITER or any(sign in bad for sign in given):
        raise element.refuse("delimiter", f"is not a delimiter; accepted: {accepted}")
    return given


def _sign(element: Element, name: str, default: str) -> str:
    accepted = 'one ASCII character that is printable, or "" for none'
    given = _any_text(element, name, default, accepted)
    if len(given) > 1 or (given and not (given.isascii() and given.isprintable() and not given.isalnum())):
        raise element.refuse(name, f"cannot be the {name}; accepted: {accepted}, no letter or digit")
    return given


def _skip_lines(element: Element) -> int:
    lines = element.whole("skipLines", 0)
    if lines > _MOST_SKIPPED:
        raise element.refuse("skipLines", f"is more than is skipped; accepted: 0 to {_MOST_SKIPPED:,}")
    return lines


def _encoding(element: Element) -> str:
    given = element.text("encoding", "utf-8", ENCODINGS)
    try:
        name = codecs.lookup(given).name
    except LookupError:
        name = ""
    if name in _ENCODINGS or name in _CODE_PAGES or name.startswith("iso8859-"):
        return name
    raise element.refuse("encoding", f"is not an encoding that is read; accepted: {ENCODINGS}")


def _separator(element: Element, name: str, default: str) -> str:
    listed = ", ".join(f'"{sign}"' for sign in _SEPARATORS[:5])
    accepted = f"{listed} or another sign that separates digits" + ("" if default else ', "" for none')
    given = _any_text(element, name, default, accepted)
    if given not in (*_SEPARATORS, *([""] if not default else [])):
        raise element.refuse(name, f"is not a separator; accepted: {accepted}")
    return given


def _comment(element: Element, quote: str) -> str:
    accepted = "1 to 8 printable characters that begin a line, no quote among them"
    given = _any_text(element, "comment", "", accepted)
    if len(given) > 8 or not given.isprintable() or (quote and quote in given):
        raise element.refuse("comment", f"is not a sign of a comment; accepted: {accepted}")
    return given


def _check_together(element: Element, dialect: CsvDialect) -> None:
    for name, sign in (
        ("delimiter", dialect.delimiter),
        ("quote", dialect.quote),
        ("escape", dialect.escape),
        ("comment", dialect.comment),
        ("decimalSeparator", dialect.decimal_separator),
        ("thousandsSeparator", dialect.thousands_separator),
    ):
        try:
            sign.encode(dialect.encoding)
        except UnicodeEncodeError as error:
            problem = f"is never in a file of encoding {dialect.encoding}; accepted: characters that it has"
            raise element.refuse(name, problem) from error
    if "escape" in element and dialect.escape and not dialect.quote:
        raise element.refuse("escape", 'stands without a quote; accepted: "" where quote is ""')
    if dialect.escape and dialect.escape in dialect.delimiter:
        raise element.refuse("escape", "is in the delimiter; accepted: another sign")
    if dialect.thousands_separator == dialect.decimal_separator:
        name = "thousandsSeparator" if "thousandsSeparator" in element else "decimalSeparator"
        raise element.refuse(name, "is the other separator too; accepted: two that differ")
    if dialect.comment and dialect.comment.startswith(dialect.delimiter):
        raise element.refuse("comment", "begins with the delimiter; accepted: another sign")

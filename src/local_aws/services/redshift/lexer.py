"""Splits SQL text into tokens: what is code, and what is a literal, a comment or a parameter.

Redshift reads a backslash in a plain ``'…'`` literal as an escape, as PostgreSQL 8 did; so does this lexer (and the
sessions run with ``standard_conforming_strings = off``).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from local_aws.services.redshift.sqlerror import SqlError


class Kind(enum.Enum):
    """What a token is."""

    SPACE = "space"
    COMMENT = "comment"
    WORD = "word"
    QUOTED = "quoted identifier"
    STRING = "string literal"
    DOLLAR = "dollar-quoted string"
    NUMBER = "number"
    PARAMETER = "parameter"
    SYMBOL = "symbol"


@dataclass(frozen=True)
class Token:
    """A piece of SQL text; the texts of all tokens joined give the input back."""

    kind: Kind
    text: str

    @property
    def upper(self) -> str:
        """The keyword that an unquoted word spells, in capitals; the text itself of anything else."""
        return self.text.upper() if self.kind is Kind.WORD else self.text

    @property
    def blank(self) -> bool:
        """Whether the parser sees only white space here."""
        return self.kind in (Kind.SPACE, Kind.COMMENT)


_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<block>/\*)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<string>[eEbBxXnN]?'(?:[^'\\]|''|\\.)*')
  | (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$)
  | (?P<placeholder>\$\d+)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<cast>::|:=)
  | (?P<parameter>:[0-9A-Za-z_]+)
  | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {
    "space": Kind.SPACE,
    "comment": Kind.COMMENT,
    "quoted": Kind.QUOTED,
    "string": Kind.STRING,
    "placeholder": Kind.SYMBOL,
    "word": Kind.WORD,
    "number": Kind.NUMBER,
    "cast": Kind.SYMBOL,
    "parameter": Kind.PARAMETER,
    "symbol": Kind.SYMBOL,
}


def tokenize(sql: str) -> list[Token]:
    """Split ``sql``; raises SqlError for a literal, an identifier or a comment without its end."""
    tokens: list[Token] = []
    position = 0
    while position < len(sql):
        match = _PATTERN.match(sql, position)
        assert match is not None, "the last alternative takes any character"
        group = match.lastgroup or ""
        end = match.end()
        if group == "block":
            end = _comment_end(sql, position)
            tokens.append(Token(Kind.COMMENT, sql[position:end]))
        elif match.group("dollar") is not None:
            delimiter = match.group("dollar")
            close = sql.find(delimiter, end)
            if close < 0:
                raise SqlError(f'unterminated dollar-quoted string at or near "{sql[position : position + 20]}"')
            end = close + len(delimiter)
            tokens.append(Token(Kind.DOLLAR, sql[position:end]))
        elif group == "symbol" and match.group() in "'\"":
            what = "quoted string" if match.group() == "'" else "quoted identifier"
            raise SqlError(f'unterminated {what} at or near "{sql[position : position + 20]}"')
        else:
            tokens.append(Token(_KINDS[group], match.group()))
        position = end
    return tokens


def _comment_end(sql: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"/\*|\*/").finditer(sql, start):
        depth += 1 if match.group() == "/*" else -1
        if depth == 0:
            return match.end()
    raise SqlError("unterminated /* comment")


def join(tokens: Iterable[Token]) -> str:
    """The text of the tokens."""
    return "".join(token.text for token in tokens)


def code(tokens: Iterable[Token]) -> list[Token]:
    """The tokens without white space and comments."""
    return [token for token in tokens if not token.blank]


def statements(tokens: Sequence[Token]) -> list[list[Token]]:
    """The statements between semicolons, without those that hold no code."""
    found: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ";" and token.kind is Kind.SYMBOL:
            found.append([])
        else:
            found[-1].append(token)
    return [statement for statement in found if code(statement)]


def parameter_names(tokens: Iterable[Token]) -> set[str]:
    """The names of the ``:name`` parameters in the code; literals, comments and bodies in ``$$`` hold none."""
    return {token.text[1:] for token in tokens if token.kind is Kind.PARAMETER}


def string_value(token: Token) -> str:
    """The value of a ``'…'`` literal."""
    body = token.text[1:-1] if token.text.startswith("'") else token.text[2:-1]
    return re.sub(r"''|\\(.)", _unescape, body, flags=re.DOTALL)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unescape(match: re.Match[str]) -> str:
    escaped = match.group(1)
    return "'" if escaped is None else _ESCAPES.get(escaped, escaped)


def identifier(token: Token) -> str:
    """The name that a word or a quoted identifier means; Redshift folds both to lower case."""
    if token.kind is Kind.QUOTED:
        return token.text[1:-1].replace('""', '"').lower()
    return token.text.lower()


def fold_case(tokens: Iterable[Token]) -> list[Token]:
    """Quoted identifiers in lower case, which is how Redshift reads them (enable_case_sensitive_identifier is off)."""
    return [replace(token, text=token.text.lower()) if token.kind is Kind.QUOTED else token for token in tokens]


def closing(tokens: Sequence[Token], opening: int) -> int:
    """The index of the ``)`` that closes the ``(`` at ``opening``."""
    depth = 0
    for index in range(opening, len(tokens)):
        token = tokens[index]
        if token.kind is Kind.SYMBOL and token.text in "()":
            depth += 1 if token.text == "(" else -1
            if depth == 0:
                return index
    raise SqlError("syntax error at end of input")


def split_commas(tokens: Sequence[Token]) -> list[list[Token]]:
    """The parts between the commas that stand outside parentheses; none for no code at all."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind is Kind.SYMBOL and token.text in ("(", "[", ")", "]"):
            depth += 1 if token.text in "([" else -1
        if depth == 0 and token.kind is Kind.SYMBOL and token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if len(parts) > 1 or code(parts[0]) else []


def next_code(tokens: Sequence[Token], index: int) -> int:
    """The index of the first token at or after ``index`` that is not blank; ``len(tokens)`` without one."""
    while index < len(tokens) and tokens[index].blank:
        index += 1
    return index

"""A reader over the code tokens of one statement, for the statements that are parsed rather than passed on."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.services.redshift.lexer import Kind, Token, closing, code, identifier, string_value
from local_aws.services.redshift.sqlerror import SqlError, syntax_error


class Reader:
    """Reads tokens in order; a mismatch is the parser's error at that word."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = code(tokens)
        self.position = 0

    @property
    def done(self) -> bool:
        """Whether no token is left."""
        return self.position >= len(self.tokens)

    def peek(self, ahead: int = 0) -> str:
        """The keyword or text ``ahead`` tokens on; empty at the end."""
        index = self.position + ahead
        return self.tokens[index].upper if index < len(self.tokens) else ""

    def take(self) -> Token:
        """The next token; a syntax error at the end."""
        if self.done:
            raise syntax_error("")
        token = self.tokens[self.position]
        self.position += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take the keywords if they come next, all of them."""
        if all(self.peek(index) == word for index, word in enumerate(words)):
            self.position += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Take each keyword; a syntax error at the first that is not there."""
        for word in words:
            if not self.accept(word):
                raise self.error()

    def error(self) -> SqlError:
        """The parser's error at the next token."""
        return syntax_error("" if self.done else self.tokens[self.position].text)

    def group(self) -> list[Token]:
        """The tokens between the ``(`` that comes next and its ``)``, both taken."""
        if self.peek() != "(":
            raise self.error()
        end = closing(self.tokens, self.position)
        inner = self.tokens[self.position + 1 : end]
        self.position = end + 1
        return inner

    def rest(self) -> list[Token]:
        """All tokens that are left."""
        left = self.tokens[self.position :]
        self.position = len(self.tokens)
        return left

    def name(self) -> str:
        """An identifier, folded and quoted for PostgreSQL."""
        if self.done or self.tokens[self.position].kind not in (Kind.WORD, Kind.QUOTED):
            raise self.error()
        return quote(identifier(self.take()))

    def qualified_name(self) -> str:
        """``name`` or ``schema.name``, quoted for PostgreSQL."""
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        return ".".join(parts)

    def string(self) -> str:
        """The value of a string literal."""
        if self.done or self.tokens[self.position].kind is not Kind.STRING:
            raise self.error()
        return string_value(self.take())

    def number(self) -> int:
        """An integer."""
        sign = -1 if self.accept("-") else 1
        if self.done or not self.peek().isdigit():
            raise self.error()
        return sign * int(self.take().text)


def quote(name: str) -> str:
    """``name`` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def spaced(tokens: Sequence[Token]) -> str:
    """Code tokens as text again: their own blanks are gone, so one stands between words."""
    text = ""
    for index, token in enumerate(tokens):
        glue = index > 0 and (token.kind is not Kind.SYMBOL or tokens[index - 1].kind is not Kind.SYMBOL)
        text += (" " if glue and token.text not in ".,()" and tokens[index - 1].text not in ".(" else "") + token.text
    return text

"""CREATE PROCEDURE and CREATE FUNCTION: the statements in a body are translated like those outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from local_aws.services.redshift.ddl import create_table, is_create_table
from local_aws.services.redshift.lexer import Kind, Token, code, join, tokenize
from local_aws.services.redshift.sql_expressions import rewrite
from local_aws.services.redshift.sqlerror import SqlError, refused

# After these words a statement of a PL/pgSQL body can begin.
_OPENERS = frozenset(["BEGIN", "THEN", "ELSE", "LOOP", ";"])


def create_procedure(tokens: Sequence[Token]) -> str:
    """PostgreSQL's form of CREATE PROCEDURE; SqlError for options that have no counterpart."""
    words = [token.upper for token in code(tokens)]
    if "NONATOMIC" in words:
        raise refused("CREATE PROCEDURE ... NONATOMIC")
    _check_language(words, ("PLPGSQL",), "procedure")
    return _with_bodies(tokens, translate_body)


def create_function(tokens: Sequence[Token]) -> str:
    """PostgreSQL's form of CREATE FUNCTION: Redshift's scalar functions in SQL."""
    words = [token.upper for token in code(tokens)]
    _check_language(words, ("SQL",), "function")
    return _with_bodies(tokens, lambda body: join(rewrite(tokenize(body))))


def _check_language(words: Sequence[str], allowed: tuple[str, ...], what: str) -> None:
    if "LANGUAGE" not in words or words.index("LANGUAGE") + 1 >= len(words):
        raise SqlError("no language specified", "42P13")
    language = words[words.index("LANGUAGE") + 1].strip("'\"").upper()
    if language not in allowed:
        raise refused(f"a {what} in language {language.lower()}")


def _with_bodies(tokens: Sequence[Token], translate: Callable[[str], str]) -> str:
    done: list[Token] = []
    for token in rewrite(tokens):
        if token.kind is Kind.DOLLAR:
            delimiter = token.text[: token.text.index("$", 1) + 1]
            body = token.text[len(delimiter) : -len(delimiter)]
            done.append(replace(token, text=delimiter + translate(body) + delimiter))
        else:
            done.append(token)
    return join(done)


def translate_body(body: str) -> str:
    """A PL/pgSQL body with its expressions and its CREATE TABLE statements in PostgreSQL's form.

    SQL in string literals (for EXECUTE) is left as it is.
    """
    tokens = tokenize(body)
    done: list[Token] = []
    index = 0
    previous = ";"
    while index < len(tokens):
        token = tokens[index]
        if previous in _OPENERS and token.upper == "CREATE":
            end = _statement_end(tokens, index)
            if is_create_table(code(tokens[index:end])):
                done.extend(tokenize(create_table(tokens[index:end])[0]))
                index = end
                continue
        if not token.blank:
            previous = token.upper
        done.append(token)
        index += 1
    return join(rewrite(done))


def _statement_end(tokens: Sequence[Token], start: int) -> int:
    for index in range(start, len(tokens)):
        if tokens[index].text == ";" and tokens[index].kind is Kind.SYMBOL:
            return index
    return len(tokens)

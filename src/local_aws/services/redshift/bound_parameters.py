"""What the Data API asks of named parameters, and where it promises them a type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aws_facts import redshift_data as facts
from local_aws.errors import AwsError
from local_aws.services.redshift.lexer import (
    Kind,
    Token,
    closing,
    code,
    parameter_names,
    split_commas,
    tokenize,
)
from local_aws.services.redshift.sqlerror import SqlError
from local_aws.services.redshift.validation import validation_error

_TEXTS = (Kind.STRING, Kind.DOLLAR, Kind.QUOTED, Kind.COMMENT)
_PARAMETER = re.compile(facts.PARAMETER)
# What may stand between SELECT and its list, and what ends the list.
_BEFORE_LIST = frozenset(["DISTINCT", "ALL"])
_AFTER_LIST = frozenset(
    [
        *("FROM", "INTO", "WHERE", "GROUP", "HAVING", "QUALIFY", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH"),
        *("UNION", "EXCEPT", "MINUS", "INTERSECT", "FOR", ";"),
    ]
)


def check(given: Sequence[str], sqls: Sequence[str]) -> None:
    """Hold the statements of a request to the parameters that it gives.

    Raises:
        AwsError: a ValidationException. A name is given twice, or is in no statement; a statement has a name that is
            not given, or a `:name` in a text, of which the documentation does not say whether it is a parameter.
    """
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise validation_error(f"Parameters list contains duplicate parameters: [{', '.join(twice)}]")
    used: set[str] = set()
    for text in sqls:
        try:
            tokens = tokenize(text)
        except SqlError as error:
            raise validation_error(f"Cannot read the parameters of the SQL statement: {error.message}") from error
        for found in ambiguous(tokens):
            raise _ambiguous(found)
        used |= parameter_names(tokens)
    unused = [name for name in given if name not in used]
    if unused:
        raise validation_error(f"Parameters list contains unused parameters. Unused parameters: [{', '.join(unused)}]")
    missing = sorted(used - set(given))
    if missing:
        raise validation_error(f"Cannot find parameter: {', '.join(missing)}")


def ambiguous(tokens: Sequence[Token]) -> Iterator[str]:
    """What looks like a parameter, `:name`, within literals, quoted names, `$$` bodies and comments."""
    for token in tokens:
        if token.kind in _TEXTS:
            yield from (f":{name}" for name in _PARAMETER.findall(token.text))


def untyped(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """The names of the parameters without a type, each with its place as aws_facts names it."""
    argument, item = facts.UNTYPED_PLACES
    words = code(tokens)
    for index, word in enumerate(words):
        if word.upper == "CALL" and index == 0 and "(" in (symbols := [each.text for each in words]):
            opening = symbols.index("(")
            for part in split_commas(words[opening + 1 : closing(words, opening)]):
                yield from ((name, argument) for name in _bare(part))
        elif word.upper == "SELECT":
            for part in split_commas(_list(words, index + 1)):
                yield from ((name, item) for name in _bare(part))


def _list(words: Sequence[Token], start: int) -> Sequence[Token]:
    depth = 0
    while start < len(words) and words[start].upper in _BEFORE_LIST:
        start += 1
    for index in range(start, len(words)):
        word = words[index]
        depth += {"(": 1, ")": -1}.get(word.text, 0) if word.kind is Kind.SYMBOL else 0
        if depth < 0 or (depth == 0 and word.upper in _AFTER_LIST):
            return words[start:index]
    return words[start:]


def _bare(part: Sequence[Token]) -> list[str]:
    """The parameter that is all of an item, parentheses and an alias aside."""
    words = list(part)
    if not words:
        return []
    if words[0].text == "(" and words[0].kind is Kind.SYMBOL:
        end = closing(words, 0)
        return _bare(words[1:end]) if _is_alias(words[end + 1 :]) else []
    return [words[0].text[1:]] if words[0].kind is Kind.PARAMETER and _is_alias(words[1:]) else []


def _is_alias(words: Sequence[Token]) -> bool:
    names = [word for word in words if word.upper != "AS"]
    return not names or (len(names) == 1 and names[0].kind in (Kind.WORD, Kind.QUOTED))


def _ambiguous(found: str) -> AwsError:
    return validation_error(
        f"{found} stands in a literal, a quoted name or a comment of a request with Parameters. Whether that is a "
        "parameter is not documented, so this local endpoint refuses it: bind the text, or send no Parameters."
    )

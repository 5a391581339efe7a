"""Rewrites Redshift's own expressions into PostgreSQL's, token by token.

Everything that PostgreSQL understands in the same way is left as the user wrote it, so its messages speak of their
text. What only differs by name is a SQL function (see ``functions.py``); here is what needs other syntax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from local_aws.services.redshift.lexer import (
    Kind,
    Token,
    closing,
    code,
    fold_case,
    join,
    next_code,
    split_commas,
    tokenize,
)
from local_aws.services.redshift.sqlerror import SqlError, refused

# The limit of this PostgreSQL build; Redshift has 127. PostgreSQL would cut the name silently.
MAX_IDENTIFIER_BYTES = 63

_DATE_PARTS = {
    "millennium": "mil millennia mils millenium",
    "century": "c cent cents centuries",
    "decade": "decs dec decades decade",
    "year": "y yr yrs years",
    "quarter": "qtr qtrs quarters",
    "month": "mon mons months",
    "week": "w weeks",
    "day": "d days",
    "dow": "dayofweek dw weekday",
    "doy": "dayofyear dy yearday",
    "hour": "h hr hrs hours",
    "minute": "m min mins minutes",
    "second": "s sec secs seconds",
    "millisecond": "ms msec msecs msecond mseconds milliseconds millisec millisecs millisecon",
    "microsecond": "us usec usecs usecond useconds microseconds microsec microsecs microsecond",
    "epoch": "epoch",
}
_PART_NAMES = {alias: part for part, aliases in _DATE_PARTS.items() for alias in [part, *aliases.split()]}

Arguments = list[list[Token]]


def rewrite(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with Redshift's functions, casts and operators in PostgreSQL's form."""
    done: list[Token] = []
    previous = ""
    index = 0
    source = fold_case(tokens)
    while index < len(source):
        token = source[index]
        if token.kind in (Kind.WORD, Kind.QUOTED):
            _check_length(token)
        replacement, index = _rewrite_at(source, index, previous)
        done.extend(replacement)
        if not token.blank:
            previous = token.upper
    return done


def _rewrite_at(source: Sequence[Token], index: int, previous: str) -> tuple[list[Token], int]:
    token = source[index]
    if token.kind is not Kind.WORD or previous == ".":
        return [token], index + 1
    following = next_code(source, index + 1)
    follows = source[following].upper if following < len(source) else ""
    word = token.upper
    if follows == "(":
        end = closing(source, following)
        call = _CALLS.get(word)
        inner = source[following + 1 : end]
        if call is not None:
            made = call(token, split_commas(inner), source, end + 1)
            if made is not None:
                return made
        if word in ("VARCHAR", "NVARCHAR", "VARYING") and join(code(inner)).upper() == "MAX":
            return tokenize(f"{token.text}(65535)" if word != "NVARCHAR" else "varchar(65535)"), end + 1
    elif word in ("DECIMAL", "NUMERIC") and (previous == "::" or (previous == "AS" and follows == ")")):
        # Without precision Redshift's type is (18, 0); PostgreSQL's has no bounds.
        return tokenize(f"{token.text}(18,0)"), index + 1
    elif word == "SYSDATE":
        return tokenize("pg_catalog.sysdate()"), index + 1
    elif word == "MINUS" and follows in ("SELECT", "("):
        return tokenize("EXCEPT"), index + 1
    elif word == "APPROXIMATE" and follows in ("COUNT", "PERCENTILE_DISC"):
        return [], following
    if word == "NVARCHAR":
        return tokenize("varchar"), index + 1
    return [token], index + 1


def _check_length(token: Token) -> None:
    if len(token.text.strip('"').encode()) > MAX_IDENTIFIER_BYTES:
        raise SqlError(
            f"identifier {token.text} is longer than {MAX_IDENTIFIER_BYTES} bytes, the limit of this local endpoint"
            " (Redshift: 127)",
            "42622",
        )


def date_part(tokens: Sequence[Token]) -> str:
    """The canonical name of a date part such as ``day``, ``mon`` or ``'hr'``."""
    words = code(tokens)
    name = words[0].text.strip("'\"").lower() if len(words) == 1 else join(tokens).strip()
    part = _PART_NAMES.get(name)
    if part is None:
        raise SqlError(f'timestamp units "{name}" not recognized', "22023")
    return part


def _inner(tokens: Sequence[Token]) -> str:
    return join(rewrite(tokens)).strip()


def _timestamp(tokens: Sequence[Token]) -> str:
    """An argument that Redshift takes for a timestamp where it is an untyped literal."""
    words = code(tokens)
    literal = len(words) == 1 and words[0].kind in (Kind.STRING, Kind.PARAMETER)
    return _inner(tokens) + ("::timestamp" if literal else "")


Made = tuple[list[Token], int]
Call = Callable[[Token, Arguments, Sequence[Token], int], Made | None]


def _simple(build: Callable[[Token, Arguments], str | None]) -> Call:
    def call(token: Token, arguments: Arguments, _source: Sequence[Token], end: int) -> Made | None:
        text = build(token, arguments)
        return None if text is None else (tokenize(text), end)

    return call


def _dateadd(_token: Token, arguments: Arguments) -> str | None:
    if len(arguments) != 3:
        return None
    part = date_part(arguments[0])
    return f"dateadd('{part}', {_inner(arguments[1])}, {_timestamp(arguments[2])})"


def _datediff(_token: Token, arguments: Arguments) -> str | None:
    if len(arguments) != 3:
        return None
    part = date_part(arguments[0])
    return f"datediff('{part}', {_timestamp(arguments[1])}, {_timestamp(arguments[2])})"


def _date_part_call(token: Token, arguments: Arguments) -> str | None:
    if len(arguments) != 2:
        return None
    return f"{token.text}('{date_part(arguments[0])}', {_timestamp(arguments[1])})"


def _nvl2(_token: Token, arguments: Arguments) -> str | None:
    if len(arguments) != 3:
        return None
    tested, present, absent = map(_inner, arguments)
    return f"(CASE WHEN ({tested}) IS NOT NULL THEN {present} ELSE {absent} END)"


def _decode(_token: Token, arguments: Arguments) -> str | None:
    if len(arguments) < 3:
        return None
    expression, *rest = map(_inner, arguments)
    # Unlike CASE, DECODE takes two nulls for equal.
    pairs = zip(rest[0::2], rest[1::2], strict=False)
    whens = " ".join(f"WHEN ({expression}) IS NOT DISTINCT FROM ({search}) THEN {result}" for search, result in pairs)
    default = f" ELSE {rest[-1]}" if len(rest) % 2 else ""
    return f"(CASE {whens}{default} END)"


def _convert(_token: Token, arguments: Arguments) -> str | None:
    if len(arguments) != 2:
        return None
    target = join(arguments[0]).strip()
    return _inner(tokenize(f"CAST({join(arguments[1])} AS {target})"))


def _regexp_replace(_token: Token, arguments: Arguments) -> str | None:
    if not 2 <= len(arguments) <= 5:
        return None
    texts = [_inner(argument) for argument in arguments]
    texts[2:3] = texts[2:3] or ["''"]
    if len(texts) == 3:
        return f"regexp_replace({', '.join(texts)}, 'g')"
    # PostgreSQL's form with a position counts occurrences; 0 replaces all, as Redshift does.
    return f"regexp_replace({', '.join([*texts[:4], '0', *texts[4:]])})"


def _own(token: Token, arguments: Arguments) -> str | None:
    """A function that PostgreSQL has too, with another result or as a keyword of its grammar."""
    inner = ", ".join(_inner(argument) for argument in arguments)
    return f"redshift_catalog.{token.text}({inner})"


def _median(_token: Token, arguments: Arguments) -> str | None:
    if len(arguments) != 1:
        return None
    return f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {_inner(arguments[0])})"


def _listagg(_token: Token, arguments: Arguments, source: Sequence[Token], end: int) -> Made | None:
    if not 1 <= len(arguments) <= 2:
        return None
    value = arguments[0]
    words = code(value)
    distinct = bool(words) and words[0].upper == "DISTINCT"
    if distinct:
        value = value[next_code(value, next_code(value, 0) + 1) :]
    delimiter = _inner(arguments[1]) if len(arguments) == 2 else "''"
    order, end = _within_group(source, end)
    if distinct and order and order.split()[0] != _inner(value).split()[0]:
        raise refused("LISTAGG(DISTINCT ...) ordered by another expression")
    ordering = f" ORDER BY {order}" if order else ""
    prefix = "DISTINCT " if distinct else ""
    if distinct and order:
        ordering = f" ORDER BY ({_inner(value)})::text{' DESC' if order.upper().endswith(' DESC') else ''}"
    return tokenize(f"string_agg({prefix}({_inner(value)})::text, {delimiter}{ordering})"), end


def _within_group(source: Sequence[Token], index: int) -> tuple[str, int]:
    """The ORDER BY list of a ``WITHIN GROUP (ORDER BY …)`` at ``index``, and where the text goes on."""
    words: list[int] = []
    position = index
    while len(words) < 3:
        position = next_code(source, position)
        if position >= len(source):
            return "", index
        words.append(position)
        position += 1
    if [source[word].upper for word in words] != ["WITHIN", "GROUP", "("]:
        return "", index
    end = closing(source, words[2])
    inner = source[words[2] + 1 : end]
    listed = code(inner)
    if [token.upper for token in listed[:2]] != ["ORDER", "BY"]:
        raise SqlError("WITHIN GROUP takes ORDER BY")
    start = next_code(inner, next_code(inner, 0) + 1)
    return _inner(inner[start + 1 :]), end + 1


def _renamed(name: str) -> Call:
    return _simple(lambda _token, arguments: f"{name}({', '.join(_inner(argument) for argument in arguments)})")


_CALLS: dict[str, Call] = {
    "DATEADD": _simple(_dateadd),
    "DATE_ADD": _simple(_dateadd),
    "DATEDIFF": _simple(_datediff),
    "DATE_DIFF": _simple(_datediff),
    "DATE_PART": _simple(_date_part_call),
    "PGDATE_PART": _simple(_date_part_call),
    "NVL": _renamed("COALESCE"),
    "NVL2": _simple(_nvl2),
    "DECODE": _simple(_decode),
    "CONVERT": _simple(_convert),
    "LISTAGG": _listagg,
    "MEDIAN": _simple(_median),
    "AVG": _simple(_own),
    "JSON_SERIALIZE": _simple(_own),
    "REGEXP_REPLACE": _simple(_regexp_replace),
}

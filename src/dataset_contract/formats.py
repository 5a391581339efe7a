"""How dates and timestamps are written in text files: the part of Java's DateTimeFormatter patterns that is read.

Letters: yyyy or uuuu (year); M, MM, MMM (Jan), MMMM (January); d, dd; DDD (day of the year); H, HH; h, hh with a (AM,
PM); m, mm; s, ss; S to SSSSSS (fraction of a second); X, XX, XXX (offset, Z for UTC), x, xx, xxx (offset), at most
18:00. Other characters stand for themselves; letters among them in single quotes, '' for a quote. A pattern demands the
digits that it shows: MM takes 01, not 1; M takes both.

Two-digit years are refused, since DateTimeFormatter and others read them as different centuries; names of days and of
zones, eras, weeks and optional parts [ ] too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_SHORT_MONTHS = [name[:3] for name in _MONTHS]
# At most 18 hours, as in Java; strptime takes more.
_OFFSET = {
    "X": "[+-](?:0[0-9]|1[0-8])",
    "XX": "[+-](?:(?:0[0-9]|1[0-7])[0-5][0-9]|1800)",
    "XXX": "[+-](?:(?:0[0-9]|1[0-7]):[0-5][0-9]|18:00)",
}


@dataclass(frozen=True)
class _Field:
    """What a run of letters means: the part of a moment, strptime's sign, and the text that it demands, for RE2."""

    part: str
    strptime: str
    shape: str


_FIELDS = {
    "yyyy": _Field("year", "%Y", "[0-9]{4}"),
    "uuuu": _Field("year", "%Y", "[0-9]{4}"),
    "MM": _Field("month", "%m", "[0-9]{2}"),
    "M": _Field("month", "%m", "[0-9]{1,2}"),
    "MMM": _Field("month", "%b", f"(?:{'|'.join(_SHORT_MONTHS)})"),
    "MMMM": _Field("month", "%B", f"(?:{'|'.join(_MONTHS)})"),
    "dd": _Field("day", "%d", "[0-9]{2}"),
    "d": _Field("day", "%d", "[0-9]{1,2}"),
    "DDD": _Field("day of the year", "%j", "[0-9]{3}"),
    "HH": _Field("hour", "%H", "[0-9]{2}"),
    "H": _Field("hour", "%H", "[0-9]{1,2}"),
    "hh": _Field("hour of the half day", "%I", "[0-9]{2}"),
    "h": _Field("hour of the half day", "%I", "[0-9]{1,2}"),
    "a": _Field("half of the day", "%p", "(?:AM|PM)"),
    "mm": _Field("minute", "%M", "[0-9]{2}"),
    "m": _Field("minute", "%M", "[0-9]{1,2}"),
    "ss": _Field("second", "%S", "[0-9]{2}"),
    "s": _Field("second", "%S", "[0-9]{1,2}"),
    **{"S" * count: _Field("fraction", "%f", f"[0-9]{{{count}}}") for count in range(1, 7)},
    **{letters: _Field("offset", "%z", f"(?:Z|{shape})") for letters, shape in _OFFSET.items()},
    **{letters.lower(): _Field("offset", "%z", shape) for letters, shape in _OFFSET.items()},
}
ACCEPTED = ", ".join(_FIELDS)
_TOKEN = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", re.DOTALL)
_NEEDS = {"minute": "hour", "second": "minute", "fraction": "second"}
_TIMES = ("hour", "hour of the half day", "half of the day", "minute", "second", "fraction", "offset")


def check(pattern: str, with_time: bool) -> None:
    """Refuse a pattern that names no one moment, or is read here in another way than in Java.

    Args:
        pattern: of DateTimeFormatter.
        with_time: for a timestamp; a date takes no parts of a time.

    Raises:
        ValueError: it says what is there and what is accepted.
    """
    tokens = _tokens(pattern)
    parts = [token.part for token in tokens if isinstance(token, _Field)]
    for part in parts:
        if parts.count(part) > 1:
            raise ValueError(f"has the {part} twice")
    if "year" not in parts or not ({"month", "day"} <= set(parts) or "day of the year" in parts):
        raise ValueError("does not name a day; accepted: yyyy with MM and dd, or with DDD")
    if "day of the year" in parts and {"month", "day"} & set(parts):
        raise ValueError("names the day twice, by DDD and by month and day")
    if ("hour of the half day" in parts) != ("half of the day" in parts):
        raise ValueError("has h without a, or a without h; accepted: both, or H")
    if "hour" in parts and "hour of the half day" in parts:
        raise ValueError("names the hour twice, by H and by h")
    _check_time(parts, with_time)
    if "offset" in parts and any(isinstance(token, str) and "Z" in token for token in tokens):
        raise ValueError("has the letter Z beside an offset, which may be Z too")
    for one, two in zip(tokens[:-1], tokens[1:]):
        if isinstance(one, _Field) and isinstance(two, _Field) and "{1,2}" in one.shape and "[0-9]" in two.shape[:5]:
            raise ValueError(
                f"has the {one.part} of one or two digits directly before the {two.part}; double the letter"
            )


def _check_time(parts: list[str], with_time: bool) -> None:
    times = [part for part in parts if part in _TIMES]
    if times and not with_time:
        raise ValueError(f"has the {times[0]}, which a DATE does not hold; accepted: year, month and day")
    known = {*parts, *(["hour"] if "hour of the half day" in parts else [])}
    for part, needed in _NEEDS.items():
        if part in parts and needed not in known:
            raise ValueError(f"has the {part} without the {needed}")


def duckdb(pattern: str) -> str:
    """The format for DuckDB's strptime, which takes texts that `shape` does not: both have to be asked.

    %z takes no Z, so Z is to be replaced by +00:00 before. %j takes 366 in each year, so the day is to be printed back.
    """
    return "".join(
        token.strptime if isinstance(token, _Field) else token.replace("%", "%%") for token in _tokens(pattern)
    )


def shape(pattern: str) -> str:
    """The RE2 pattern that a whole text has to match to be written in the format."""
    return "".join(token.shape if isinstance(token, _Field) else _escaped(token) for token in _tokens(pattern))


def _tokens(pattern: str) -> list[_Field | str]:
    tokens: list[_Field | str] = []
    for match in _TOKEN.finditer(pattern):
        run = match[0]
        if match[1]:
            if run not in _FIELDS:
                raise ValueError(_unknown(run))
            tokens.append(_FIELDS[run])
        elif run == "'":
            raise ValueError("has a ' without its end; accepted: '' for a quote")
        elif run.startswith("'"):
            tokens.append(run[1:-1].replace("''", "'") or "'")
        elif run in "[]{}#" or not run.isprintable():
            raise ValueError(f"has {run!r}, which DateTimeFormatter reserves; accepted: in single quotes")
        else:
            tokens.append(run)
    return tokens


def _unknown(run: str) -> str:
    if run in ("yy", "uu", "y", "u"):
        return f"has {run}: a year without its four digits may be of any century; accepted: yyyy"
    if run == "Z":
        return "has Z; accepted: X for Z or +02, XXX for Z or +02:00, xx for +0200, 'Z' in quotes for the letter"
    return f"has {run}, which is not read; accepted: {ACCEPTED}, other letters in single quotes"


def _escaped(text: str) -> str:
    return "".join("\\" + sign if sign.isascii() and not sign.isalnum() and sign not in " _" else sign for sign in text)

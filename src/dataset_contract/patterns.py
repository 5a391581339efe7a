r"""Regular expressions that RE2 (DuckDB), Java (Spark) and Python's re read alike.

A pattern is written in RE2's syntax and goes to DuckDB as it is. Java and Python give some of its signs another
meaning: `$` also matches before a final line end, `.` stops at other line ends, `\s` has the vertical tab, `\w` and
`\b` may know all of Unicode. So a pattern is parsed, and rendered for them sign by sign. What has no equal in all
three is refused: look-around, back-references, possessive quantifiers, atomic and named groups, flags, `\B`, `\Z`,
`\p{…}`, and class brackets within a class. Anchors stand at the ends of a pattern only: DuckDB 1.4 rewrites `$a` to a
search for a text that begins with a. docs/contract.md lists what is accepted.
"""

from __future__ import annotations

from collections.abc import Callable

MOST_CHARACTERS = 1000
MOST_REPETITIONS = 1000  # RE2's own limit, also for the product of nested ones

_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "a": 7}
_WORD = "0-9A-Za-z_"
_SPACE = r"\t\n\f\r "
# Within a class: the members as both Java and Python write them. \S is RE2's, which holds the vertical tab.
_MEMBERS = {"d": "0-9", "w": _WORD, "s": _SPACE}
_NEGATED = {"D": "0-9", "W": _WORD, "S": _SPACE}
_EDGE = f"(?:(?<![{_WORD}])(?=[{_WORD}])|(?<=[{_WORD}])(?![{_WORD}]))"
_GROUPS = {
    "?=": "a look-ahead",
    "?!": "a look-ahead",
    "?<=": "a look-behind",
    "?<!": "a look-behind",
    "?>": "an atomic group",
    "?P": "a named group",
    "?<": "a named group",
    "?#": "a comment",
}
_ESCAPES = {
    "Z": r"write $ or \z",
    "G": "leave it out",
    "Q": "escape each character with \\",
    "C": "write .",
    "B": "leave it out",
}


def check(pattern: str) -> None:
    """Refuse what the three engines do not read alike.

    Raises:
        ValueError: it says what is there, and at which position, from 1.
    """
    python(pattern)


def java(pattern: str) -> str:
    """The pattern for java.util.regex, to be used with find(). Raises ValueError as `check`."""
    return _PatternReader(pattern, end=r"\z").render()


def python(pattern: str) -> str:
    """The pattern for Python's re, to be used with search(). Raises ValueError as `check`."""
    return _PatternReader(pattern, end=r"\Z").render()


class _PatternReader:
    """Reads a pattern once from left to right."""

    def __init__(self, pattern: str, end: str) -> None:
        self._pattern = pattern
        self._end = end  # the engine's sign for the end of the text
        self._at = 0
        self._starts = 0  # anchors read until now, of the start and of the end
        self._ends = 0

    def render(self) -> str:
        if not self._pattern:
            raise ValueError("it is empty; accepted: a pattern with something to match")
        if len(self._pattern) > MOST_CHARACTERS:
            raise ValueError(f"it has {len(self._pattern)} characters; accepted: at most {MOST_CHARACTERS}")
        text, _ = self._alternatives(0, leading=True)
        if self._at < len(self._pattern):
            raise self._refused(") has no (")
        return text

    def _refused(self, what: str) -> ValueError:
        return ValueError(f"{what}, at character {self._at + 1}")

    def _peek(self, count: int = 1) -> str:
        return self._pattern[self._at : self._at + count]

    def _next(self) -> str:
        if self._at == len(self._pattern):
            raise self._refused("it ends too early")
        self._at += 1
        return self._pattern[self._at - 1]

    def _alternatives(self, depth: int, leading: bool) -> tuple[str, int]:
        """Rendered, and the largest product of repetitions within.

        Args:
            leading: nothing stands before them.
        """
        parts, most = [], 1
        while True:
            text, repetitions = self._sequence(depth, leading)
            parts.append(text)
            most = max(most, repetitions)
            if self._peek() != "|":
                return "|".join(parts), most
            self._next()

    def _sequence(self, depth: int, leading: bool) -> tuple[str, int]:
        text, most = "", 1
        while self._peek() not in ("", "|", ")"):
            atom, repetitions, repeatable = self._atom(depth, leading and not text)
            quantifier, times = self._quantifier(repeatable)
            repetitions *= times
            if repetitions > MOST_REPETITIONS:
                raise self._refused(f"it repeats more than {MOST_REPETITIONS} times, nested ones multiplied")
            text += atom + quantifier
            most = max(most, repetitions)
        return text, most

    def _atom(self, depth: int, leading: bool) -> tuple[str, int, bool]:
        """Rendered, the repetitions within, and whether a quantifier may follow."""
        sign = self._next()
        if sign == "(":
            return self._group(depth, leading)
        if sign == "[":
            return self._class(), 1, True
        if sign == "\\":
            return self._escape(leading)
        if sign in "*+?":
            self._at -= 1
            raise self._refused(f"{sign} has nothing to repeat")
        if sign == "{":
            self._at -= 1
            raise self._refused(r"{ has nothing to repeat; as a character write \{")
        if sign in "^$":
            return self._anchor(sign == "^", leading), 1, False
        return (r"[^\n]" if sign == "." else _literal(ord(sign))), 1, True

    def _anchor(self, is_start: bool, leading: bool) -> str:
        if is_start and not leading:
            raise self._refused(r"an anchor of the start has something before it; as a character write \^")
        if is_start:
            self._starts += 1
            return r"\A"
        self._ends += 1
        self._check_last()
        return self._end

    def _check_last(self) -> None:
        if self._peek() not in ("", "|", ")"):
            raise self._refused(r"an anchor of the end has something behind it; as a character write \$")

    def _group(self, depth: int, leading: bool) -> tuple[str, int, bool]:
        """As `_atom`. A group with an anchor in it is not repeated."""
        if depth == 50:
            raise self._refused("groups are nested more than 50 deep")
        if self._peek() == "?":
            if self._peek(2) != "?:":
                kind = next((kind for opening, kind in _GROUPS.items() if self._peek(3).startswith(opening)), "a flag")
                raise self._refused(f"{kind} (…{self._peek(2)}…) is not read alike by every engine; write (?: or (")
            self._at += 2
        before = self._starts, self._ends
        text, repetitions = self._alternatives(depth + 1, leading)
        if self._peek() != ")":
            raise self._refused("( has no )")
        self._next()
        if self._ends > before[1]:
            self._check_last()
        return f"(?:{text})", repetitions, self._starts == before[0]

    def _quantifier(self, repeatable: bool) -> tuple[str, int]:
        sign = self._peek()
        if not sign or sign not in "*+?{":
            return "", 1
        if not repeatable:
            raise self._refused(f"{sign} repeats an anchor")
        self._next()
        text, times = (sign, 1) if sign != "{" else self._counts()
        if self._peek() == "?":
            text += self._next()
        if self._peek() == "+":
            raise self._refused("a possessive quantifier is not known to every engine")
        if self._peek() and self._peek() in "*?{":
            raise self._refused(f"{self._peek()} repeats a repetition; put the inner one in (?:…)")
        return text, times

    def _counts(self) -> tuple[str, int]:
        end = self._pattern.find("}", self._at)
        inner = self._pattern[self._at : end] if end >= 0 else ""
        least, comma, most = inner.partition(",")
        good = _is_count(least) and (_is_count(most) or (bool(comma) and not most) or not comma)
        if not good:
            raise self._refused(r"{ begins no {n}, {n,} or {n,m}; as a character write \{")
        numbers = [int(least), *([int(most)] if most else [])]
        if max(numbers) > MOST_REPETITIONS or numbers != sorted(numbers):
            raise self._refused(f"{{{inner}}} is out of order or above {MOST_REPETITIONS}")
        self._at = end + 1
        return f"{{{inner}}}", max(*numbers, 1)

    def _escape(self, leading: bool) -> tuple[str, int, bool]:
        sign = self._next()
        if sign in _MEMBERS:
            return f"[{_MEMBERS[sign]}]", 1, True
        if sign in _NEGATED:
            return f"[^{_NEGATED[sign]}]", 1, True
        if sign in "Az":
            return self._anchor(sign == "A", leading), 1, False
        if sign == "b":
            return _EDGE, 1, False
        return _literal(self._escaped(sign)), 1, True

    def _escaped(self, sign: str) -> int:
        """The code point of an escaped character; `sign` follows the backslash and is read."""
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign == "x":
            return self._hexadecimal()
        if sign.isascii() and not sign.isalnum() and sign != "_" and sign.isprintable():
            return ord(sign)
        self._at -= 2
        if sign.isdigit() and sign != "0":
            raise self._refused(f"\\{sign} is a back-reference, which RE2 does not know")
        advice = _ESCAPES.get(sign)
        raise self._refused(f"\\{sign} is not read alike by every engine" + (f": {advice}" if advice else ""))

    def _hexadecimal(self) -> int:
        if self._peek() == "{":
            end = self._pattern.find("}", self._at)
            digits, self._at = self._pattern[self._at + 1 : max(end, self._at)], max(end + 1, self._at)
        else:
            digits = self._peek(2) if len(self._peek(2)) == 2 else ""
            self._at += 2
        if not digits or len(digits) > 6 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise self._refused(r"\x has no two hexadecimal digits, and no more in { }")
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise self._refused(f"\\x{{{digits}}} is not a character")
        return code

    def _class(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self._next()
        members, previous = "", None  # previous: the character that a range could begin with
        first = True
        while True:
            sign = self._next()
            if sign == "]" and not first:
                return f"[{'^' if negated else ''}{members}]"
            is_range = sign == "-" and not first and self._peek() != "]"
            first = False
            if is_range:
                members += self._range(previous)
                previous = None
                continue
            text, previous = self._member(sign)
            members += text

    def _member(self, sign: str) -> tuple[str, int | None]:
        """A member of a class, and its code point where a range may begin with it."""
        if sign in "[]":
            self._at -= 1
            raise self._refused(f"{sign} stands within a class; write \\{sign}")
        if sign != "\\":
            return _literal(ord(sign)), ord(sign)
        sign = self._next()
        if sign in _MEMBERS:
            return _MEMBERS[sign], None
        if sign in _NEGATED:
            return _complement(sign), None
        code = self._escaped(sign)
        return _literal(code), code

    def _range(self, start: int | None) -> str:
        if start is None:
            raise self._refused(r"- stands for no range; write \-")
        text, end = self._member(self._next())
        if end is None or end < start:
            raise self._refused("a range in a class ends before it begins")
        return "-" + text


def _complement(sign: str) -> str:
    r"""The members of \D, \W or \S as ranges, which both engines read alike within a class."""
    inside: Callable[[int], bool] = {
        "D": lambda code: 48 <= code <= 57,
        "W": lambda code: chr(code).isalnum() or code == 95,
        "S": lambda code: code in (9, 10, 12, 13, 32),
    }[sign]
    text, start = "", 0
    for code in range(128):
        if inside(code):
            text += f"{_literal(start)}-{_literal(code - 1)}" if code > start else ""
            start = code + 1
    return text + _literal(start) + "-" + _literal(0x10FFFF)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4 and (text == "0" or text[0] != "0")


def _literal(code: int) -> str:
    """A character as both Java and Python read it, in a class and outside."""
    sign = chr(code)
    if sign.isascii() and not sign.isalnum():
        return f"\\x{code:02x}" if not sign.isprintable() or sign == " " else ("_" if sign == "_" else "\\" + sign)
    return sign

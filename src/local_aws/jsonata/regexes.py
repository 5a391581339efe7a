"""Regular expressions of JavaScript as Python's: what means something else there is written so that it means the same.

https://tc39.es/ecma262/#sec-patterns
"""

from __future__ import annotations

import functools
import re
from typing import Final

_CLASSES: Final = {"d": "0-9", "w": "A-Za-z0-9_", "s": r"\s\ufeff"}
_NEGATED: Final = {"D": r"[^0-9]", "W": r"[^A-Za-z0-9_]", "S": r"[^\s\ufeff]"}
_QUANTIFIER: Final = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_KEPT: Final = set("tnrfvbB0123456789ux")


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str, ignore_case: bool, multiline: bool) -> re.Pattern[str]:
    """Compile a pattern of JavaScript, without its slashes.

    Raises:
        ValueError: it is none.
    """
    flags = (re.IGNORECASE if ignore_case else 0) | (re.MULTILINE if multiline else 0)
    try:
        return re.compile(_translated(pattern, multiline), flags)
    except (re.error, OverflowError) as error:
        raise ValueError(str(error)) from error


def _translated(pattern: str, multiline: bool) -> str:
    written, at, in_class, after_quantifier = [], 0, False, False
    while at < len(pattern):
        character = pattern[at]
        quantifier = None if in_class else _QUANTIFIER.match(pattern, at)
        if quantifier:
            if after_quantifier:
                raise ValueError("nothing to repeat")
            written.append(quantifier.group())
            at = quantifier.end()
            if at < len(pattern) and pattern[at] == "?":
                written.append("?")
                at += 1
            after_quantifier = True
            continue
        after_quantifier = False
        if character == "\\" and at + 1 < len(pattern):
            written.append(_escape(pattern[at + 1], in_class))
            at += 2
            continue
        if in_class:
            in_class = character != "]"
            written.append("\\[" if character == "[" else character)
        elif character == "[":
            if pattern.startswith("[^]", at):
                written.append(r"[\s\S]")
                at += 3
                continue
            if pattern.startswith("[]", at):
                written.append(r"(?!)")
                at += 2
                continue
            in_class = True
            written.append("[^" if pattern.startswith("[^", at) else "[")
            at += 1 if pattern.startswith("[^", at) else 0
        elif pattern.startswith("(?", at):
            written.append(_group(pattern, at))
            at += 1
        elif character == "$" and not multiline:
            written.append(r"\Z")
        elif character == ".":
            written.append(r"[^\n\r\u2028\u2029]")
        else:
            written.append(character)
        at += 1
    return "".join(written)


def _group(pattern: str, at: int) -> str:
    kind = pattern[at + 2 : at + 4]
    if kind[:1] in (":", "=", "!") or kind in ("<=", "<!"):
        return "(?"
    if kind[:1] == "<":
        return "(?P"
    raise ValueError("invalid group")


def _escape(letter: str, in_class: bool) -> str:
    if letter in _CLASSES:
        return _CLASSES[letter] if in_class else f"[{_CLASSES[letter]}]"
    if letter in _NEGATED:
        return f"\\{letter}" if in_class else _NEGATED[letter]
    if letter in _KEPT or not letter.isalnum():
        return f"\\{letter}"
    return letter  # an escape without a meaning is the letter

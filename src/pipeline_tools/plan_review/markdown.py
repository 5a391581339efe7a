"""Text of unknown origin as GitHub Markdown that it cannot break out of."""

from __future__ import annotations

import json
import re
import unicodedata

MOST_CHARACTERS = 120
_CONTEXT = 24


def code(text: str) -> str:
    """A code span that holds any text.

    Its fence is longer than every run of backticks in the text. What could end the line, or turn the reading direction,
    is written as an escape.
    """
    safe = "".join(_visible(character) for character in text) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", safe)), default=0) + 1)
    pad = " " if safe.startswith("`") or safe.endswith("`") else ""
    return f"{fence}{pad}{safe}{pad}{fence}"


def cell(text: str) -> str:
    """A code span for a table, where GitHub takes a pipe for the end of the cell even in code."""
    return code(text).replace("|", "\\|")


def value(item: object, most: int = MOST_CHARACTERS) -> str:
    """A value as JSON in a code span, shortened in its middle; stand-ins such as "(sensitive value)" in italics."""
    text = _text(item)
    return f"_{item!r}_" if text is None else code(_short(text, most))


def values(before: object, after: object, most: int = MOST_CHARACTERS) -> str:
    """`before → after`; of two long texts only the part that differs, with a little around it."""
    left, right = _text(before), _text(after)
    if left is None or right is None or max(len(left), len(right)) <= most:
        return f"{value(before, most)} → {value(after, most)}"
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    start, end = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    shown = []
    for text in (left, right):
        part = text[start : len(text) - end]
        shown.append(("…" if start else "") + _short(part, most) + ("…" if end else ""))
    return f"{code(shown[0])} → {code(shown[1])}"


def path(steps: tuple[str | int, ...]) -> str:
    """`environment.variables.LAKE_BUCKET`, `rule[2].id`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def _text(item: object) -> str | None:
    """JSON, or None for a stand-in."""
    try:
        return json.dumps(item, ensure_ascii=False, default=repr if isinstance(item, dict | list) else None)
    except TypeError:
        return None


def _short(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2 - 10
    return f"{text[:half]} … {text[-half:]} ({len(text):,} characters)"


def _visible(character: str) -> str:
    # Control, format (the bidirectional ones among them), line and paragraph separators.
    if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
        return f"\\u{ord(character):04x}"
    return character

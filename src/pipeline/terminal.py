"""What others wrote, as a terminal may have it."""

from __future__ import annotations


def plain(text: str) -> str:
    """Text on one line, without what would steer a terminal: a blank for each line end or tab, a dot for the others."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "·" for sign in text)

"""Texts that come from outside: words of a command, names of files."""

from __future__ import annotations


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can write a text. Python keeps a name of other bytes with surrogates, which no service takes."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)

"""Quoting: the only place where text becomes part of an SQL statement."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def literal(text: str) -> str:
    """A string literal. DuckDB has standard strings: only the quote is special, a backslash is itself."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literals(texts: Iterable[str]) -> str:
    """A list literal of strings."""
    return "[" + ", ".join(literal(text) for text in texts) + "]"


def paths(files: Iterable[Path]) -> str:
    """A list literal of file names. They must hold no glob characters: DuckDB would expand them."""
    return literals(str(file) for file in files)

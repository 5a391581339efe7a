"""Quoting, the only place where text becomes part of an SQL statement, and how Parquet is written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# How Parquet is written. Against DuckDB's own settings this takes three quarters of the time, for files that are not
# larger: dictionaries of many values are tried in vain, and nobody asks the filters that tell whether a value is there.
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 4096, WRITE_BLOOM_FILTER false"


def literal(text: str) -> str:
    """A string literal. DuckDB has standard strings: only the quote is special, a backslash is itself."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def literals(texts: Iterable[str]) -> str:
    """A list literal of strings."""
    return "[" + ", ".join(literal(text) for text in texts) + "]"


def paths(files: Iterable[Path]) -> str:
    """A list literal of file names. They must hold no glob characters: DuckDB would expand them."""
    return literals(str(file) for file in files)

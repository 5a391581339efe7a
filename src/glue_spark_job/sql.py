"""Texts of Spark SQL."""

from __future__ import annotations


def identifier(name: str) -> str:
    """`name` as an identifier."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """`text` as a string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

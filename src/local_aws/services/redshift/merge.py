"""MERGE in Redshift's grammar: one source table, one WHEN MATCHED, one WHEN NOT MATCHED."""

from __future__ import annotations

from collections.abc import Sequence

from local_aws.services.redshift.lexer import Token
from local_aws.services.redshift.sqlerror import SqlError, refused
from local_aws.services.redshift.token_reader import Reader


def check_merge(tokens: Sequence[Token]) -> str:
    """The quoted name of the target; SqlError for what PostgreSQL's MERGE takes and Redshift's does not."""
    reader = Reader(tokens)
    reader.expect("MERGE", "INTO")
    target = reader.qualified_name()
    if reader.peek() != "USING":
        # Redshift gives the target no alias.
        raise reader.error()
    reader.expect("USING")
    if reader.peek() == "(":
        raise SqlError("MERGE takes a table as its source, not a subquery: load the rows into a table first", "0A000")
    reader.qualified_name()
    if reader.peek() != "ON":
        reader.accept("AS")
        reader.name()
    reader.expect("ON")
    _skip_condition(reader)
    if reader.accept("REMOVE", "DUPLICATES"):
        raise refused("MERGE ... REMOVE DUPLICATES")
    reader.expect("WHEN", "MATCHED", "THEN")
    if not reader.accept("DELETE"):
        reader.expect("UPDATE", "SET")
        _skip_condition(reader)
    reader.expect("WHEN", "NOT", "MATCHED", "THEN", "INSERT")
    if reader.peek() == "(":
        reader.group()
    reader.expect("VALUES")
    reader.group()
    if not reader.done:
        raise reader.error()
    return target


def _skip_condition(reader: Reader) -> None:
    """Up to the WHEN of the next clause; a CASE has its own WHENs."""
    depth = 0
    while not reader.done:
        word = reader.peek()
        if word == "(":
            reader.group()
            continue
        if depth == 0 and word in ("WHEN", "REMOVE"):
            return
        depth += {"CASE": 1, "END": -1}.get(word, 0)
        reader.take()

"""How DuckDB writes the conditions of a contract's value rules (dataset_contract.conditions)."""

from __future__ import annotations

from decimal import Decimal

from dataset_contract.conditions import EXACT, Dialect
from dataset_contract.types import DATE, DECIMAL, TIMESTAMPTZ, ColumnType
from glue_python_job import sql


class DuckDb(Dialect):
    """DuckDB 1.4."""

    def text(self, value: str) -> str:
        """A text as a literal."""
        return sql.literal(value)

    def type(self, type_: ColumnType) -> str:
        """The name of a type."""
        return type_.duckdb

    def moment(self, value: str, type_: ColumnType) -> str:
        """A date or timestamp as a literal."""
        if type_.kind == DATE:
            return "DATE " + sql.literal(value)
        if type_.kind == TIMESTAMPTZ:
            return "TIMESTAMPTZ " + sql.literal(value + "+00")
        return "TIMESTAMP " + sql.literal(value)

    def length(self, value: str) -> str:
        """The number of characters of a text."""
        return f"length({value})"

    def matches(self, value: str, pattern: str) -> str:
        """Whether a pattern is found in a text."""
        return f"regexp_matches({value}, {sql.literal(pattern)})"

    def no_multiple(self, value: str, step: Decimal, type_: ColumnType) -> str:
        """Whether a number is not a multiple of a step, exactly."""
        # DuckDB has no remainder of wide decimals. In units of the last decimal all are whole numbers, and the
        # multiples of n / d, in lowest terms, are those of n.
        units, _ = step.scaleb(type_.scale, context=EXACT).as_integer_ratio()
        if units >= 10**38:
            return f"{value} <> 0"
        digits = f"replace(CAST({value} AS VARCHAR), '.', '')" if type_.kind == DECIMAL else value
        return f"CAST({digits} AS HUGEINT) % CAST({units} AS HUGEINT) <> 0"


DUCKDB = DuckDb()

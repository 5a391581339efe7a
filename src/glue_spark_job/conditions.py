"""How Spark SQL writes the conditions of a contract's value rules (dataset_contract.conditions)."""

from __future__ import annotations

from decimal import Decimal

from dataset_contract import patterns
from dataset_contract.conditions import Dialect, number
from dataset_contract.types import DATE, ColumnType
from glue_spark_job import sql


class SparkSql(Dialect):
    """Spark 3.5."""

    def text(self, value: str) -> str:
        """A text as a literal."""
        return sql.literal(value)

    def type(self, type_: ColumnType) -> str:
        """The name of a type."""
        return type_.spark

    def moment(self, value: str, type_: ColumnType) -> str:
        """A date or timestamp as a literal."""
        return f"{'DATE' if type_.kind == DATE else 'TIMESTAMP'} '{value}'"

    def length(self, value: str) -> str:
        """The number of characters of a text."""
        return f"char_length({value})"

    def matches(self, value: str, pattern: str) -> str:
        """Whether a pattern is found in a text."""
        return f"{value} RLIKE {sql.literal(patterns.java(pattern))}"

    def no_multiple(self, value: str, step: Decimal, type_: ColumnType) -> str:
        """Whether a number is not a multiple of a step, exactly."""
        return f"{value} % {number(step, type_, self)} <> 0"


SPARK = SparkSql()

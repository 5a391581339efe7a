"""The contract's rules for a table's columns, as counts of the rows that break them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from glue_spark_job.contract import Column, Table
from glue_spark_job.errors import JobError, one_line

_BOUNDS: dict[str, Callable[[SparkColumn, SparkColumn], SparkColumn]] = {
    "minimum": lambda value, bound: value < bound,
    "maximum": lambda value, bound: value > bound,
    "exclusiveMinimum": lambda value, bound: value <= bound,
    "exclusiveMaximum": lambda value, bound: value >= bound,
}
_MOST_IN_MESSAGE = 5


@dataclass(frozen=True)
class Rule:
    """A rule of the contract: the columns it is about, its text, and an aggregate that counts rows breaking it."""

    columns: tuple[str, ...]
    text: str
    breaches: SparkColumn


def quoted(name: str) -> str:
    """`name` as an identifier of Spark SQL."""
    return "`" + name.replace("`", "``") + "`"


def of(table: Table) -> list[Rule]:
    """The rules of `table`: those of each column, then its keys."""
    rules = [
        Rule((column.name,), text, F.count_if(broken))
        for column in table.columns
        for text, broken in _column_rules(column, F.col(quoted(column.name)), is_loaded=table.role == "output")
    ]
    return rules + [Rule(key, "unique", _duplicates(key)) for key in table.keys]


def require(rules: Sequence[Rule], counts: Sequence[int], what: str, advice: str) -> None:
    """Raises JobError that names each rule with its columns and count, if any count in `counts` is not zero.

    `counts` has one number for each of `rules`; `what` is the table in the message, `advice` says what to do.
    """
    broken = [(rule, count) for rule, count in zip(rules, counts, strict=True) if count]
    if not broken:
        return
    parts = [
        f"column {' + '.join(rule.columns)}: {rule.text} ({count} row{'s' if count > 1 else ''})"
        for rule, count in broken[:_MOST_IN_MESSAGE]
    ]
    more = f" and {len(broken) - _MOST_IN_MESSAGE} more" if len(broken) > _MOST_IN_MESSAGE else ""
    raise JobError(f"{what} breaks its contract: {'; '.join(parts)}{more}; {advice}")


def _column_rules(column: Column, value: SparkColumn, is_loaded: bool) -> Iterator[tuple[str, SparkColumn]]:
    """Each rule of `column` as a text and a condition; a condition that is null, as for null values, is no breach.

    Only what is loaded into Redshift (`is_loaded`) has to fit its VARCHAR.
    """
    if column.required:
        yield "required", value.isNull()
    if is_loaded and column.bytes is not None:
        yield f"at most {column.bytes} bytes, {column.physical_type}", F.octet_length(value) > column.bytes
    for name, breaks in _BOUNDS.items():
        if name in column.options:
            bound = column.options[name]
            yield f"{name} {bound}", breaks(value, _literal(bound, column))
    if "minLength" in column.options:
        yield f"minLength {column.options['minLength']}", F.length(value) < int(column.options["minLength"])
    if "maxLength" in column.options:
        yield f"maxLength {column.options['maxLength']}", F.length(value) > int(column.options["maxLength"])
    if "pattern" in column.options:
        yield f"pattern {one_line(column.options['pattern'])}", ~value.rlike(column.options["pattern"])
    if column.valid_values is not None:
        valid = [_literal(item, column) for item in column.valid_values]
        yield f"one of {', '.join(map(str, column.valid_values))}", ~value.isin(valid)


def _literal(value: Any, column: Column) -> SparkColumn:
    # A bound of a column of dates is a text in JSON. A number stays as it is: cast to the column's type it could
    # lose its fraction or not fit.
    literal = F.lit(value)
    return literal.cast(column.spark_type) if isinstance(value, str) else literal


def _duplicates(key: tuple[str, ...]) -> SparkColumn:
    """How many rows are too many for `key` to be unique. As in SQL, a row with a null in the key has no equal."""
    columns = [F.col(quoted(name)) for name in key]
    complete = columns[0].isNotNull()
    for column in columns[1:]:
        complete = complete & column.isNotNull()
    return F.count_if(complete) - F.count_distinct(*columns)

"""Where in transform.sql an error of Spark comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame

from glue_spark_job.errors import one_line
from glue_spark_job.statements import Statement

_LONGEST_EXPRESSION = 200  # characters
_MOST_SUSPECTS = 3
_CAST = re.compile(r'of the type "(.+?)" cannot be cast to "(.+?)"')
# Errors that Spark does not place -> the expressions that raise them (names of Spark's classes).
_SUSPECTS = (
    (re.compile("overflow", re.I), ("Sum", "Average", "UnaryMinus", "Abs", "MakeInterval", "TimeAdd")),
    (
        re.compile("Invalid value for|Invalid date|CANNOT_PARSE_TIMESTAMP|could not be parsed"),
        ("MakeDate", "MakeTimestamp", "ParseToDate", "ParseToTimestamp", "GetTimestamp", "ToUnixTimestamp"),
    ),
)


@dataclass(frozen=True)
class Script:
    """transform.sql as it was run.

    Attributes:
        file: its name in messages.
    """

    file: str
    statements: Sequence[Statement]

    def label(self, statement: Statement) -> str:
        """`transform.sql statement 2 (view priced, line 5)`."""
        about = f"view {statement.view}, " if statement.view else ""
        return f"{self.file} statement {statement.number} ({about}line {statement.line})"

    def submitted(self, statement: Statement) -> str:
        """The statement as Spark gets it: the line breaks before it make Spark's lines those of the file."""
        return "\n" * (statement.line - 1) + statement.text

    def place(self, text: str, start: int, stop: int) -> str:
        """Where the expression from `start` to `stop` (inclusive) of a submitted `text` is, and what it says.

        `transform.sql line 6, statement 2 (view priced): 1 / id`; "" where the text is not a statement of this script.
        """
        for statement in self.statements:
            if text == self.submitted(statement):
                line = text.count("\n", 0, start) + 1
                view = f" (view {statement.view})" if statement.view else ""
                expression = one_line(text[start : stop + 1])
                if len(expression) > _LONGEST_EXPRESSION:
                    expression = expression[:_LONGEST_EXPRESSION] + " …"
                return f"{self.file} line {line}, statement {statement.number}{view}: {expression}"
        return ""


def of_error(exception: Any, script: Script) -> str:
    """The place that an exception of Spark (a SparkThrowable of the JVM) names; "" if it names none."""
    for context in exception.getQueryContext():
        origin = _place(context.sqlText(), context.originStartIndex(), context.originStopIndex(), script)
        if origin:
            return origin
    return ""


def suspects(message: str, frame: DataFrame, script: Script) -> str:
    """The expressions of a table that can have raised an error which Spark does not place; "" if none is found.

    Spark 3.5 places neither the overflow of a cast from one number to another, nor what makes a date.
    """
    cast = _CAST.search(message)
    classes = [name for pattern, names in _SUSPECTS if pattern.search(message) for name in names]
    found: dict[str, None] = {}
    for expression in _expressions(frame._jdf.queryExecution().analyzed()):
        kind = str(expression.getClass().getSimpleName())
        is_cast = cast and kind == "Cast" and cast.groups() == (_sql(expression.child()), _sql(expression))
        if is_cast or (not cast and kind in classes):
            origin = expression.origin()
            found[_place(origin.sqlText(), origin.startIndex(), origin.stopIndex(), script)] = None
    places = [place for place in found if place]
    return " or ".join(places) if len(places) <= _MOST_SUSPECTS else ""


def _place(text: Any, start: Any, stop: Any, script: Script) -> str:
    if text.isEmpty() or start.isEmpty() or stop.isEmpty():
        return ""
    return script.place(str(text.get()), int(start.get()), int(stop.get()))


def _sql(expression: Any) -> str:
    return str(expression.dataType().sql())


def _expressions(plan: Any) -> Iterator[Any]:
    """All expressions of a plan, of its subqueries too."""
    for node in (plan, *_each(plan.subqueriesAll())):
        yield from _expressions_of_nodes(node)


def _expressions_of_nodes(node: Any) -> Iterator[Any]:
    for expression in _each(node.expressions()):
        yield from _tree(expression)
    for child in _each(node.children()):
        yield from _expressions_of_nodes(child)


def _tree(expression: Any) -> Iterator[Any]:
    yield expression
    for child in _each(expression.children()):
        yield from _tree(child)


def _each(sequence: Any) -> Iterator[Any]:
    """The items of a Seq of Scala."""
    for position in range(sequence.size()):
        yield sequence.apply(position)

"""The parameters of a run: checked against the contract, and offered to transform.sql as a view of one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from glue_spark_job.contract import PARAMETERS_VIEW, Parameter
from glue_spark_job.errors import ArgumentsError

_SPARK = {"integer": "bigint", "number": "double", "string": "string", "boolean": "boolean", "date": "date"}
_PYTHON: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "date": (str,),
}


def resolve(declared: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, object]:
    """A value for each declared parameter: the given one, or the default.

    Raises ArgumentsError for a parameter that is unknown, has no value, or is of another type. (The range is checked
    where the execution starts; here it is the type that matters, since SQL is about to use it.)
    """
    known = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in known:
            raise ArgumentsError(f'parameter "{name}" is unknown; known: {", ".join(known) or "none"} (contract)')
    values = {}
    for name, parameter in known.items():
        value = given.get(name, parameter.default)
        if value is None:
            raise ArgumentsError(f'parameter "{name}" has no value and no default; pass it in --parameters')
        values[name] = _checked(parameter, value)
    return values


def register(spark: SparkSession, declared: Sequence[Parameter], values: Mapping[str, object]) -> None:
    """Makes the view `parameters`: one row, one column for each parameter, of the declared type."""
    columns = [F.lit(values[item.name]).cast(_SPARK[item.type]).alias(item.name) for item in declared]
    # Over a relation of one row and literals, Spark puts the values into the plan: reading them costs no job.
    spark.sql("SELECT 1").select(*columns).createOrReplaceTempView(PARAMETERS_VIEW)


def _checked(parameter: Parameter, value: Any) -> object:
    good = isinstance(value, _PYTHON[parameter.type]) and (isinstance(value, bool) == (parameter.type == "boolean"))
    if good and parameter.type == "date":
        try:
            return date.fromisoformat(value)
        except ValueError:
            good = False
    if good and parameter.type == "integer":
        good = -(2**63) <= value < 2**63
    if not good:
        raise ArgumentsError(f'parameter "{parameter.name}" is {value!r}; pass {_article(parameter.type)}')
    return value


def _article(kind: str) -> str:
    return {
        "integer": "an integer of 64 bits",
        "number": "a number",
        "string": "a text",
        "boolean": "true or false",
        "date": 'a date as "2013-12-31"',
    }[kind]

"""The parameters of a run, offered to transform.sql as a view of one row."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from dataset_contract.model import PARAMETERS_VIEW, Parameter
from dataset_contract.parameters import ParameterValue

_SPARK = {"integer": "bigint", "number": "double", "string": "string", "boolean": "boolean", "date": "date"}


def register(spark: SparkSession, declared: Mapping[str, Parameter], values: Mapping[str, ParameterValue]) -> None:
    """Make the view `parameters`: one row, one column for each parameter, of the declared type."""
    columns = []
    for name, item in declared.items():
        # A whole number beyond 38 digits would be no literal of Spark.
        value = float(values[name]) if item.type == "number" else values[name]
        columns.append(F.lit(value).cast(_SPARK[item.type]).alias(name))
    # Over a relation of one row and literals, Spark puts the values into the plan: reading them costs no job.
    spark.sql("SELECT 1").select(*columns).createOrReplaceTempView(PARAMETERS_VIEW)

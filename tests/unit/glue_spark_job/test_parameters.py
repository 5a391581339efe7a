"""The parameters: SQL sees them as one row of the declared types."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from dataset_contract.model import Parameter
from dataset_contract.parameters import ParameterValue
from glue_spark_job import parameters

pytestmark = pytest.mark.spark

KINDS = {"late_minutes": "integer", "share": "number", "carrier": "string", "strict": "boolean", "since": "date"}
ALL = {name: Parameter(name, kind) for name, kind in KINDS.items()}
VALUES: dict[str, ParameterValue] = {
    "late_minutes": 2**62,
    "share": 10**40,
    "carrier": "it's",
    "strict": False,
    "since": "2013-01-01",
}


def test_the_view_has_one_row_of_the_declared_types(spark: SparkSession) -> None:
    parameters.register(spark, ALL, VALUES)
    view = spark.table("parameters")
    assert [kind for _, kind in view.dtypes] == ["bigint", "double", "string", "boolean", "date"]
    assert [tuple(row) for row in view.collect()] == [(2**62, 1e40, "it's", False, date(2013, 1, 1))]


def test_a_parameter_in_sql_is_a_literal_of_the_plan(spark: SparkSession) -> None:
    parameters.register(spark, {"late_minutes": ALL["late_minutes"]}, {"late_minutes": 15})
    plan = spark.sql("SELECT id > (SELECT late_minutes FROM parameters) AS late FROM range(3)")
    explained = plan._jdf.queryExecution().optimizedPlan().toString()
    assert "scalar-subquery" not in explained
    assert "> 15" in explained


def test_without_parameters_the_view_is_one_row_without_columns(spark: SparkSession) -> None:
    parameters.register(spark, {}, {})
    assert spark.table("parameters").columns == []
    assert spark.sql("SELECT r.id FROM range(2) AS r CROSS JOIN parameters").count() == 2

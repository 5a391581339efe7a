"""The parameters: their types are checked, and SQL sees them as one row."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from glue_spark_job import parameters
from glue_spark_job.contract import Parameter
from glue_spark_job.errors import ArgumentsError

ALL = [
    Parameter("late minutes", "integer", 15),
    Parameter("share", "number", None),
    Parameter("carrier", "string", "UA"),
    Parameter("strict", "boolean", False),
    Parameter("since", "date", "2013-01-01"),
]


def test_given_values_win_over_defaults() -> None:
    values = parameters.resolve(ALL, {"share": 1, "strict": True, "since": "2013-12-31"})
    assert values == {
        "late minutes": 15,
        "share": 1,
        "carrier": "UA",
        "strict": True,
        "since": date(2013, 12, 31),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, 'parameter "share" has no value and no default'),
        ({"share": None}, 'parameter "share" has no value and no default'),
        ({"shares": 1}, 'parameter "shares" is unknown; known: late minutes, share, carrier, strict, since'),
        ({"share": "0.5"}, "parameter \"share\" is '0.5'; pass a number"),
        ({"share": True}, 'parameter "share" is True; pass a number'),
        ({"share": 1, "late minutes": 1.5}, 'parameter "late minutes" is 1.5; pass an integer'),
        ({"share": 1, "late minutes": 2**63}, "pass an integer of 64 bits"),
        ({"share": 1, "strict": 1}, 'parameter "strict" is 1; pass true or false'),
        ({"share": 1, "carrier": 1}, 'parameter "carrier" is 1; pass a text'),
        ({"share": 1, "since": "31.12.2013"}, "parameter \"since\" is '31.12.2013'; pass a date"),
    ],
)
def test_a_wrong_value_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parameters.resolve(ALL, given)
    assert message in str(caught.value)


@pytest.mark.spark
def test_the_view_has_one_row_of_the_declared_types(spark: SparkSession) -> None:
    parameters.register(spark, ALL, parameters.resolve(ALL, {"share": 1, "carrier": "it's"}))
    view = spark.table("parameters")
    assert [kind for _, kind in view.dtypes] == ["bigint", "double", "string", "boolean", "date"]
    assert [tuple(row) for row in view.collect()] == [(15, 1.0, "it's", False, date(2013, 1, 1))]


@pytest.mark.spark
def test_a_parameter_in_sql_is_a_literal_of_the_plan(spark: SparkSession) -> None:
    parameters.register(spark, ALL[:1], {"late minutes": 15})
    plan = spark.sql("SELECT id > (SELECT `late minutes` FROM parameters) AS late FROM range(3)")
    explained = plan._jdf.queryExecution().optimizedPlan().toString()
    assert "scalar-subquery" not in explained
    assert "> 15" in explained


@pytest.mark.spark
def test_without_parameters_the_view_is_one_row_without_columns(spark: SparkSession) -> None:
    parameters.register(spark, [], {})
    assert spark.table("parameters").columns == []
    assert spark.sql("SELECT r.id FROM range(2) AS r CROSS JOIN parameters").count() == 2

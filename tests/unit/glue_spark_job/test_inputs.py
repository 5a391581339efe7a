"""The staged rows: counted, and typed as the contract has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from glue_spark_job import contract, inputs
from glue_spark_job.contract import Table
from glue_spark_job.errors import JobError
from glue_spark_job.storage import Storage
from tests.unit.glue_spark_job.orders import CONTRACT, Orders

pytestmark = pytest.mark.spark


def source() -> Table:
    return contract.parse(json.dumps(CONTRACT), "contract.json").source


def staged(orders: Orders) -> str:
    return orders.arguments()["--staged_uri"]


def register(spark: SparkSession, orders: Orders) -> None:
    files = inputs.parquet_files(Storage(spark), staged(orders))
    inputs.register_source(spark, source(), files, staged(orders))


def test_rows_are_counted_over_all_files(spark: SparkSession, orders: Orders) -> None:
    orders.stage("(5, 'tea', 1, NULL)", "part-1.parquet")
    files = inputs.staged_files(Storage(spark), staged(orders), 5, "s3://lake/runs/j/python.json")
    assert [(Path(file.uri).name, file.rows) for file in files] == [("part-0.parquet", 4), ("part-1.parquet", 1)]


def test_a_count_that_differs_names_both(spark: SparkSession, orders: Orders) -> None:
    with pytest.raises(JobError) as caught:
        inputs.staged_files(Storage(spark), staged(orders), 5, "s3://lake/runs/j/python.json")
    assert str(caught.value) == (
        f"4 rows are staged in 1 files below {staged(orders)}, but s3://lake/runs/j/python.json says rows_out 5; "
        "run the Python stage of this job again"
    )


def test_the_source_has_the_declared_types_and_timestamps_in_utc(spark: SparkSession, orders: Orders) -> None:
    register(spark, orders)
    view = spark.table("orders")
    assert view.dtypes == [("id", "int"), ("item", "string"), ("amount", "decimal(10,2)"), ("sold", "timestamp")]
    first = spark.sql("SELECT CAST(sold AS STRING) FROM orders WHERE id = 1").first()
    assert first is not None
    assert first[0] == "2013-01-01 10:00:00"


def test_other_types_are_cast_and_columns_that_the_contract_lacks_left_out(spark: SparkSession, orders: Orders) -> None:
    orders.stage(
        "('1', 'tea', 2.5, TIMESTAMPTZ '2013-01-01 10:00:00Z')",
        sql="SELECT sold, 1 AS n, amount::DOUBLE AS amount, item, id FROM (VALUES {rows}) AS t(id, item, amount, sold)",
    )
    register(spark, orders)
    rows = spark.sql("SELECT id, item, CAST(amount AS STRING), CAST(sold AS STRING) FROM orders").collect()
    assert spark.table("orders").columns == ["id", "item", "amount", "sold"]
    assert [tuple(row) for row in rows] == [(1, "tea", "2.50", "2013-01-01 10:00:00")]


def test_a_missing_column_is_named(spark: SparkSession, orders: Orders) -> None:
    orders.stage("(1, 'tea')", sql="SELECT * FROM (VALUES {rows}) AS t(id, item)")
    with pytest.raises(
        JobError, match=r"^source orders, staged below .*: column amount, sold is missing; found: id, item"
    ):
        register(spark, orders)


def test_without_files_the_source_is_an_empty_view(spark: SparkSession) -> None:
    inputs.register_source(spark, source(), [], "/nowhere/")
    assert spark.table("orders").dtypes[2] == ("amount", "decimal(10,2)")
    assert spark.table("orders").count() == 0

"""What the Python stage staged: counted, and typed as the contract has it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from dataset_contract import reading
from dataset_contract.model import DataObject
from glue_spark_job import inputs
from glue_spark_job.errors import JobError
from glue_spark_job.storage import ParquetFile, Storage
from tests.unit.glue_spark_job.orders import CONTRACT, STAGED_SQL, Orders

pytestmark = pytest.mark.spark

MANIFEST = "s3://lake/runs/j/python.json"
AGREED = reading.parse_text(json.dumps(CONTRACT), "contract.json")


def found(spark: SparkSession, table: DataObject, directory: str, rows: int) -> list[ParquetFile]:
    size = sum(path.stat().st_size for path in Path(directory).iterdir())
    return inputs.staged_files(Storage(spark), table, inputs.Staged(directory, rows, size), MANIFEST)


def staged(orders: Orders) -> str:
    return f"{orders.staged}/"


def test_rows_are_counted_over_all_files(spark: SparkSession, orders: Orders) -> None:
    orders.stage("(5, 'tea', 1, NULL)", "part-1.parquet")
    files = found(spark, AGREED.source, staged(orders), 5)
    assert [(Path(file.uri).name, file.rows) for file in files] == [("part-0.parquet", 4), ("part-1.parquet", 1)]


def test_a_count_that_differs_names_both(spark: SparkSession, orders: Orders) -> None:
    with pytest.raises(JobError) as caught:
        found(spark, AGREED.source, staged(orders), 5)
    assert str(caught.value) == (
        f"source orders: 4 rows in 1 files below {staged(orders)}, but {MANIFEST} says 5; "
        "run the Python stage of this job again"
    )


@pytest.mark.parametrize("recorded", [1, None, "733"])
def test_other_files_of_as_many_rows_are_named(spark: SparkSession, orders: Orders, recorded: object) -> None:
    with pytest.raises(
        JobError, match=rf"^source orders: \d+ bytes in 1 files below .*, but {MANIFEST} says "
    ) as caught:
        inputs.staged_files(Storage(spark), AGREED.source, inputs.Staged(staged(orders), 4, recorded), MANIFEST)
    assert f"says {json.dumps(recorded)}; run the Python stage" in str(caught.value)


def test_a_missing_column_is_named_with_its_file(spark: SparkSession, orders: Orders) -> None:
    orders.stage("(1, 'tea')", "part-1.parquet", sql="SELECT * FROM (VALUES {rows}) AS t(id, item)")
    with pytest.raises(
        JobError, match=r"^source orders: .*/part-1\.parquet has no column amount, sold; run the Python"
    ):
        found(spark, AGREED.source, staged(orders), 5)


@pytest.mark.parametrize(
    ("declared", "written", "read_as"),
    [("amount::DECIMAL(10,2)", "amount::DECIMAL(11,2)", "decimal(11,2)"), ("id::INTEGER", "id::BIGINT", "bigint")],
)
def test_a_column_of_another_type_is_named(
    spark: SparkSession, orders: Orders, declared: str, written: str, read_as: str
) -> None:
    assert declared in STAGED_SQL
    orders.stage("(1, 'tea', 2.50, NULL)", sql=STAGED_SQL.replace(declared, written))
    column = written.partition(":")[0]
    with pytest.raises(JobError, match=rf" has column {column} as {re.escape(read_as)}, the contract has .*; run the"):
        found(spark, AGREED.source, staged(orders), 1)


def test_views_have_the_declared_types_and_cost_no_job(spark: SparkSession, orders: Orders) -> None:
    spark.sparkContext.setJobGroup("register", "register")
    source, items = AGREED.source, AGREED.references[0]
    inputs.register(spark, source, found(spark, source, staged(orders), 4), staged(orders))
    directory = f"{orders.items.parent}/"
    inputs.register(spark, items, found(spark, items, directory, 3), directory)
    assert not spark.sparkContext.statusTracker().getJobIdsForGroup("register")
    assert spark.table("orders").dtypes == [
        ("id", "int"),
        ("item", "string"),
        ("amount", "decimal(10,2)"),
        ("sold", "timestamp"),
    ]
    first = spark.sql("SELECT CAST(amount AS STRING), CAST(sold AS STRING) FROM orders WHERE id = 1").first()
    assert first is not None
    assert tuple(first) == ("2.50", "2013-01-01 10:00:00")
    assert {tuple(row) for row in spark.sql("SELECT item, weight FROM items").collect()} == {
        ("tea", 100),
        ("cake", None),
        ("soap", 80),
    }


def test_without_files_the_source_is_an_empty_view(spark: SparkSession) -> None:
    inputs.register(spark, AGREED.source, [], "/nowhere/")
    assert spark.table("orders").dtypes[2] == ("amount", "decimal(10,2)")
    assert spark.table("orders").count() == 0

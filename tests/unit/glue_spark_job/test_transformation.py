"""transform.sql in Spark: Spark's own words for a wrong statement, and outputs as the contract has them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from dataset_contract import types
from dataset_contract.model import OUTPUT, Column, DataObject
from glue_spark_job.errors import JobError
from glue_spark_job.origins import Script
from glue_spark_job.statements import split
from glue_spark_job.transformation import transform

pytestmark = pytest.mark.spark

PRICED = DataObject(
    "priced",
    OUTPUT,
    (Column("id", types.parse("INTEGER"), "id"), Column("price", types.parse("DECIMAL(10,2)"), "price")),
)


def run(spark: SparkSession, sql: str) -> DataFrame:
    return transform(spark, Script("transform.sql", split(sql)), [PRICED], "j1")["priced"]


def test_the_contract_decides_order_and_types_and_the_job_id_comes_last(spark: SparkSession) -> None:
    frame = run(spark, "CREATE TEMP VIEW a AS SELECT 2.5D AS PRICE, 7L AS Id; CREATE TEMP VIEW Priced AS TABLE a")
    assert frame.dtypes == [("id", "int"), ("price", "decimal(10,2)"), ("job_id", "string")]
    assert [tuple(row) for row in frame.collect()] == [(7, Decimal("2.50"), "j1")]


def test_a_view_may_be_cached_and_replaced(spark: SparkSession) -> None:
    frame = run(
        spark,
        "CREATE TEMP VIEW a AS SELECT 1 AS id; CACHE LAZY TABLE a;"
        "CREATE OR REPLACE TEMP VIEW priced AS SELECT id, 1 AS price FROM a",
    )
    assert [row["id"] for row in frame.collect()] == [1]
    spark.catalog.clearCache()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "CREATE TEMP VIEW b AS\nSELECT idd FROM a",
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column or function parameter with name `idd` cannot be resolved. "
            "Did you mean one of the following? [`id`].; line 5 pos 7;",
        ),
        ("CREATE TEMP VIEW b AS\nSELECT 1 FRM a b", "[PARSE_SYNTAX_ERROR] Syntax error at or near 'a'"),
        ("CREATE TEMP VIEW b AS SELECT * FROM c", "[TABLE_OR_VIEW_NOT_FOUND] The table or view `c` cannot be found."),
        ("CREATE TEMP VIEW a AS SELECT 1", "[TEMP_TABLE_OR_VIEW_ALREADY_EXISTS]"),
        ("CREATE TEMP VIEW b AS SELECT nope(id) FROM a", "[UNRESOLVED_ROUTINE]"),
        ("CREATE TEMP VIEW b AS SELECT sum(id) + id FROM a", "[MISSING_GROUP_BY]"),
        ("CREATE TEMP VIEW b AS DELETE FROM a", "[PARSE_SYNTAX_ERROR]"),
    ],
)
def test_a_wrong_statement_is_told_in_one_line_of_spark(spark: SparkSession, statement: str, message: str) -> None:
    with pytest.raises(JobError) as caught:
        run(spark, f"CREATE TEMP VIEW a AS SELECT 1 AS id;\n\n-- why\n{statement};\nCREATE TEMP VIEW c AS SELECT 1")
    text = str(caught.value)
    view = statement.split()[3]
    assert text.startswith(f"transform.sql statement 2 (view {view}, line 4): {message}")
    assert "\n" not in text


def test_a_syntax_error_is_at_the_line_of_the_file(spark: SparkSession) -> None:
    with pytest.raises(JobError, match=r"\(line 3, pos 13\)"):
        run(spark, "-- 1\nCREATE TEMP VIEW a AS SELECT 1\nFROM b GROUP 1")


def test_a_missing_output_is_named_with_the_views_there_are(spark: SparkSession) -> None:
    with pytest.raises(JobError) as caught:
        run(spark, "CREATE TEMP VIEW a AS SELECT 1 AS id; CREATE TEMP VIEW `pri ced` AS SELECT 1 AS id")
    assert str(caught.value).startswith("transform.sql does not create output priced; views found: a, pri ced;")


def test_a_view_that_was_there_before_is_no_output(spark: SparkSession) -> None:
    spark.sql("SELECT 1 AS id, 2 AS price").createOrReplaceTempView("priced")
    with pytest.raises(JobError, match="does not create output priced; views found: none"):
        run(spark, "CACHE LAZY TABLE priced")


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("1 AS id", "column price is missing; the view has: id; change the SELECT of priced"),
        ("1 AS id, 2 AS price, 3 AS cost, 4 AS job_id", "column cost, job_id is not in the contract"),
        ("1 AS id, 2 AS ID, 3 AS price", "column id occurs twice; the view has: id, ID, price"),
        ("1 AS id, DATE '2013-01-01' AS price", "the view has date, which cannot be DECIMAL(10,2); convert it"),
    ],
)
def test_columns_that_do_not_fit_are_named(spark: SparkSession, select: str, message: str) -> None:
    with pytest.raises(JobError) as caught:
        run(spark, f"CREATE TEMP VIEW priced AS SELECT {select}")
    assert str(caught.value).startswith("table priced")
    assert message in str(caught.value)

"""Texts that the Python stage checked are not checked again, but every other value is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession

from dataset_contract import reading, types
from dataset_contract.model import OUTPUT, Column, DataObject
from glue_spark_job import inputs
from glue_spark_job.storage import Storage
from glue_spark_job.transformation import conform
from tests.unit.glue_spark_job.orders import CONTRACT, Orders

pytestmark = pytest.mark.spark

AGREED = reading.parse_text(json.dumps(CONTRACT), "contract.json")


@pytest.fixture
def staged(spark: SparkSession, orders: Orders) -> SparkSession:
    """The session with the views `orders` and `items`, whose `item` is a VARCHAR(8)."""
    for table, directory in ((AGREED.source, orders.staged), (AGREED.references[0], orders.items.parent)):
        files = inputs.parquet_files(Storage(spark), f"{directory}/")
        inputs.register(spark, table, files, f"{directory}/")
    return spark


def is_checked(spark: SparkSession, query: str, kind: str) -> bool:
    """Whether the values of the one column of a query are checked, in an output that has it as `kind`."""
    table = DataObject("t", OUTPUT, (Column("c", types.parse(kind), "c"),))
    frame: Any = conform(spark.sql(query), table, "j1")
    return "raise_error" in frame._jdf.queryExecution().optimizedPlan().toString()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT item AS c FROM orders",
        "SELECT i.item AS c FROM orders AS o LEFT JOIN items AS i ON i.item = o.item",
        "SELECT item AS c FROM orders GROUP BY item",
        "WITH a AS (SELECT item AS x FROM orders WHERE id > 1) SELECT x AS c FROM a ORDER BY x LIMIT 2",
        "SELECT DISTINCT c FROM (SELECT item AS c, row_number() OVER (ORDER BY id) AS n FROM orders) WHERE n = 1",
    ],
)
@pytest.mark.parametrize("kind", ["VARCHAR(8)", "VARCHAR(9)"])
def test_a_staged_text_that_is_only_named_is_not_checked(staged: SparkSession, query: str, kind: str) -> None:
    assert not is_checked(staged, query, kind)


@pytest.mark.parametrize("kind", ["VARCHAR(7)", "CHAR(8)"])
def test_a_type_that_takes_less_is_checked(staged: SparkSession, kind: str) -> None:
    assert is_checked(staged, "SELECT item AS c FROM orders", kind)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT upper(item) AS c FROM orders",
        "SELECT max(item) AS c FROM orders",
        "SELECT coalesce(item, repeat('x', 99)) AS c FROM orders",
        "SELECT item AS c FROM orders UNION ALL SELECT repeat('x', 99)",
        "WITH a AS (SELECT item FROM orders UNION SELECT repeat('x', 99)) SELECT a.item AS c FROM a JOIN orders",
        "SELECT (SELECT item FROM (SELECT item FROM orders UNION SELECT 'y') LIMIT 1) AS c FROM orders",
        "SELECT array(struct(item), struct(repeat('x', 99) AS item))[1].item AS c FROM orders",
        "SELECT coalesce(if(id = 1, struct(item), NULL), struct(repeat('x', 99) AS item)).item AS c FROM orders",
        "SELECT item AS c FROM (SELECT inline(array(struct(item), struct(repeat('x', 99) AS item))) FROM orders)",
        "SELECT s.c FROM (SELECT array((item AS c, 1), (repeat('x', 99) AS c, 1))[1] AS s FROM orders)",
        "SELECT coalesce(o.item, i.item) AS c FROM orders AS o FULL JOIN items AS i ON i.item = o.item",
        "SELECT c FROM (SELECT item, repeat('x', 99) AS other FROM orders) UNPIVOT (c FOR n IN (item, other))",
        "SELECT stack(2, item, repeat('x', 99)) AS c FROM orders",
        "SELECT l.c FROM orders, LATERAL (SELECT orders.item AS c UNION ALL SELECT repeat('x', 99)) AS l",
        "SELECT l.c FROM orders, LATERAL (SELECT item AS c FROM items UNION ALL SELECT repeat('x', 99)) AS l",
        "SELECT explode(array(item, repeat('x', 99))) AS c FROM orders",
        "SELECT item AS c FROM (SELECT inline(arrays_zip(item)) FROM (SELECT array(repeat('x', 99)) AS item))",
        "SELECT c FROM (SELECT explode(map(item, repeat('x', 99))) AS (k, c) FROM orders)",
        "SELECT lag(item, 1, repeat('x', 99)) OVER (ORDER BY id) AS c FROM orders",
        "SELECT c FROM (SELECT id, item, 1 AS n FROM orders) PIVOT (max(concat(item, item)) FOR n IN (1 AS c))",
        "SELECT CAST(id AS STRING) AS c FROM orders",
    ],
)
def test_a_text_that_was_computed_is_checked(staged: SparkSession, query: str) -> None:
    assert is_checked(staged, query, "VARCHAR(8)")


def test_a_view_of_the_sources_name_is_not_taken_for_it(staged: SparkSession) -> None:
    staged.sql("CREATE OR REPLACE TEMP VIEW orders AS SELECT concat(item, item) AS item FROM orders")
    assert is_checked(staged, "SELECT item AS c FROM orders", "VARCHAR(8)")

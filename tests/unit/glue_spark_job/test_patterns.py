"""Java reads the patterns of a contract as DuckDB does; tests/unit/dataset_contract has the same for Python."""

from __future__ import annotations

import duckdb
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from dataset_contract import patterns
from tests.unit.dataset_contract.pattern_cases import PATTERNS, TEXTS

pytestmark = pytest.mark.spark


def test_java_reads_a_pattern_as_duckdb_does(spark: SparkSession) -> None:
    texts = spark.createDataFrame(list(enumerate(TEXTS)), "i int, t string").coalesce(1)
    # One array, since a column for each pattern makes a plan that takes Spark half a minute.
    found = F.array(*[F.col("t").rlike(patterns.java(pattern)) for pattern in PATTERNS])
    in_java = [row[0] for row in texts.orderBy("i").select(found).collect()]
    with duckdb.connect() as connection:
        for number, pattern in enumerate(PATTERNS):
            query = "SELECT regexp_matches(t, ?) FROM (SELECT unnest(?) AS t)"
            rows = connection.execute(query, [pattern, TEXTS]).fetchall()
            assert [row[number] for row in in_java] == [row[0] for row in rows], pattern

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from dataset_contract.conditions import broken
from glue_spark_job import sql
from glue_spark_job.conditions import SPARK
from tests.unit.dataset_contract.rule_cases import CASES


@pytest.mark.spark
def test_a_value_breaks_or_keeps_a_rule_in_spark_as_in_duckdb(spark: SparkSession) -> None:
    wanted, columns = [], []
    for type_, rule, bad, good in CASES:
        for value in (*bad, *good):
            wanted.append((type_.redshift, rule.keyword, value, value in bad))
            columns.append(broken(rule, type_, f"CAST({sql.literal(value)} AS {type_.spark})", SPARK))
    row = spark.sql(f"SELECT {', '.join(columns)}").collect()[0]
    assert [(*case[:3], found) for case, found in zip(wanted, row, strict=True)] == wanted

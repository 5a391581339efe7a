"""Each rule of a contract counts the rows that break it, and only those."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pyspark.sql import SparkSession

from glue_spark_job import contract, rules
from glue_spark_job.contract import Table
from glue_spark_job.errors import JobError
from tests.unit.glue_spark_job.orders import CONTRACT

pytestmark = pytest.mark.spark


def output(*columns: dict[str, Any]) -> Table:
    document = copy.deepcopy(CONTRACT)
    document["schema"][2]["properties"] = list(columns)
    return contract.parse(json.dumps(document), "contract.json").outputs[0]


def breaches(spark: SparkSession, table: Table, values: str) -> dict[str, int]:
    its_rules = rules.of(table)
    names = ", ".join(rules.quoted(column.name) for column in table.columns)
    row = spark.sql(f"SELECT * FROM VALUES {values} AS t({names})").agg(*[rule.breaches for rule in its_rules])
    return {f"{'+'.join(r.columns)}: {r.text}": n for r, n in zip(its_rules, row.collect()[0], strict=True)}


@pytest.mark.parametrize(
    ("column", "values", "text", "count"),
    [
        ({"required": True}, "(1), (NULL), (NULL)", "required", 2),
        ({"logicalTypeOptions": {"minimum": 0}}, "(-1), (0), (NULL)", "minimum 0", 1),
        ({"logicalTypeOptions": {"maximum": 1.5}}, "(1), (2), (NULL)", "maximum 1.5", 1),
        ({"logicalTypeOptions": {"exclusiveMinimum": 0}}, "(-1), (0), (1)", "exclusiveMinimum 0", 2),
        ({"logicalTypeOptions": {"exclusiveMaximum": 1}}, "(0), (1), (2)", "exclusiveMaximum 1", 2),
        ({"unique": True}, "(1), (1), (1), (2), (NULL), (NULL)", "unique", 2),
    ],
)
def test_rules_of_numbers(spark: SparkSession, column: dict[str, Any], values: str, text: str, count: int) -> None:
    table = output({"name": "a `b", "physicalType": "INTEGER", **column})
    assert breaches(spark, table, values) == {f"a `b: {text}": count}


@pytest.mark.parametrize(
    ("column", "values", "text", "count"),
    [
        ({}, "('abcd'), ('ééé'), ('éé'), (NULL)", None, 1),
        ({"logicalTypeOptions": {"minLength": 2}}, "('é'), ('éé'), (NULL)", "minLength 2", 1),
        ({"logicalTypeOptions": {"maxLength": 1}}, "('é'), ('éé'), (NULL)", "maxLength 1", 1),
        ({"logicalTypeOptions": {"pattern": "^[A-Z]+$"}}, "('AB'), ('Ab'), (NULL)", "pattern ^[A-Z]+$", 1),
        (
            {"quality": [{"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBe": 0}]},
            "('A'), ('C'), (NULL)",
            "one of A, B",
            1,
        ),
    ],
)
def test_rules_of_texts(spark: SparkSession, column: dict[str, Any], values: str, text: str | None, count: int) -> None:
    table = output({"name": "a", "physicalType": "VARCHAR(4)", **column})
    found = breaches(spark, table, values)
    by_bytes = found.pop("a: at most 4 bytes, VARCHAR(4)")
    assert (found, by_bytes) == (({f"a: {text}": count}, 0) if text else ({}, count))


def test_a_bound_of_a_date_is_a_date(spark: SparkSession) -> None:
    options = {"minimum": "2013-01-01"}
    table = output({"name": "a", "physicalType": "DATE", "logicalTypeOptions": options})
    assert breaches(spark, table, "(DATE '2012-12-31'), (DATE '2013-01-01')") == {"a: minimum 2013-01-01": 1}


def test_a_primary_key_is_unique_as_a_whole(spark: SparkSession) -> None:
    table = output(
        {"name": "a", "physicalType": "INTEGER", "primaryKey": True, "primaryKeyPosition": 2},
        {"name": "b", "physicalType": "INTEGER", "primaryKey": True, "primaryKeyPosition": 1},
    )
    assert breaches(spark, table, "(1, 1), (1, 2), (1, 2), (1, NULL), (1, NULL)") == {"b+a: unique": 1}


def test_the_message_names_columns_rules_and_counts_but_not_endlessly(spark: SparkSession) -> None:
    columns = [{"name": f"c{i}", "physicalType": "INTEGER", "required": True} for i in range(8)]
    its_rules = rules.of(output(*columns))
    with pytest.raises(JobError) as caught:
        rules.require(its_rules, [0, 1, 2, 3, 4, 5, 6, 7], "table priced", "change it")
    assert str(caught.value) == (
        "table priced breaks its contract: column c1: required (1 row); column c2: required (2 rows); "
        "column c3: required (3 rows); column c4: required (4 rows); column c5: required (5 rows) and 2 more; change it"
    )
    rules.require(its_rules, [0] * 8, "table priced", "change it")

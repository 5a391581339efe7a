"""The contract's rules of an output: rows that break one, and the verdicts on the whole table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from dataset_contract import reading
from dataset_contract.model import Contract
from glue_spark_job import quality, sql
from glue_spark_job.errors import JobError
from tests.unit.glue_spark_job.orders import Orders

pytestmark = pytest.mark.spark


def agreed(orders: Orders, columns: Sequence[dict[str, Any]], rules: Sequence[dict[str, Any]] = ()) -> Contract:
    """The contract with one output, `priced`."""
    orders.only("", *columns, quality=rules)
    return reading.parse_text(json.dumps(orders.contract), "contract.json")


def counted(spark: SparkSession, contract: Contract, values: str) -> quality.Measured:
    table = contract.outputs[0]
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    casts = ", ".join(f"CAST(`{column.name}` AS {column.type.spark}) AS `{column.name}`" for column in table.columns)
    written = spark.sql(f"SELECT {casts} FROM VALUES {values} AS t({names})")
    return quality.count(written, table, written.count())


def invalid(**rule: Any) -> dict[str, Any]:
    """A rule that no value may break."""
    return {"metric": "invalidValues", "arguments": rule, "mustBe": 0}


def valid(*values: object) -> dict[str, Any]:
    """Rules of a column: its only values."""
    return {"quality": [invalid(validValues=list(values))]}


def limit(**options: object) -> dict[str, Any]:
    return {"logicalTypeOptions": options}


MISSING = {"quality": [{"metric": "missingValues", "arguments": {"missingValues": [-1]}, "mustBe": 0}]}
MOST = "999999999999999999999999999999999999"
# Physical type, rules, values that keep them, values that do not, what is said of them.
RULES: list[tuple[str, dict[str, Any], list[str], list[str], str]] = [
    ("INTEGER", {"required": True}, ["1"], ["NULL"], "required but empty"),
    ("INTEGER", limit(minimum=0.5), ["1", "NULL"], ["0", "-1"], "less than 0.5 (minimum)"),
    ("INTEGER", limit(maximum=1.5), ["1", "NULL"], ["2"], "more than 1.5 (maximum)"),
    ("SMALLINT", limit(exclusiveMinimum=-0.5), ["0"], ["-1"], "not more than -0.5 (exclusiveMinimum)"),
    ("SMALLINT", limit(exclusiveMaximum=32767), ["32766"], ["32767"], "not less than 32767 (exclusiveMaximum)"),
    ("DECIMAL(3,1)", limit(exclusiveMinimum=-99.85), ["-99.8"], ["-99.9"], "not more than -99.85 (exclusiveMinimum)"),
    ("DECIMAL(38,0)", limit(minimum=0.01), ["1", f"{MOST}99"], ["0"], "less than 0.01 (minimum)"),
    ("REAL", limit(maximum=0.1), ["0.1"], ["0.11"], "more than 0.1 (maximum)"),
    ("DATE", limit(minimum="2013-01-01"), ["2013-01-01"], ["2012-12-31"], "less than 2013-01-01 (minimum)"),
    (
        "TIMESTAMP",
        limit(exclusiveMaximum="2013-01-01T11:00:00+01:00"),
        ["2013-01-01 09:59:59.999999"],
        ["2013-01-01 10:00:00"],
        "not less than 2013-01-01T10:00:00 (exclusiveMaximum)",
    ),
    ("INTEGER", limit(multipleOf=7), ["-14", "0", "NULL"], ["15"], "not a multiple of 7"),
    ("DECIMAL(38,2)", limit(multipleOf=0.03), [f"{MOST}.99"], [f"{MOST}.98"], "not a multiple of 0.03"),
    ("INTEGER", valid(1, 2), ["1", "NULL"], ["3"], "not one of 1, 2"),
    ("DECIMAL(3,1)", valid(1.5), ["1.5"], ["1.6"], "not one of 1.5"),
    ("BOOLEAN", valid(True), ["true"], ["false"], "not one of true"),
    ("INTEGER", MISSING, ["1", "NULL"], ["-1"], "counts as missing: one of -1"),
    ("VARCHAR(9)", limit(minLength=2), ["éé", "NULL"], ["é"], "shorter than 2 characters (minLength)"),
    ("VARCHAR(9)", limit(maxLength=1), ["é", "NULL"], ["éé"], "longer than 1 characters (maxLength)"),
    ("VARCHAR(9)", limit(pattern="^[A-Z']+$"), ["A'", "NULL"], ["a", "A\n"], "does not match the pattern ^[A-Z']+$"),
    ("VARCHAR(9)", {"quality": [invalid(pattern=r"\d$")]}, ["x1"], ["1x"], r"does not match the pattern \d$"),
    ("VARCHAR(9)", valid("it's", "\\"), ["it's", "\\", "NULL"], ["x"], 'not one of "it\'s", "\\\\"'),
]
LOGICAL = {"VARCHAR": "string", "DATE": "date", "TIMESTAMP": "timestamp", "BOOLEAN": "boolean"}


def test_each_rule_counts_the_values_that_break_it_and_only_those(spark: SparkSession, orders: Orders) -> None:
    names = [f"a `{index}" for index in range(len(RULES))]
    columns: list[dict[str, Any]] = [
        {"name": name, "physicalType": kind, "logicalType": LOGICAL.get(kind.partition("(")[0], "number"), **rules}
        for name, (kind, rules, *_) in zip(names, RULES, strict=True)
    ]
    table = agreed(orders, columns).outputs[0]
    checks = quality.row_checks(table)
    assert [(check.columns, check.reason) for check in checks] == [
        ((name,), said) for name, (*_, said) in zip(names, RULES, strict=True)
    ]
    rows = [[texts[index % len(texts)] for texts in good_and_bad] for good_and_bad in _lists() for index in range(3)]
    values = ", ".join(
        f"({', '.join('NULL' if text == 'NULL' else sql.literal(text) for text in row)})" for row in rows
    )
    casts = [
        f"CAST({sql.identifier(column.name)} AS {column.type.spark}) AS {sql.identifier(column.name)}"
        for column in table.columns
    ]
    given = spark.sql(f"SELECT * FROM VALUES {values} AS t({', '.join(map(sql.identifier, names))})").selectExpr(*casts)
    counts = given.selectExpr(*[check.count for check in checks]).collect()[0]
    assert dict(zip(names, counts, strict=True)) == dict.fromkeys(names, 3)


def _lists() -> tuple[list[list[str]], list[list[str]]]:
    """Of each rule the values that keep it, then those that do not."""
    return [good for _, _, good, _, _ in RULES], [bad for _, _, _, bad, _ in RULES]


INTEGER = {"logicalType": "integer", "physicalType": "INTEGER"}


def test_rows_that_break_rules_are_told_with_counts_and_an_example(spark: SparkSession, orders: Orders) -> None:
    twice = {"quality": [invalid(validValues=[1, 2, 3]), invalid(validValues=[2, 3, 4])]}
    columns: list[dict[str, Any]] = [
        {"name": "a", **INTEGER, **twice},
        {"name": "b", **INTEGER, "required": True, "unique": True},
    ]
    contract = agreed(orders, columns)
    with pytest.raises(JobError) as caught:
        counted(spark, contract, "(2, 7), (4, 7), (4, NULL), (5, NULL), (NULL, 1)")
    assert str(caught.value) == (
        "table priced breaks its contract: column a: not one of 1, 2, 3 (3 rows, such as 4); "
        "column a: not one of 2, 3, 4 (1 row, such as 5); column b: required but empty (2 rows); "
        "column b: duplicate key (1 row, such as 7); correct transform.sql, or change the contract"
    )


KEY = [
    {"name": "a", "logicalType": "integer", "physicalType": "INTEGER", "primaryKey": True, "primaryKeyPosition": 2},
    {"name": "b", "logicalType": "integer", "physicalType": "INTEGER", "primaryKey": True, "primaryKeyPosition": 1},
]


def test_a_key_is_unique_as_a_whole_and_an_example_of_it_is_named(spark: SparkSession, orders: Orders) -> None:
    contract = agreed(orders, KEY)
    assert counted(spark, contract, "(1, 1), (1, 2), (2, 1)").rows == 3
    with pytest.raises(JobError) as caught:
        counted(spark, contract, "(1, 2), (1, 2), (1, 1)")
    assert "columns b, a: duplicate key (1 row, such as 2, 1)" in str(caught.value)


A = {"name": "a", "logicalType": "integer", "physicalType": "INTEGER"}


def test_verdicts_have_the_position_of_the_rule_and_what_was_measured(spark: SparkSession, orders: Orders) -> None:
    orders.table("orders")["quality"] = [{"metric": "rowCount", "mustBeGreaterThan": 0}]
    rules = [
        {"metric": "nullValues", "mustBeLessThan": 50, "unit": "percent"},
        {"metric": "invalidValues", "arguments": {"validValues": [1, 2]}, "mustBeLessOrEqualTo": 1},
        {"metric": "invalidValues", "arguments": {"validValues": [1]}, "mustBe": 0, "severity": "warning"},
        {"metric": "duplicateValues", "mustBeBetween": [0, 1]},
        {"metric": "missingValues", "arguments": {"missingValues": [3]}, "mustBeLessThan": 1},
    ]
    contract = agreed(orders, [A | {"quality": rules}], [{"metric": "rowCount", "mustBe": 5}])
    measured = counted(spark, contract, "(1), (1), (2), (3), (NULL)")
    verdicts = quality.judged(contract, {"priced": measured}, {})
    assert {(number, verdict.rule.metric, verdict.measured, verdict.passed) for number, verdict in verdicts} == {
        (number, rule.metric, *expected)
        for number, rule in enumerate(contract.set_rules)
        if rule.object == "priced"
        for expected in {
            "nullValues": [(Decimal(20), True)],
            "invalidValues": [(Decimal(1), True)] if rule.severity == "error" else [(Decimal(2), False)],
            "duplicateValues": [(Decimal(1), True)],
            "missingValues": [(Decimal(1), False)],
            "rowCount": [(Decimal(5), True)],
        }[rule.metric]
    }
    assert min(number for number, _ in verdicts) == 1  # 0 is the source's
    with pytest.raises(JobError) as caught:
        quality.require([verdict for _, verdict in verdicts])
    assert str(caught.value).startswith("priced: missingValues of a is 1, expected mustBeLessThan 1 rows (rule ")
    assert ";" not in str(caught.value)
    assert [text.partition(",")[0] for text in quality.warnings([verdict for _, verdict in verdicts])] == [
        "priced: invalidValues of a is 2"
    ]


def test_a_rule_that_needs_no_counting_needs_no_job(spark: SparkSession, orders: Orders) -> None:
    contract = agreed(orders, [A], [{"metric": "rowCount", "mustBe": 5}])
    written = spark.sql("SELECT CAST(raise_error('computed') AS INT) AS a")
    measured = quality.count(written, contract.outputs[0], 5)
    assert list(measured.sets.values()) == [5]


def sql_rule(query: str) -> dict[str, Any]:
    return {"type": "sql", "query": query, "mustBe": 1, "id": "the_rule"}


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("SELECT count(*) FROM priced -- all of them", Decimal(2)),
        ("WITH x AS (SELECT sum(a) AS n FROM ${object}) SELECT n FROM x", Decimal(3)),
        ("SELECT 0.10BD", Decimal("0.10")),
        ("SELECT avg(a) FROM priced", Decimal("1.5")),
        ("SELECT max(a) FROM priced WHERE a > 9", None),
    ],
)
def test_an_sql_rule_is_the_one_number_of_its_query(
    spark: SparkSession, orders: Orders, query: str, value: Decimal | None
) -> None:
    spark.sql("CREATE TEMP VIEW priced AS SELECT * FROM VALUES (1), (2) AS t(a)")
    rules = agreed(orders, [A], [sql_rule(query)]).outputs[0].rules
    assert quality.queried(spark, rules) == {"the_rule": value}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT a FROM nowhere", "rule the_rule of priced: [TABLE_OR_VIEW_NOT_FOUND]"),
        ("SELECT a FROM priced", "rule the_rule: [SCALAR_SUBQUERY_TOO_MANY_ROWS]"),
        ("SELECT 1, 2", "rule the_rule of priced: [INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE"),
        ("SELECT 'one'", "rule the_rule of priced: the query gives string; give one number"),
        ("SELECT double('NaN')", "rule the_rule of priced: the query gives nan; give a number"),
        ("SELECT 1 / sum(a - a) FROM priced", "rule the_rule: [DIVIDE_BY_ZERO] Division by zero."),
        ("SELECT 1) AS x, (SELECT 2", "rule the_rule of priced: [PARSE_SYNTAX_ERROR]"),
        ("SELECT 1) + (SELECT 2", "rule the_rule of priced: [PARSE_SYNTAX_ERROR]"),
        ("SELECT true", "rule the_rule of priced: the query gives boolean; give one number"),
        ("SELECT 1) INSERT INTO priced (SELECT 3", "rule the_rule of priced: [PARSE_SYNTAX_ERROR]"),
    ],
)
def test_a_query_that_gives_no_number_fails_the_run(
    spark: SparkSession, orders: Orders, query: str, message: str
) -> None:
    spark.sql("CREATE TEMP VIEW priced AS SELECT * FROM VALUES (1), (2) AS t(a)")
    rules = agreed(orders, [A], [sql_rule(query)]).outputs[0].rules
    with pytest.raises(JobError) as caught:
        quality.queried(spark, rules)
    assert str(caught.value).startswith(message)
    assert "ansi" not in str(caught.value)

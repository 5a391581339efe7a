from __future__ import annotations

import pytest

from dataset_contract import types
from dataset_contract.model import OUTPUT, REFERENCE, SOURCE, Column, Contract, DataObject
from pipeline_tools import transforms


def table(name: str, role: str, *columns: str) -> DataObject:
    return DataObject(name, role, tuple(Column(column, types.parse("INTEGER"), column) for column in columns))


CONTRACT = Contract(
    "orders",
    "1",
    source=table("orders", SOURCE, "a"),
    references=(table("countries", REFERENCE, "a"),),
    outputs=(table("totals", OUTPUT, "day", "Total"),),
    parameters={},
)
GOOD = "SELECT a AS day, a AS total FROM orders"


def told(sql: str) -> list[str]:
    return [f"{problem.line}: {problem.text}" for problem in transforms.problems(sql, CONTRACT)]


@pytest.mark.parametrize(
    "sql",
    [
        f"CREATE TEMPORARY VIEW totals AS {GOOD}",
        f"-- first\nCREATE OR REPLACE TEMP VIEW `Totals` AS {GOOD};\nCACHE TABLE totals;",
        "CREATE TEMP VIEW totals (day, total) AS SELECT 1, 2",
        "CREATE TEMP VIEW totals AS SELECT * FROM orders",
        "CREATE TEMP VIEW totals AS SELECT stack(2, 1, 2), a FROM orders",
        f"CREATE TEMP VIEW totals AS WITH x AS (SELECT 1) {GOOD} UNION ALL SELECT 1, 2",
        f"CACHE TABLE totals AS {GOOD}",
    ],
)
def test_a_good_transform_has_no_problem(sql: str) -> None:
    assert told(sql) == []


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "1: has no statement; create a view"),
        ("-- nothing\n", "1: has no statement"),
        (f"CREATE TEMP VIEW totals AS {GOOD};\n\n-- now\nINSERT INTO t SELECT 1", "4: 'INSERT INTO t SELECT 1' is not"),
        (f"CREATE TEMP VIEW totals AS {GOOD};\nSELECT 1;", "2: 'SELECT 1' is not permitted"),
        (f"CREATE TABLE totals AS {GOOD}", "1: 'CREATE TABLE totals"),
        (f"CREATE TEMP VIEW totals AS {GOOD};\nDROP VIEW totals", "2: 'DROP VIEW totals' is not permitted"),
        ("CREATE TEMP VIEW totals AS VALUES (1, 2)", "1: 'CREATE TEMP VIEW totals AS VALUES (1, 2)' is not permitted"),
        ("CREATE TEMP VIEW totals AS SELEC a", "1: 'CREATE TEMP VIEW totals AS SELEC a' is not permitted"),
        ("\nCREATE TEMP VIEW totals AS\nSELECT a,\n b FRM orders\n", "4: not Spark SQL: Invalid expression"),
        ("CREATE TEMP VIEW totals AS\nSELECT (a FROM orders", "2: not Spark SQL: Expecting )"),
        ("CREATE TEMP VIEW totals AS\nSELECT 'a", "2: ' opens here and is never closed"),
        (
            "CREATE TEMP VIEW total AS SELECT 1 AS a",
            "1: no statement creates the view totals, an output of the contract; is total in line 1 meant? accepted: ",
        ),
        (
            f"CREATE TEMP VIEW totals AS {GOOD};\nCREATE TEMP VIEW Orders AS SELECT 1",
            "2: the view orders has the name of the s",
        ),
        (
            f"CREATE TEMP VIEW totals AS {GOOD};\nCACHE TABLE countries AS SELECT 1",
            "2: the view countries has the name of a r",
        ),
        (
            f"CREATE TEMP VIEW totals AS {GOOD};\nCREATE TEMP VIEW parameters AS SELECT 1",
            "2: the view parameters has the",
        ),
        (
            f"CREATE TEMP VIEW totals AS {GOOD};\nCREATE TEMP VIEW totals AS {GOOD}",
            "2: the view totals is created in line 1 already",
        ),
        (
            "\nCREATE TEMP VIEW totals AS SELECT a AS day FROM orders",
            "2: the view totals lacks total; accepted: the columns of the contract: day, Total",
        ),
        (
            f"CREATE TEMP VIEW totals AS {GOOD.replace('AS day', 'AS day, a')}",
            "1: the view totals has a, which the contract has not; accepted: the columns of the contract: day, Total",
        ),
        (
            f"CREATE TEMP VIEW totals AS {GOOD.replace('AS day', 'AS day, a AS DAY')}",
            "1: the view totals has day twice",
        ),
        ("CREATE TEMP VIEW totals (day) AS SELECT 1", "1: the view totals lacks total"),
    ],
)
def test_what_a_transform_may_not_have_is_refused_by_line(sql: str, message: str) -> None:
    (only,) = told(sql)
    assert only.startswith(message)


def test_every_problem_is_reported() -> None:
    sql = "CREATE TEMP VIEW orders AS SELECT 1;\nCREATE TEMP VIEW totals AS SELECT 1 AS x"
    assert [line.split(":")[0] for line in told(sql)] == ["1", "2", "2"]


@pytest.mark.parametrize(
    ("query", "dialect"),
    [
        ("SELECT count(*) FROM orders", "spark"),
        ("WITH x AS (SELECT 1 AS a) SELECT * FROM x", "duckdb"),
        ("(SELECT max(`a b`) FROM orders)", "spark"),
        ('SELECT count(*) FILTER (WHERE "a b" IS NULL) FROM orders', "duckdb"),
        ("SELECT sum(a) FROM orders UNION SELECT 1", "duckdb"),
    ],
)
def test_a_query_that_reads_one_value_is_good(query: str, dialect: str) -> None:
    assert transforms.query_problem(query, dialect) is None


@pytest.mark.parametrize(
    ("query", "dialect", "message"),
    [
        ("SELECT count(*) FRM orders x", "spark", "is not spark SQL: "),
        ("SELECT `a` FROM orders", "duckdb", "is not duckdb SQL: "),
        ("SELECT 1; SELECT 2", "spark", "has 2 statements; accepted: one SELECT"),
        ("", "spark", "has 0 statements"),
        ("DELETE FROM orders", "duckdb", "is not permitted, since it does not only read"),
        ("INSERT INTO orders SELECT 1", "spark", "is not permitted"),
        ("COPY orders TO 'x'", "duckdb", "is not permitted"),
        ("SELECT a INTO b FROM orders", "duckdb", "is not permitted"),
        ("WITH x AS (DELETE FROM orders RETURNING a) SELECT count(*) FROM x", "duckdb", "is not permitted"),
        ("SELECT a, b FROM orders", "duckdb", "gives 2 columns; accepted: one SELECT of one value"),
    ],
)
def test_a_query_that_does_not_is_refused(query: str, dialect: str, message: str) -> None:
    assert str(transforms.query_problem(query, dialect)).startswith(message)

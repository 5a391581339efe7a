from __future__ import annotations

import pytest

from dataset_contract import types
from dataset_contract.model import OUTPUT, REFERENCE, SOURCE, Column, Contract, DataObject
from pipeline_tools.datasets import transforms


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
        (
            f"\nCREATE TEMP VIEW totals {GOOD}",
            "2: the view totals has no AS before its query; accepted: CREATE TEMPORARY VIEW name AS SELECT …",
        ),
        (f"CREATE TEMP VIEW totals ({GOOD})", "1: the view totals has no AS before its query"),
    ],
)
def test_what_a_transform_may_not_have_is_refused_by_line(sql: str, message: str) -> None:
    (only,) = told(sql)
    assert only.startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "text.`/etc/passwd`",
            "2: reads text.`/etc/passwd`, which is not a view here; accepted: orders, parameters, co",
        ),
        ("parquet.`s3://b/c`", "2: reads parquet.`s3://b/c`, which is not a view here"),
        ("default.orders", "2: reads default.orders, which is not a view here"),
        ("ordrs", '2: reads ordrs, which is not a view here; did you mean "orders"?; accepted: orders, parameters'),
        ("later", "2: reads later, which is not a view here"),
        ("IDENTIFIER('text.`/x`')", "2: calls IDENTIFIER, which is not permitted: it makes a name of a text"),
        ("read_files('/x')", "2: reads read_files(…), which is not permitted in the place of a table"),
        ("orders WHERE reflect('a', 'b') = 1", "2: calls reflect, which is not permitted: it calls Java; accepted: ot"),
        ("orders WHERE a = `java_method`('a', 'b')", "2: calls java_method"),
        ("orders WHERE system.builtin.reflect('a', 'b') = 1", "2: calls reflect"),
        ("orders WHERE a IN (SELECT a FROM csv.`/x`)", "2: reads csv.`/x`"),
        ("(WITH x AS (SELECT 1 AS a) SELECT a FROM x) UNION ALL SELECT 1, a FROM x", "2: reads x, which is not a view"),
        ("(SELECT TRANSFORM(a) USING 'cat' AS (a) FROM orders)", "2: is not permitted: TRANSFORM … USING runs another"),
        ("orders WHERE a = '${env:HOME}'", "2: has the variable ${env:HOME}, which Spark would fill"),
    ],
)
def test_a_view_that_reads_more_than_views_is_refused_by_line(source: str, message: str) -> None:
    after = f"CREATE TEMP VIEW later AS {GOOD}"
    (only,) = told(f"CREATE TEMP VIEW totals AS SELECT 1 AS day, a AS total FROM\n{source};\n{after}")
    assert only.startswith(message)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CACHE TABLE parquet.`/x`", "2: reads parquet.`/x`, which is not a view here; accepted: orders, parameters"),
        ("CACHE TABLE nothing", "2: reads nothing, which is not a view here"),
        (f"CREATE TEMP VIEW a.b AS {GOOD}", "2: makes a.b, which is not a bare name; accepted: a view's name"),
    ],
)
def test_a_name_that_is_no_bare_one_is_refused(sql: str, message: str) -> None:
    (only,) = told(f"CREATE TEMP VIEW totals AS {GOOD};\n{sql}")
    assert only.startswith(message)


def test_a_view_may_read_the_inputs_and_the_views_before_it() -> None:
    reads = "SELECT o.a AS day, c.a AS total FROM Orders AS o JOIN countries AS c, parameters, `first` LATERAL VIEW "
    first = "CREATE TEMP VIEW First AS SELECT * FROM range(3)"
    assert told(f"{first};\nCREATE TEMP VIEW totals AS {reads} explode(array(1)) t AS x;\nCACHE TABLE totals") == []


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
        ('SELECT count(*) FROM "Orders" WHERE a IN (SELECT * FROM range(3))', "duckdb"),
        ("SELECT count(*) FROM orders LATERAL VIEW explode(array(a)) t AS b", "spark"),
        ("WITH x AS (SELECT a FROM orders), y AS (SELECT a FROM x) SELECT count(*) FROM y", "spark"),
    ],
)
def test_a_query_that_reads_one_value_is_good(query: str, dialect: str) -> None:
    assert transforms.query_problem(query, dialect, "orders") is None


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
        (
            "SELECT count(*) FROM text.`/etc/passwd`",
            "spark",
            "reads text.`/etc/passwd`, which is not a view here; accep",
        ),
        ("SELECT count(*) FROM countries", "spark", "reads countries, which is not a view here; accepted: orders"),
        ("SELECT count(*) FROM 'x.csv'", "duckdb", "reads `x.csv`, which is not a view here; accepted: orders"),
        ("SELECT count(*) FROM read_csv('x.csv')", "duckdb", "reads READ_CSV(…), which is not permitted in the place"),
        ("SELECT count(*) FROM glob('*')", "duckdb", "reads glob(…)"),
        ("SELECT count(*) FROM query('SELECT 1')", "duckdb", "reads query(…)"),
        ("SELECT count(*) FROM orders, LATERAL read_text('x')", "duckdb", "reads read_text(…)"),
        ("SELECT count(*) FROM (SUMMARIZE 'x.csv')", "duckdb", "is not permitted: SUMMARIZE is not an SELECT"),
        ("SELECT getenv('HOME') FROM orders", "duckdb", "calls getenv, which is not permitted: it reads the env"),
        ("SELECT java_method('java.lang.System', 'x') FROM orders", "spark", "calls java_method"),
        ("SELECT TRANSFORM(a) USING 'cat' AS (a) FROM orders", "spark", "is not permitted: TRANSFORM … USING"),
        ("SELECT '${system:user.name}' FROM orders", "spark", "has the variable ${system:user.name}"),
    ],
)
def test_a_query_that_does_not_is_refused(query: str, dialect: str, message: str) -> None:
    assert str(transforms.query_problem(query, dialect, "orders")).startswith(message)

"""The splitter: where a statement ends, and which statements are let through."""

from __future__ import annotations

import pytest

from glue_spark_job.errors import JobError
from glue_spark_job.statements import split

VIEW = "CREATE TEMPORARY VIEW v AS SELECT"


def texts(sql: str) -> list[str]:
    return [statement.text for statement in split(sql)]


def test_statements_end_at_semicolons_and_the_last_needs_none() -> None:
    assert texts(f"{VIEW} 1;\n{VIEW} 2 ;\n{VIEW} 3") == [f"{VIEW} 1", f"{VIEW} 2", f"{VIEW} 3"]


@pytest.mark.parametrize(
    "expression",
    [
        "';'",
        '";"',
        "`;`",
        "'it''s; fine'",
        r"'a quote \'; and more'",
        r'"a quote \"; and more"',
        r"'a backslash \\' || ';'",
        "`a `` backtick;`",
        "'-- no comment;'",
        "'/* no comment;' || ';*/'",
        '"it\'s; mixed"',
        "'two\nlines;'",
        "'é;😀'",
        r"r'raw \' || ';'",
        r'R"raw \" || ";"',
        "1 -- a comment; with 'a quote\n",
        "1 -- continued \\\n by a backslash; here\n",
        "1 /* a comment; with 'a quote */ + 1",
        "1 /* an outer /* and an inner; */ comment; */ + 1",
        "/*+ BROADCAST(a) */ 1",
        "1 /* a /*+ hint; inside */ + 1",
        "1 - - 1",
        "4 / 2 * 2",
    ],
)
def test_a_semicolon_in_a_quote_or_a_comment_ends_nothing(expression: str) -> None:
    first = f"{VIEW} {expression}"
    assert texts(f"{first};{VIEW} 2") == [first.rstrip(), f"{VIEW} 2"]


def test_an_r_at_the_end_of_a_word_does_not_make_a_raw_string() -> None:
    # In Spark, "hour'…'" is a word and a string whose backslash escapes the quote.
    first = rf"{VIEW} hour'a\';'"
    assert texts(f"{first};{VIEW} 2") == [first, f"{VIEW} 2"]


def test_comments_and_white_space_alone_are_no_statement() -> None:
    assert texts(f"-- nothing;\n;; /* nothing; */ ;\n\t{VIEW} 1; -- the end") == [f"{VIEW} 1"]


def test_a_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    sql = f"\ufeff-- a comment\r\n{VIEW} 1;\r\n{VIEW}\r\n2;\r\n"
    assert [(s.line, s.text) for s in split(sql)] == [(2, f"{VIEW} 1"), (3, f"{VIEW}\r\n2")]


def test_a_statement_knows_its_number_its_line_and_its_view() -> None:
    sql = "-- first\n\nCREATE TEMPORARY VIEW `a ``b` AS SELECT 1;\n\n/* second\n*/ create temp view\nC as select 1"
    assert [(s.number, s.line, s.view) for s in split(sql)] == [(1, 3, "a `b"), (2, 6, "C")]


@pytest.mark.parametrize(
    "statement",
    [
        "create temporary view v as select 1",
        "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1",
        "CREATE TEMP VIEW v (a COMMENT 'using') AS WITH t AS (SELECT 1) SELECT * FROM t",
        "CREATE /* why */ TEMPORARY -- not\n VIEW v AS VALUES 1",
        "CACHE TABLE v",
        "CACHE LAZY TABLE v AS SELECT 1",
    ],
)
def test_temporary_views_and_caching_are_permitted(statement: str) -> None:
    assert texts(statement) == [statement]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "DROP TABLE v",
        "INSERT INTO t SELECT 1",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE GLOBAL TEMPORARY VIEW v AS SELECT 1",
        "CREATE TEMPORARY VIEW v USING csv OPTIONS (path 's3://other/')",
        "CREATE TEMPORARY VIEW v (a INT) USING csv",
        "CREATE TEMPORARY FUNCTION f AS 'x'",
        "SET spark.sql.ansi.enabled = false",
        "ADD JAR 's3://other/a.jar'",
        "CACHED TABLE v",
    ],
)
def test_another_statement_is_refused_with_its_number_and_first_line(statement: str) -> None:
    with pytest.raises(JobError) as caught:
        split(f"-- why\n{VIEW} 1; -- and then\n{statement}\n -- more", "transform.sql")
    message = str(caught.value)
    assert message.startswith("transform.sql statement 2: ")
    assert statement in message
    assert "CREATE [OR REPLACE] TEMPORARY VIEW" in message


@pytest.mark.parametrize(
    ("opening", "shown"), [("'abc;", "'"), ('"abc', '"'), ("`abc", "`"), ("/* a /* b */ c", "/*"), (r"'abc\'", "'")]
)
def test_a_quote_or_comment_without_end_is_an_error_with_its_line(opening: str, shown: str) -> None:
    with pytest.raises(JobError, match=r"^flights\.sql line 2: ") as caught:
        split(f"{VIEW} 1;\n{VIEW} {opening}\n;", "flights.sql")
    assert f": {shown} opens here" in str(caught.value)


@pytest.mark.parametrize("sql", ["", "  \n", "-- only a comment", ";;"])
def test_a_file_without_a_statement_is_an_error(sql: str) -> None:
    with pytest.raises(JobError, match=r"^transform\.sql has no statement"):
        split(sql)

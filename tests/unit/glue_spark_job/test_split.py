from __future__ import annotations

import pytest

from glue_spark_job.errors import JobError
from glue_spark_job.statements import split

VIEW = "CREATE TEMPORARY VIEW {} AS SELECT {}"


@pytest.mark.parametrize(
    "body",
    [
        "';'",
        '"a;b"',
        "`a;b` FROM t",
        "1 -- ; not the end\n",
        "1 /* ; */",
        "1 /* ; /* nested ; */ ; */",
        r"'it\'s;'",
        "r'\\;'",
    ],
)
def test_a_semicolon_in_a_text_or_comment_ends_nothing(body: str) -> None:
    statements = split(VIEW.format("one", body) + ";\n" + VIEW.format("two", "2"))
    assert [statement.view for statement in statements] == ["one", "two"]
    assert [statement.number for statement in statements] == [1, 2]


def test_comments_alone_are_no_statement() -> None:
    statements = split("-- nothing\n;/* nothing */;" + VIEW.format("one", "1"))
    assert [statement.view for statement in statements] == ["one"]


def test_a_statement_knows_its_line() -> None:
    statements = split("-- a comment\n\n" + VIEW.format("one", "1") + ";\n\n" + VIEW.format("two", "2"))
    assert [statement.line for statement in statements] == [3, 5]


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE t", "INSERT INTO t SELECT 1", "CREATE TABLE t AS SELECT 1", "SELECT 1", "CREATE VIEW v AS SELECT 1"],
)
def test_a_statement_that_is_no_transformation_is_refused(sql: str) -> None:
    with pytest.raises(JobError, match=r"transform\.sql statement 2"):
        split(VIEW.format("one", "1") + ";" + sql)


@pytest.mark.parametrize("sql", ["SELECT 'open", "SELECT `open", "/* open"])
def test_a_quote_or_comment_without_an_end_is_refused(sql: str) -> None:
    with pytest.raises(JobError):
        split(sql)

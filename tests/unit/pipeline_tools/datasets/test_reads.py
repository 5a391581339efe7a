from __future__ import annotations

import pytest
import sqlglot

from pipeline_tools.datasets import reads


@pytest.mark.parametrize(
    ("sql", "bare"),
    [("a", True), ("`a.b`", True), ("text.`/x`", False), ("a.b.c", False), ("range(3)", False)],
)
def test_a_bare_name_is_one_name(sql: str, bare: bool) -> None:
    table = sqlglot.parse_one(f"SELECT * FROM {sql}", read="spark").find(sqlglot.exp.Table)
    assert table is not None
    assert reads.bare(table) is bare


def test_a_common_table_expression_is_known_within_its_query_only() -> None:
    sql = "SELECT 1 FROM (WITH x AS (SELECT 1) SELECT * FROM x) AS a\nJOIN x"
    found = list(reads.findings(sqlglot.parse_one(sql, read="spark"), ("a",), sql))
    assert found == [reads.ForbiddenRead(2, "reads x, which is not a view here; accepted: a")]


def test_a_variable_is_told_with_its_line() -> None:
    assert reads.variable("SELECT 1") is None
    found = reads.variable("SELECT\n'${env:HOME}'")
    assert found is not None
    assert found.line == 2

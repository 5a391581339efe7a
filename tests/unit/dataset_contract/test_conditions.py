from __future__ import annotations

import duckdb
import pytest

from dataset_contract.conditions import any_broken, broken, kept
from dataset_contract.model import ValueRule
from dataset_contract.types import parse
from glue_python_job import sql
from glue_python_job.cleaning.conditions import DUCKDB
from tests.unit.dataset_contract.rule_cases import CASES, Case


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("SET TimeZone = 'UTC'")
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].redshift} {case[1].keyword}")
def test_a_value_breaks_or_keeps_a_rule_in_duckdb(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    type_, rule, bad, good = case
    for value in (*bad, *good):
        typed = f"CAST({sql.literal(value)} AS {type_.duckdb})"
        found = connection.execute(f"SELECT {broken(rule, type_, typed, DUCKDB)}").fetchall()[0][0]
        assert found is (value in bad), value
        assert connection.execute(f"SELECT {kept(rule, type_, typed, DUCKDB)}").fetchall() == [(value in good,)]


def test_null_keeps_every_rule_but_required(connection: duckdb.DuckDBPyConnection) -> None:
    for type_, rule, _, _ in CASES:
        null = f"CAST(NULL AS {type_.duckdb})"
        assert connection.execute(f"SELECT {broken(rule, type_, null, DUCKDB)}").fetchall() == [(None,)]
        assert connection.execute(f"SELECT {kept(rule, type_, null, DUCKDB)}").fetchall() == [(None,)]
        assert connection.execute(f"SELECT {any_broken([rule], type_, null, DUCKDB)}").fetchall() == [(False,)]
    assert connection.execute(f"SELECT {broken(ValueRule('required'), parse('DATE'), 'NULL', DUCKDB)}").fetchall() == [
        (True,)
    ]


def test_a_value_breaks_one_of_several_rules_or_none(connection: duckdb.DuckDBPyConnection) -> None:
    def found(value: str, *rules: ValueRule) -> object:
        return connection.execute(f"SELECT {any_broken(rules, parse('INTEGER'), value, DUCKDB)}").fetchall()[0][0]

    rules = ValueRule("minimum", 2), ValueRule("maximum", 4)
    assert [found(value, *rules) for value in ("1", "2", "4", "5", "NULL")] == [True, False, False, True, False]
    assert found("1") is False


def test_a_rule_that_is_not_known_is_not_taken_for_another_one() -> None:
    for condition in (broken, kept):
        with pytest.raises(NotImplementedError, match="the rule median"):
            condition(ValueRule("median", 1), parse("INTEGER"), "x", DUCKDB)


def test_a_limit_of_several_values_is_no_limit() -> None:
    with pytest.raises(TypeError, match="a limit is one value"):
        broken(ValueRule("minimum", (1, 2)), parse("INTEGER"), "x", DUCKDB)

"""Values in the place of parameters, as the state machine run-sql puts them there: a row is the same in either mode."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from lambda_generate_param import inlining
from local_aws import jsonata
from pipeline_tools.crosscheck import template
from pipeline_tools.crosscheck.template import Node
from tests.unit.local_aws.services.conftest import Redshift

RUN_SQL = Path(__file__).parents[5] / "infra" / "state_machines" / "run-sql.asl.yaml"
# Each by itself, and with what may stand beside it.
PIECES = (
    *("'", "''", "\\", "\\\\", "\\'", "'\\", '"', ":a", ":b", "::a", ":", "$1", "$$", "%", "%s", "{{a}}", ";", "--"),
    *("/*", "*/", "\n", "\r\n", "\t", "ü", "漢字", "😀", "null", "NULL", "-", "0", "x'); DROP TABLE t; --", "E'", " "),
)
VALUES = [f"{before}{piece}{after}" for piece in PIECES for before, after in (("", ""), ("'", "\\"), ("\\", "'"))]


@functools.cache
def expression(mode: str) -> str:
    inlined, bound = (template.read(text)[0] for text in template.renderings(RUN_SQL.read_text("utf-8"), {}))
    node: Node | None = {"inlined": inlined, "bound": bound}[mode]
    for key in ("States", "ExecuteBatch", "Arguments"):
        node = node.get(key) if node else None
    assert node is not None
    return str(node.value).strip().removeprefix("{%").removesuffix("%}")


def arguments(mode: str, batch: dict[str, Any]) -> Any:
    """What ExecuteBatch sends in a mode of sql_parameters."""
    return jsonata.evaluate(expression(mode), {"batch": batch, "token_base": "token", "attempt": 1})


def batch(*statements: str, **values: str) -> dict[str, Any]:
    parameters = [{"Name": name, "Value": value} for name, value in values.items()]
    return {"statement_name": "batch", "statements": list(statements), "parameters": parameters}


def test_the_modes_differ_in_the_statements_alone() -> None:
    made = batch("SELECT CAST(:a AS INTEGER)", "DELETE FROM t WHERE b = :b_1", a="1", b_1="it's")
    bound, inlined = arguments("bound", made), arguments("inlined", made)
    assert bound.pop("Parameters") == made["parameters"]
    assert bound.pop("Sqls") == made["statements"]
    assert inlined.pop("Sqls") == ["SELECT CAST('1' AS INTEGER)", "DELETE FROM t WHERE b = 'it''s'"]
    assert inlined == bound


@pytest.mark.parametrize("mode", ["bound", "inlined"])
def test_a_batch_without_parameters_stays_as_it_is(mode: str) -> None:
    statements = ["CREATE TABLE t (a INTEGER)", "SELECT ':a', b::int FROM t -- :a"]
    made = arguments(mode, batch(*statements))
    assert (made["Sqls"], "Parameters" in made) == (statements, False)
    assert arguments(mode, batch(statements[0]))["Sqls"] == statements[:1]


def test_the_lambda_reckons_with_the_text_that_the_state_machine_puts() -> None:
    sql = "SELECT CAST(:a AS VARCHAR(99)), b::int, :b, :ab, 's3://x' FROM t WHERE :b=:a"
    for value in VALUES:
        made = arguments("inlined", batch(sql, a=value, b=VALUES[0]))
        assert made["Sqls"] == [inlining.inlined(sql, {"a": value, "b": VALUES[0]})]


@pytest.mark.postgres
def test_a_value_is_the_same_bound_and_inlined(redshift: Redshift) -> None:
    redshift.run("CREATE TABLE t (mode VARCHAR(9), number INTEGER, value VARCHAR(99))")
    insert = "INSERT INTO t SELECT CAST(:mode AS VARCHAR(9)), {}, CAST(:value_{} AS VARCHAR(99))"
    numbers = range(len(VALUES))
    for first in numbers[::40]:
        several = {f"value_{number}": VALUES[number] for number in numbers[first : first + 40]}
        statements = [insert.format(number, number) for number in numbers[first : first + 40]]
        for mode in ("bound", "inlined"):
            made = arguments(mode, batch(*statements, mode=mode, **several))
            given = {each["Name"]: each["Value"] for each in made.get("Parameters", [])}
            redshift.run(*made["Sqls"], parameters=given or None, batch=True)
    for mode in ("bound", "inlined"):
        rows = redshift.rows(f"SELECT value FROM t WHERE mode = '{mode}' ORDER BY number")
        assert [value for (value,) in rows] == VALUES

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lambda_generate_param import datasets, schemas

SIZES = ("character_maximum_length", "numeric_precision", "numeric_scale")
ORDERS = [
    ("id", "bigint", "NO", (None, 64, 0)),
    ("note", "character varying", "YES", (20, None, None)),
    ("job_id", "character varying", "NO", (56, None, None)),
]


def compare(sql: Path, columns: list[tuple[str, str, str, Any]]) -> dict[str, Any]:
    return schemas.compare([datasets.load(sql, "orders")], {"clean_orders": rows_of(columns)})


def rows_of(columns: list[tuple[str, str, str, Any]]) -> list[dict[str, Any]]:
    """As svv_columns has them."""
    return [
        {"column_name": name, "data_type": type_, "is_nullable": null, **dict(zip(SIZES, sizes, strict=True))}
        for name, type_, null, sizes in columns
    ]


def test_a_table_that_is_as_the_contract_says_needs_nothing(sql: Path) -> None:
    assert compare(sql, ORDERS) == {"statements": [], "refusals": []}
    assert compare(sql, ORDERS[::-1]) == {"statements": [], "refusals": []}


def test_a_new_column_is_added(sql: Path) -> None:
    (statement,) = compare(sql, [ORDERS[0], ORDERS[2]])["statements"]
    assert statement == 'ALTER TABLE analytics."clean_orders" ADD COLUMN "note" VARCHAR(20)'


@pytest.mark.parametrize(
    "changed",
    [
        [("id", "integer", "NO", (None, 32, 0)), *ORDERS[1:]],
        [ORDERS[0], ("note", "character varying", "YES", (10, None, None)), ORDERS[2]],
        [*ORDERS, ("old", "date", "YES", (None, None, None))],
        ORDERS[1:],
    ],
)
def test_everything_else_is_refused_with_what_a_person_could_run(sql: Path, changed: list[Any]) -> None:
    found = compare(sql, changed)
    assert found["statements"] == []
    (refusal,) = found["refusals"]
    assert "clean_orders" in refusal["problem"]
    assert refusal["statements"]


def test_a_table_that_is_missing_is_made(sql: Path) -> None:
    (statement,) = schemas.compare([datasets.load(sql, "orders")], {})["statements"]
    assert statement.startswith('CREATE TABLE IF NOT EXISTS analytics."clean_orders"')


TURN = [("taken", "boolean", "YES", (None, None, None))]
# Of audit.stage_run.
STAGE_RUN = [
    *((name, "character varying", "NO", (size, None, None)) for name, size in (("job_id", 56), ("stage", 16))),
    ("attempt", "integer", "NO", (None, 32, 0)),
    *((f"{name}_{way}", "bigint", "YES", (None, 64, 0)) for name in ("rows", "bytes") for way in ("in", "out")),
    *((name, "bigint", "YES", (None, 64, 0)) for name in ("rows_rejected", "files_out")),
    *((name, "timestamp without time zone", "YES", (None, None, None)) for name in ("started_at", "finished_at")),
    *((f"{name}_version", "character varying", "YES", (64, None, None)) for name in ("code", "contract")),
]


def compare_audit(sql: Path, table: str, columns: list[tuple[str, str, str, Any]]) -> dict[str, Any]:
    return schemas.compare_audit(sql, {table: rows_of(columns)})


def without(name: str) -> list[tuple[str, str, str, Any]]:
    return [column for column in STAGE_RUN if column[0] != name]


def test_audit_tables_that_are_missing_or_of_this_version_need_nothing(sql: Path) -> None:
    nothing: dict[str, Any] = {"statements": [], "refusals": []}
    assert schemas.compare_audit(sql, {}) == nothing
    assert compare_audit(sql, "turn", TURN) == compare_audit(sql, "stage_run", STAGE_RUN) == nothing


def test_what_an_audit_table_of_an_earlier_version_lacks_is_added(sql: Path) -> None:
    assert compare_audit(sql, "stage_run", without("code_version")) == {
        "statements": ["ALTER TABLE audit.stage_run ADD COLUMN code_version VARCHAR(64)"],
        "refusals": [],
    }


@pytest.mark.parametrize(
    "columns",
    [
        [*STAGE_RUN, ("old", "date", "YES", (None, None, None))],
        [*without("code_version"), ("code_version", "character varying", "YES", (900, None, None))],
        [*without("stage"), ("stage", "character varying", "YES", (16, None, None))],
    ],
)
def test_what_an_audit_table_has_beyond_is_left(sql: Path, columns: list[Any]) -> None:
    assert compare_audit(sql, "stage_run", columns) == {"statements": [], "refusals": []}


@pytest.mark.parametrize(
    ("columns", "problem", "statement"),
    [
        (
            without("attempt"),
            "audit.stage_run has no column attempt, which is NOT NULL; the rows that are there need a value",
            "ALTER TABLE audit.stage_run ADD COLUMN attempt INTEGER NOT NULL DEFAULT <a value>",
        ),
        (
            [*without("contract_version"), ("contract_version", "character varying", "YES", (32, None, None))],
            "audit.stage_run, column contract_version is VARCHAR(32), not VARCHAR(64)",
            "ALTER TABLE audit.stage_run ALTER COLUMN contract_version TYPE VARCHAR(64)",
        ),
        (
            [*without("rows_in"), ("rows_in", "integer", "YES", (None, 32, 0))],
            "audit.stage_run, column rows_in is INTEGER, not BIGINT",
            "ALTER TABLE audit.stage_run RENAME TO stage_run_before; then run nox -s schema again, and copy the rows",
        ),
        (
            [*without("rows_in"), ("rows_in", "bigint", "NO", (None, 64, 0))],
            "audit.stage_run, column rows_in is NOT NULL, but need not be known",
            "ALTER TABLE audit.stage_run RENAME TO stage_run_before; then run nox -s schema again, and copy the rows",
        ),
        (
            [*STAGE_RUN, ("old", "date", "NO", (None, None, None))],
            "audit.stage_run has the column old, which is NOT NULL and which nothing writes any more",
            "ALTER TABLE audit.stage_run DROP COLUMN old",
        ),
    ],
)
def test_what_only_a_person_can_change_is_refused_by_name(
    sql: Path, columns: list[Any], problem: str, statement: str
) -> None:
    found = compare_audit(sql, "stage_run", [column for column in columns if column[0] != "code_version"])
    # Nothing is half done.
    assert found == {"statements": [], "refusals": [{"problem": problem, "statements": [statement]}]}

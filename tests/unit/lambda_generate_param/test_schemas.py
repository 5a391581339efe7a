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
    rows = [
        {"column_name": name, "data_type": type_, "is_nullable": null, **dict(zip(SIZES, sizes, strict=True))}
        for name, type_, null, sizes in columns
    ]
    return schemas.compare([datasets.load(sql, "orders")], {"clean_orders": rows})


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

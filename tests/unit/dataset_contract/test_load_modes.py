"""How an output's rows come into its table: what a contract may say of it, and the statements that follow.

What the statements do is in tests/unit/local_aws/services/redshift/test_loads.py, on a database.
"""

from __future__ import annotations

from typing import Any

import pytest

from dataset_contract import load_modes, reading
from dataset_contract.errors import ContractError
from dataset_contract.model import DataObject, Load
from tests.unit.dataset_contract.documents import document, table

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "physicalType": "BIGINT", "primaryKey": True, "primaryKeyPosition": 2},
    {"name": "Shop", "physicalType": "CHAR(2)", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "day", "physicalType": "DATE", "required": True},
    {"name": "it's", "physicalType": "INTEGER"},
    {"name": "ratio", "physicalType": "REAL"},
    {"name": "paid", "physicalType": "BOOLEAN"},
]
KEY = '"sales"."shop" = _incoming."shop" AND "sales"."id" = _incoming."id"'


def output(load: Any, *, keyed: bool = True) -> DataObject:
    columns = COLUMNS if keyed else [{"name": each["name"], "physicalType": each["physicalType"]} for each in COLUMNS]
    return reading.parse(document(output=table("sales", "output", *columns, custom={"load": load}))).outputs[0]


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        ({"mode": "append"}, Load()),
        ({"mode": "replace"}, Load("replace")),
        ({"mode": "replace_partition", "columns": ["day", "paid"]}, Load("replace_partition", ("day", "paid"))),
        ({"mode": "merge"}, Load("merge")),
        ({"mode": "merge", "orderBy": ["day", "it's"]}, Load("merge", order_by=("day", "it's"))),
    ],
)
def test_an_output_says_how_it_is_loaded(load: dict[str, Any], expected: Load) -> None:
    assert output(load).load == expected


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ({"mode": "upsert"}, '.mode: "upsert" is not known here; accepted: append, replace, replace_partition, merge'),
        ({"mode": 1}, ".mode: 1 is not a text; accepted: append, replace, replace_partition, merge"),
        ({"mode": "append", "columns": ["day"]}, '.columns: ["day"] does not apply to mode append; accepted for: '),
        ({"mode": "merge", "columns": ["day"]}, "does not apply to mode merge; accepted for: replace_partition"),
        ({"mode": "replace", "orderBy": ["day"]}, "does not apply to mode replace; accepted for: merge"),
        (
            {"mode": "merge", "order_by": ["day"]},
            '.order_by: is not an element here; did you mean "orderBy"?; accepted: ',
        ),
        ({"mode": "replace_partition"}, ".columns: is missing; accepted: a list of the columns whose values tell"),
        (
            {"mode": "replace_partition", "columns": []},
            ".columns: [] is not a list of columns; accepted: a list of 1 to 20",
        ),
        ({"mode": "replace_partition", "columns": "day"}, '.columns: "day" is not a list of columns'),
        ({"mode": "replace_partition", "columns": ["dya"]}, '.columns[0]: "dya" is not a column; did you mean "day"?'),
        ({"mode": "replace_partition", "columns": ["day", "day"]}, '.columns[1]: "day" occurs twice'),
        ({"mode": "replace_partition", "columns": ["job_id"]}, '.columns[0]: "job_id" is not a column'),
        (
            {"mode": "replace_partition", "columns": ["ratio"]},
            '.columns[0]: "ratio" is REAL, whose values are not compared exactly; accepted: another type',
        ),
        (
            {"mode": "merge", "orderBy": ["ratio"]},
            '.orderBy[0]: "ratio" is REAL, whose values are not compared exactly',
        ),
        (
            {"mode": "merge", "orderBy": ["paid"]},
            '.orderBy[0]: "paid" is BOOLEAN, which has no order; accepted: a number',
        ),
        ({"mode": "merge", "orderBy": ["day", "id"]}, '.orderBy[1]: "id" is of the primaryKey'),
        ({"mode": "merge", "orderBy": []}, ".orderBy: [] is not a list of columns"),
    ],
)
def test_what_cannot_be_done_is_refused(load: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractError) as caught:
        output(load)
    assert said in str(caught.value)


def test_merge_needs_a_key() -> None:
    with pytest.raises(ContractError, match=r'mode: "merge" needs a key .*; accepted: with primaryKey at its columns'):
        output({"mode": "merge"}, keyed=False)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_rows_that_replace_none_by_one_are_copied_into_the_table(mode: str) -> None:
    columns = ",\n    ".join(f'"{name}"' for name in ("id", "shop", "day", "it's", "ratio", "paid", "job_id"))
    assert (
        load_modes.load_statements(output({"mode": mode}))
        == f"""\
CALL audit.begin_table(CAST(:job_id AS VARCHAR(56)), 'sales', '{mode}');

COPY analytics."sales" (
    {columns}
)
FROM '{{{{sales_manifest}}}}'
IAM_ROLE DEFAULT
FORMAT AS PARQUET
MANIFEST;

CALL audit.end_table(
    CAST(:job_id AS VARCHAR(56)),
    'sales',
    CAST(:rows_sales AS BIGINT)
);
"""
    )


def end(load: dict[str, Any]) -> list[str]:
    """The arguments of the last call, a line each; the columns of the COPY are in test_redshift.py."""
    text = load_modes.load_statements(output(load))
    assert "COPY _incoming (" in text
    return [line.strip().rstrip(",") for line in text[text.rindex("CALL") :].splitlines()]


def test_a_partition_is_the_rows_with_equal_values_and_null_is_one() -> None:
    assert end({"mode": "replace_partition", "columns": ["day", "it's"]}) == [
        "CALL audit.replace_partitions(",
        "CAST(:job_id AS VARCHAR(56))",
        "'sales'",
        "CAST(:rows_sales AS BIGINT)",
        "'\"day\", \"it''s\"'",
        '\'"sales"."day" = _partitions."day" AND ("sales"."it\'\'s" = _partitions."it\'\'s" OR '
        '("sales"."it\'\'s" IS NULL AND _partitions."it\'\'s" IS NULL))\'',
        ");",
    ]


def test_a_row_is_merged_by_its_key_and_without_an_order_by_its_job() -> None:
    assert end({"mode": "merge"}) == [
        "CALL audit.merge_rows(",
        "CAST(:job_id AS VARCHAR(56))",
        "'sales'",
        "CAST(:rows_sales AS BIGINT)",
        '\'"shop", "id"\'',
        f"'{KEY}'",
        "'\"sales\".job_id > _incoming.job_id'",
        ");",
    ]


def test_a_row_is_newer_by_the_columns_of_the_order_and_then_by_its_job() -> None:
    nullable = '"sales"."it\'\'s"', "_incoming.\"it''s\""
    held, came = nullable
    then = f"(({held} > {came} OR ({held} IS NOT NULL AND {came} IS NULL)) OR (({held} = {came} OR "
    then += f'({held} IS NULL AND {came} IS NULL)) AND "sales".job_id > _incoming.job_id)))'
    day = '"sales"."day" > _incoming."day" OR ("sales"."day" = _incoming."day" AND '
    assert end({"mode": "merge", "orderBy": ["day", "it's"]})[6] == f"'({day}{then})'"

"""References: read as strictly as the source, staged with their types, and never with a bad row."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

ITEMS: list[dict[str, Any]] = [{"name": "id", "logicalType": "integer"}]
PRICES: list[dict[str, Any]] = [
    {"name": "sku", "logicalType": "string", "required": True, "unique": True},
    {"name": "price", "physicalType": "DECIMAL(10,2)"},
    {"name": "since", "physicalType": "TIMESTAMP"},
]
SOURCE = {"x.csv": b"id\n1\n"}


@pytest.fixture
def contract(contract_of: Callable[..., str]) -> str:
    return contract_of(ITEMS, references={"prices": {"properties": PRICES}})


def staged(job: Any, name: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows of a staged reference, and its types."""
    found = duckdb.read_parquet(str(job.root / "references" / "job_id=job-1" / "*" / name / "*.parquet"))
    return found.order(found.columns[0]).fetchall(), [str(type_) for type_ in found.types]


def test_a_reference_is_staged_with_its_types(job: Any, contract: str) -> None:
    files = {
        "reference/prices/a.csv": b"since,sku,price\n2024-01-01T00:00:00+02:00,a,1.5\n",
        "reference/prices/b.json": b'{"sku": "b", "price": 99999999.99}\n',
    }
    result = job.clean({**SOURCE, **files}, contract)
    rows, types = staged(job, "prices")
    assert [(row[0], str(row[1]), str(row[2])) for row in rows] == [
        ("a", "1.50", "2023-12-31 22:00:00"),
        ("b", "99999999.99", "None"),
    ]
    assert types == ["VARCHAR", "DECIMAL(10,2)", "TIMESTAMP"]
    run = job.manifest["stage_run"]
    directory = job.root / "references" / "job_id=job-1" / run / "prices"
    written = [directory / f"part-{number:05d}.parquet" for number in range(2)]
    assert result.manifest["references"] == {
        "prices": {
            "uri": f"{directory}/",
            "rows": 2,
            "bytes": sum(path.stat().st_size for path in written),
            "files": [
                {"uri": f"{job.root}/{name}", "bytes": len(content), "rows": 1, **note}
                for (name, content), note in zip(files.items(), ({}, {"note": 'key "since" in no row'}))
            ],
        }
    }
    assert (result.manifest["rows_in"], result.manifest["rows_out"]) == (1, 1)


def test_a_bad_row_of_a_reference_fails_the_job_and_names_every_value(job: Any, contract: str) -> None:
    text = b"sku,price,since\nok,1.20,2024-01-01 12:30\na,1.239,12:30\n,,\n"
    result = job.halt({**SOURCE, "reference/prices/x.csv": text}, contract)
    place = f"{job.root}/reference/prices/x.csv"
    assert result.error == (
        f"error: reference prices: 2 of 3 rows break the contract: {place} line 3: price is 1.239: "
        f"not a DECIMAL(10,2); since is 12:30: not a TIMESTAMP | {place} line 4: sku is : required but empty; "
        "correct the files or the contract, then start the job again\n"
    )
    assert not result.rejected
    assert not (job.root / "references").exists()


def test_a_value_of_a_bad_row_is_told_in_a_hundred_characters_and_null_as_such(job: Any, contract: str) -> None:
    lines = [f'{{"sku": "{sku}", "price": "{price}"}}' for sku, price in (("a", "x" * 100), ("b", "y" * 101))]
    text = "\n".join([*lines, '{"price": 1}']).encode()
    error = job.fail({**SOURCE, "reference/prices/x.json": text}, contract)
    assert f"line 1: price is {'x' * 100}: not a DECIMAL(10,2) | " in error
    assert f"line 2: price is {'y' * 100}…: not a DECIMAL(10,2) | " in error
    assert "line 3: sku is null: required but empty; " in error


def test_of_the_rules_that_a_value_breaks_the_first_is_told(job: Any, contract_of: Callable[..., str]) -> None:
    code = {"name": "code", "logicalTypeOptions": {"minLength": 2, "pattern": "^[A-Z]+$"}}
    contract = contract_of(ITEMS, references={"codes": {"properties": [{"name": "n"}, code]}})
    error = job.fail({**SOURCE, "reference/codes/x.csv": b"n,code\n1,AB\n2,a\n"}, contract)
    assert "line 3: code is a: shorter than 2 characters (minLength); correct" in error


def test_a_bad_value_is_told_by_the_name_of_its_column_in_the_contract(
    job: Any, contract_of: Callable[..., str]
) -> None:
    rate = {"name": "rate", "physicalName": "The rate", "logicalType": "integer"}
    contract = contract_of(ITEMS, references={"rates": {"properties": [{"name": "n"}, rate]}})
    error = job.fail({**SOURCE, "reference/rates/x.csv": b"n,The rate\n1,x\n"}, contract)
    assert "line 2: rate is x: not a BIGINT; correct" in error


def test_of_many_bad_rows_the_first_are_named_and_all_are_counted(job: Any, contract: str) -> None:
    lines = [b'{"sku": "%d", "price": "x"}' % number for number in range(8)]
    error = job.fail({**SOURCE, "reference/prices/x.json": b"\n".join([b"{", *lines])}, contract)
    assert "9 of 9 rows break the contract: " in error
    assert "line 1: not valid JSON: { |" in error
    assert [f"line {line}: price is x: not a DECIMAL(10,2)" in error for line in range(2, 7)] == [True] * 4 + [False]
    assert " | and 4 more; " in error


def test_a_duplicate_key_of_a_reference_fails_the_job(job: Any, contract: str) -> None:
    text = b"sku,price,since\na,1,\nb,1,\na,2,\n"
    error = job.fail({**SOURCE, "reference/prices/x.csv": text}, contract)
    assert f"{job.root}/reference/prices/x.csv line 4: sku: duplicate key: a,2,;" in error


def test_a_bad_row_of_a_parquet_reference_is_named(job: Any, contract: str) -> None:
    job.write(SOURCE, contract)
    (job.root / "reference" / "prices").mkdir(parents=True)
    rows = "SELECT 'a' AS sku, 1.239::DOUBLE AS price, NULL::TIMESTAMP AS since"
    duckdb.sql(rows).write_parquet(f"{job.root}/reference/prices/x.parquet")
    result = job.run()
    assert result.code == 1
    assert "x.parquet row 1: price is 1.239: not a DECIMAL(10,2); correct" in result.error


@pytest.mark.parametrize("folder", [False, True])
def test_a_reference_without_files_is_named(job: Any, contract: str, folder: bool) -> None:
    if folder:
        (job.root / "reference" / "prices").mkdir(parents=True)
    assert job.fail(SOURCE, contract) == (
        f"error: reference prices has no file below {job.root}/reference/prices/; "
        "upload it as CSV, JSON lines or Parquet\n"
    )


def test_a_reference_may_be_without_rows(job: Any, contract: str) -> None:
    result = job.clean({**SOURCE, "reference/prices/x.csv": b"sku,price,since\n"}, contract)
    assert staged(job, "prices") == ([], ["VARCHAR", "DECIMAL(10,2)", "TIMESTAMP"])
    assert result.manifest["references"]["prices"]["files"][0]["note"] == "header only"


def test_source_and_references_have_dialects_and_keys_of_their_own(job: Any, contract_of: Callable[..., str]) -> None:
    dialect = {"csv": {"delimiter": ";", "decimalSeparator": ","}}
    keyed = [{"name": "id", "logicalType": "integer", "unique": True}]
    contract = contract_of(
        keyed,
        references={
            "prices": {"properties": PRICES, "custom": dialect},
            "stores": {"properties": [{"name": "id", "logicalType": "integer", "unique": True}]},
        },
    )
    files = {
        "x.csv": b"id\n1\n1\n2\n",
        "reference/prices/x.csv": b"sku;price;since\na;1,5;\n",
        "reference/stores/x.csv": b"id\n1\n2\n",
    }
    result = job.clean(files, contract)
    assert result.staged == [(1,), (2,)]
    assert [row[2:5] for row in result.rejected] == [(3, "id", "duplicate key")]
    assert [str(row[1]) for row in staged(job, "prices")[0]] == ["1.50"]
    assert staged(job, "stores")[0] == [(1,), (2,)]


def test_the_references_of_an_earlier_attempt_are_deleted(job: Any, contract: str) -> None:
    stale = job.root / "references" / "job_id=job-1" / "gone" / "part-00000.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"stale")
    run = job.clean({**SOURCE, "reference/prices/x.csv": b"sku,price,since\n"}, contract).manifest["stage_run"]
    found = sorted((job.root / "references").rglob("*.parquet"))
    assert [path.relative_to(job.root / "references" / "job_id=job-1") for path in found] == [
        Path(f"{run}/prices/part-00000.parquet")
    ]

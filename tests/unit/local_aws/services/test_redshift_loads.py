"""The load of a job on a real database: which rows a table has after it, and what fails it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataset_contract import manifests
from dataset_contract.manifests import PYTHON, SPARK, FileEntry
from dataset_contract.places import Places
from lambda_generate_param import loading, statements
from lambda_generate_param.statements import Batch
from tests.unit.lambda_generate_param.conftest import ROOT, manifest, table, write_dataset
from tests.unit.local_aws.services.conftest import Redshift

pytestmark = pytest.mark.postgres

LAKE = "the-lake-bucket"
MOMENT = {"attempt": "1", "load_started_at": "2026-01-31 12:37:00.000"}
# Job IDs sort by the start of their executions.
OLD, NEW = (f"2026013{day}T000000000Z-00000000-0000-0000-0000-000000000000" for day in (0, 1))
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "physicalType": "BIGINT", "primaryKey": True},
    {"name": "day", "physicalType": "DATE"},
    {"name": "amount", "physicalType": "DECIMAL(9,2)"},
]
TYPES = "id BIGINT, day DATE, amount DECIMAL(9,2)"

Row = tuple[int, str | None, str | None]


class Warehouse:
    """A dataset's tables, and the jobs that load into them. loads: by table, its load."""

    def __init__(self, redshift: Redshift, directory: Path, tables: Sequence[str] = ("sales",)) -> None:
        self.redshift = redshift
        self.sql = directory / "sql"
        shutil.copytree(ROOT / "sql" / "audit", self.sql / "audit")
        self.dataset = write_dataset(self.sql, _document(tables))
        redshift.run(*statements.schema(self.sql, [self.dataset]).statements)

    def stage(self, job: str, name: str, rows: Sequence[Row], *, file: str = "part-0.parquet", of: str = "") -> Path:
        """Write a file of curated rows below the job's prefix; of: the job ID in its rows, where it is another."""
        path = self.redshift.s3.root / self._places(job).curated(name).removeprefix("s3://") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({TYPES})")
            if rows:
                connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
            connection.execute(f"COPY (SELECT *, '{of or job}' AS job_id FROM t) TO '{path}' (FORMAT parquet)")
        return path

    def list_files(self, job: str, name: str, paths: Sequence[Path]) -> None:
        """Write what Spark tells COPY."""
        entries = [
            FileEntry(f"s3://{path.relative_to(self.redshift.s3.root)}", path.stat().st_size, 0) for path in paths
        ]
        self._put(self._places(job).copy_manifest(name), manifests.render_copy(entries))

    def write(self, job: str, tables: Mapping[str, Sequence[Row]]) -> None:
        """Write what Spark writes of a job."""
        for name, rows in tables.items():
            self.list_files(job, name, [self.stage(job, name, rows)])

    def batch(self, job: str, counts: Mapping[str, int]) -> Batch:
        """The load of a job, by the counts of rows that Spark told."""
        rows = sum(counts.values())
        found = {
            PYTHON: {**self._manifest(job, PYTHON), "rows_in": rows + 6, "rows_out": rows},
            SPARK: {
                **self._manifest(job, SPARK),
                "rows_in": rows,
                "rows_out": rows,
                "tables": {name: {"rows": count} for name, count in counts.items()},
            },
        }
        return loading.load(self.sql, self._places(job), self.dataset, found, code_version="abc")

    def load(self, job: str, tables: Mapping[str, Sequence[Row]], counts: Mapping[str, int] | None = None) -> str:
        """Load what was written of a job; the error, or ""."""
        batch = self.batch(job, counts or {name: len(rows) for name, rows in tables.items()})
        described = self.redshift.describe(*batch.statements, parameters={**MOMENT, **batch.parameters}, batch=True)
        return str(described.get("Error", ""))

    def rows(self, name: str = "sales") -> list[tuple[Any, ...]]:
        return self.redshift.rows(f"SELECT id, day, amount, job_id FROM analytics.{name} ORDER BY id, day, job_id")

    def _manifest(self, job: str, stage: str) -> dict[str, Any]:
        return manifest(self.dataset.contract, stage, job=job)

    def _places(self, job: str) -> Places:
        return Places(job, self.dataset.name, "the-raw-bucket", LAKE, "the-artifacts-bucket")

    def _put(self, uri: str, text: str) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.redshift.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())


def _document(tables: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "shop",
        "name": "shop",
        "version": "1.0.0",
        "status": "active",
        "schema": [
            table("orders", "source", COLUMNS, []),
            *(table(name, "output", COLUMNS, []) for name in tables),
        ],
    }


@pytest.fixture
def warehouse(redshift: Redshift, tmp_path: Path) -> Warehouse:
    return Warehouse(redshift, tmp_path)


ROWS: list[Row] = [(1, "2026-01-01", "1.50"), (2, None, None)]


def held(rows: Sequence[Row], job: str) -> list[tuple[Any, ...]]:
    return [(*row, job) for row in rows]


def test_a_job_is_loaded_and_loaded_again(warehouse: Warehouse) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    for _ in range(2):
        assert warehouse.load(OLD, {"sales": ROWS}) == ""
        assert warehouse.rows() == held(ROWS, OLD)


@pytest.mark.parametrize("of", [OLD, NEW, "nobody"])
def test_a_foreign_file_below_the_jobs_prefix_is_not_loaded(warehouse: Warehouse, of: str) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    warehouse.stage(OLD, "sales", [(3, None, None)], file="part-1.parquet", of=of)
    assert warehouse.load(OLD, {"sales": ROWS}) == ""
    assert warehouse.rows() == held(ROWS, OLD)


def test_counts_that_are_wrong_alike_in_both_stages_are_told_by_what_copy_counted(warehouse: Warehouse) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    error = warehouse.load(OLD, {"sales": ROWS}, {"sales": 3})
    assert "rows do not add up: analytics.sales: 3 written by Spark, 2 copied" in error
    assert warehouse.rows() == []


def test_rows_of_another_job_in_a_listed_file_are_refused(warehouse: Warehouse) -> None:
    paths = [warehouse.stage(OLD, "sales", ROWS[:1]), warehouse.stage(OLD, "sales", ROWS[1:], file="b", of=NEW)]
    warehouse.list_files(OLD, "sales", paths)
    assert "rows do not add up: analytics.sales: 2 written by Spark, 1 loaded" in warehouse.load(OLD, {"sales": ROWS})
    assert warehouse.rows() == []


def test_a_listed_file_that_is_gone_or_changed_fails_the_load(warehouse: Warehouse) -> None:
    warehouse.write(OLD, {"sales": ROWS})
    warehouse.stage(OLD, "sales", [*ROWS, (3, None, None)])
    assert "content_length" in warehouse.load(OLD, {"sales": ROWS})
    warehouse.stage(OLD, "sales", ROWS).unlink()
    assert "Mandatory url is not present in manifest file" in warehouse.load(OLD, {"sales": ROWS})
    assert warehouse.rows() == []

"""A small dataset, "orders", and a run of the job over it; a test changes it in one place to see what happens."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset_contract import manifests
from dataset_contract.manifests import FileEntry, StageResult, StageRun
from glue_spark_job.main import main
from local_aws.java import java_home
from local_aws.services.glue import spark_classes
from tests.unit.results_database import shared_database

QUICK_JVM = spark_classes.jvm(java_home(), spark_classes.spark_home(), input_bytes=0)
JOB_ID = "20130101T100000000Z-3f2c"

ORDERS = (
    "(1, 'tea', 2.50, TIMESTAMP '2013-01-01 10:00:00'), (2, 'cake', 3.00, TIMESTAMP '2013-01-01 23:30:00'), "
    "(3, 'soap', 1.25, NULL), (4, NULL, NULL, TIMESTAMP '2013-01-02 00:00:00')"
)
STAGED_SQL = (
    "SELECT id::INTEGER AS id, item::VARCHAR AS item, amount::DECIMAL(10,2) AS amount, sold::TIMESTAMP AS sold "
    "FROM (VALUES {rows}) AS staged(id, item, amount, sold)"
)
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "name": "orders",
    "status": "active",
    "version": "2.1.0",
    "customProperties": [
        {"property": "parameters", "value": {"discount": {"type": "number", "default": 0.5}}},
    ],
    "schema": [
        {
            "name": "orders",
            "customProperties": [{"property": "role", "value": "source"}],
            "properties": [
                {"name": "id", "physicalType": "INTEGER", "required": True},
                {"name": "item", "physicalType": "VARCHAR(8)"},
                {"name": "amount", "physicalType": "DECIMAL(10,2)"},
                {"name": "sold", "physicalType": "TIMESTAMP"},
            ],
        },
        {
            "name": "items",
            "customProperties": [{"property": "role", "value": "reference"}],
            "properties": [
                {"name": "item", "physicalType": "VARCHAR(8)", "required": True, "unique": True},
                {"name": "weight", "physicalType": "SMALLINT"},
                {"name": "since", "physicalType": "DATE"},
            ],
        },
        {
            "name": "priced",
            "customProperties": [{"property": "role", "value": "output"}],
            "properties": [
                {"name": "id", "physicalType": "INTEGER", "required": True},
                {"name": "item", "physicalType": "VARCHAR(8)"},
                {"name": "price", "physicalType": "DECIMAL(10,2)"},
                {"name": "sold", "physicalType": "TIMESTAMP"},
            ],
        },
        {
            "name": "items_sold",
            "customProperties": [{"property": "role", "value": "output"}],
            "properties": [
                {"name": "item", "physicalType": "VARCHAR(8)", "required": True},
                {"name": "orders", "physicalType": "BIGINT", "required": True},
                {"name": "weight", "physicalType": "INTEGER"},
            ],
        },
    ],
}
TRANSFORM = """
-- The price after the discount; a semicolon; in a comment.
CREATE OR REPLACE TEMPORARY VIEW priced AS
SELECT sold, id, item, round(CAST(amount * (SELECT discount FROM parameters) AS DECIMAL(10,4)), 2) AS price
FROM orders;

CREATE OR REPLACE TEMPORARY VIEW items_sold AS
SELECT o.item, count(*) AS orders, sum(i.weight) AS weight
FROM orders AS o JOIN items AS i ON i.item = o.item GROUP BY o.item;
"""
STAGED_BY = "3fa9c1-0-0a1b2c3d"
ITEMS = "('tea', 100, DATE '2012-12-31'), ('cake', NULL, NULL), ('soap', 80, DATE '2013-01-01')"
ITEMS_SQL = (
    "SELECT item::VARCHAR AS item, weight::SMALLINT AS weight, since::DATE AS since "
    "FROM (VALUES {rows}) AS staged(item, weight, since)"
)


@dataclass
class Orders:
    """A run of the job over the dataset "orders", in the directory `root`; `base` is what its URIs begin with."""

    root: Path
    base: str = ""
    contract: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(CONTRACT))
    transform: str = TRANSFORM
    rows_out: int = 4
    reference_rows: int = 3
    parameters: dict[str, object] = field(default_factory=dict)
    job_id: str = JOB_ID

    def __post_init__(self) -> None:
        self.base = self.base or str(self.root)
        self.stage(ORDERS)
        self.reference(ITEMS)

    def stage(self, rows: str, name: str = "part-0.parquet", sql: str = STAGED_SQL) -> None:
        """Writes a staged Parquet file, as the Python job does."""
        self._copy(sql.format(rows=rows), self.staged / name)

    def reference(self, rows: str, sql: str = ITEMS_SQL) -> None:
        """Writes the file of the reference "items", as the Python job does."""
        self._copy(sql.format(rows=rows), self.items)

    @property
    def items(self) -> Path:
        """The file of the reference "items"."""
        return self.root / "references" / f"job_id={self.job_id}" / STAGED_BY / "items" / "part-00000.parquet"

    @property
    def staged(self) -> Path:
        """The directory of the staged files, which the run of the Python stage has for itself."""
        return self.root / "staged" / f"job_id={self.job_id}" / STAGED_BY

    def _copy(self, sql: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        shared_database().execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")

    def table(self, name: str) -> dict[str, Any]:
        """The object `name` of the contract, to be changed."""
        found: dict[str, Any] = next(item for item in self.contract["schema"] if item["name"] == name)
        return found

    def column(self, table: str, name: str) -> dict[str, Any]:
        """A column of the contract, to be changed."""
        found: dict[str, Any] = next(item for item in self.table(table)["properties"] if item["name"] == name)
        return found

    def outputs(self) -> list[str]:
        """Names of the output tables in the contract."""
        return [
            item["name"]
            for item in self.contract["schema"]
            if {"property": "role", "value": "output"} in item["customProperties"]
        ]

    def only(self, select: str, *columns: dict[str, Any], quality: Sequence[dict[str, Any]] = ()) -> None:
        """Makes "priced" the only output: a view of `select`, with these columns and rules of the object."""
        self.contract["schema"] = [item for item in self.contract["schema"] if item["name"] != "items_sold"]
        self.table("priced").update(properties=list(columns), quality=list(quality))
        self.transform = f"CREATE TEMP VIEW priced AS\n{select}"

    def output(self, table: str) -> Path:
        """The directory that the table was written to."""
        return self.curated(table) / self.stage_run

    def curated(self, table: str) -> Path:
        """The directory below which runs of the stage write the table."""
        return self.root / "curated" / table / f"job_id={self.job_id}"

    @property
    def stage_run(self) -> str:
        """The run that the manifest is of; without one, the run that failed."""
        told = self.manifest if self.manifest.exists() else self.manifest.with_name("spark-error.json")
        return str(json.loads(told.read_text(encoding="utf-8"))["stage_run"])

    @property
    def manifest(self) -> Path:
        """The manifest of the Spark stage."""
        return self.root / "runs" / self.job_id / "spark.json"

    @property
    def details(self) -> dict[str, Any]:
        """What the Spark stage read and wrote, file by file."""
        text = (self.manifest.parent / "spark" / self.stage_run / "details.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    @property
    def failure(self) -> dict[str, Any]:
        """What the Spark stage left about its failure."""
        text = self.manifest.with_name("spark-error.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    def write(self) -> None:
        """Writes the files that the arguments name."""
        (self.root / "runs" / self.job_id).mkdir(parents=True, exist_ok=True)
        moment = datetime(2013, 1, 1, 10, tzinfo=UTC)
        contract = json.dumps(self.contract)
        run = StageRun(
            "python", STAGED_BY, self.job_id, "orders", "s3://raw/orders/", moment, moment, "abc123", "2.1.0",
            "duckdb 1.4", manifests.contract_hash(contract),
        )  # fmt: skip
        items = {"uri": f"{self.items.parent}/", "rows": self.reference_rows, "bytes": _bytes(self.items.parent)}
        staged = [FileEntry(str(self.staged), _bytes(self.staged), self.rows_out)]
        result = StageResult(4, self.rows_out, 0, (), staged, more={"references": {"items": items}})
        self.manifest.with_name("python.json").write_text(manifests.render(run, result), encoding="utf-8")
        (self.root / "contract.json").write_text(contract, encoding="utf-8")
        (self.root / "transform.sql").write_text(self.transform, encoding="utf-8")

    def arguments(self) -> dict[str, str]:
        """The arguments of the run."""
        base, job = self.base, self.job_id
        return {
            "--job_id": job,
            "--attempt": "3fa9c1-0",
            "--dataset": "orders",
            "--staged_uri": f"{base}/staged/job_id={job}/",
            "--python_manifest_uri": f"{base}/runs/{job}/python.json",
            "--contract_uri": f"{base}/contract.json",
            "--transform_uri": f"{base}/transform.sql",
            "--staged_references_uri": f"{base}/references/job_id={job}/",
            "--curated_uris": json.dumps({name: f"{base}/curated/{name}/job_id={job}/" for name in self.outputs()}),
            "--parameters": json.dumps(self.parameters),
            "--manifest_uri": f"{base}/runs/{job}/spark.json",
            "--load_manifest_uri": f"{base}/runs/{job}/load.json",
            "--code_version": "abc123",
            "--started_at": "2013-01-01T10:00:00.000Z",
        }

    def argv(self) -> list[str]:
        """The command line of the run."""
        return [text for pair in self.arguments().items() for text in pair]

    def run(self) -> int:
        """Writes the files and runs the job in this process; returns its exit code."""
        self.write()
        return main(self.argv())

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """The rows of a written table, sorted, read by an engine other than the one that wrote them."""
        query = f"SELECT {columns} FROM '{self.output(table)}/*.parquet' ORDER BY ALL"
        return shared_database().execute(query).fetchall()


def _bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("*.parquet"))

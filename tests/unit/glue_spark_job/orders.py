"""A small dataset, "orders", and a run of the job over it; a test changes it in one place to see what happens."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from glue_spark_job.main import main

# Options of a JVM that lives for seconds: the optimising compiler would cost more than it brings.
QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
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
            "customProperties": [
                {"property": "role", "value": "reference"},
                {"property": "nullValues", "value": ["", "NA"]},
            ],
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
SELECT sold, id, item, amount * (SELECT discount FROM parameters) AS price FROM orders;

CREATE OR REPLACE TEMPORARY VIEW items_sold AS
SELECT o.item, count(*) AS orders, sum(i.weight) AS weight
FROM orders AS o JOIN items AS i ON i.item = o.item GROUP BY o.item;
"""
ITEMS = "item,weight,since\ntea,100,2012-12-31\ncake,NA,\nsoap,80,2013-01-01\n"


@dataclass
class Orders:
    """A run of the job over the dataset "orders", in the directory `root`; `base` is what its URIs begin with."""

    root: Path
    base: str = ""
    contract: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(CONTRACT))
    transform: str = TRANSFORM
    rows_out: int = 4
    parameters: dict[str, object] = field(default_factory=dict)
    job_id: str = JOB_ID

    def __post_init__(self) -> None:
        self.base = self.base or str(self.root)
        self.stage(ORDERS)
        self.reference(ITEMS)

    def stage(self, rows: str, name: str = "part-0.parquet", sql: str = STAGED_SQL) -> None:
        """Writes a staged Parquet file, as the Python job does."""
        path = self.root / "staged" / f"job_id={self.job_id}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({sql.format(rows=rows)}) TO '{path}' (FORMAT parquet)")

    def reference(self, text: str, name: str = "items.csv") -> Path:
        """Writes a file of the reference "items"."""
        path = self.root / "reference" / "items" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

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

    def output(self, table: str) -> Path:
        """The directory that the table is written to."""
        return self.root / "curated" / table / f"job_id={self.job_id}"

    @property
    def manifest(self) -> Path:
        """The manifest of the Spark stage."""
        return self.root / "runs" / self.job_id / "spark.json"

    def write(self) -> None:
        """Writes the files that the arguments name."""
        (self.root / "runs" / self.job_id).mkdir(parents=True, exist_ok=True)
        python = {
            "manifest_version": 1,
            "stage": "python",
            "job_id": self.job_id,
            "dataset": "orders",
            "rows_out": self.rows_out,
            "source_uri": "s3://raw/orders/",
        }
        self.manifest.with_name("python.json").write_text(json.dumps(python), encoding="utf-8")
        (self.root / "contract.json").write_text(json.dumps(self.contract), encoding="utf-8")
        (self.root / "transform.sql").write_text(self.transform, encoding="utf-8")

    def arguments(self) -> dict[str, str]:
        """The arguments of the run."""
        base, job = self.base, self.job_id
        return {
            "--job_id": job,
            "--dataset": "orders",
            "--staged_uri": f"{base}/staged/job_id={job}/",
            "--python_manifest_uri": f"{base}/runs/{job}/python.json",
            "--contract_uri": f"{base}/contract.json",
            "--transform_uri": f"{base}/transform.sql",
            "--reference_uri": f"{base}/reference/",
            "--curated_uris": json.dumps({name: f"{base}/curated/{name}/job_id={job}/" for name in self.outputs()}),
            "--parameters": json.dumps(self.parameters),
            "--manifest_uri": f"{base}/runs/{job}/spark.json",
            "--code_version": "abc123",
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
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            query = f"SELECT {columns} FROM '{self.output(table)}/*.parquet' ORDER BY ALL"
            return connection.execute(query).fetchall()

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dataset_contract import judging, manifests, reading
from dataset_contract.manifests import FileEntry, StageResult, StageRun
from dataset_contract.model import Contract, Verdict
from dataset_contract.places import Places
from lambda_generate_param import datasets, job_id
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.datasets import Dataset
from lambda_generate_param.handler import Settings
from pipeline_tools.datasets import folders

ROOT = Path(__file__).parents[3]
ARN = "arn:aws:states:us-east-1:123456789012:execution:local-pipeline:run-1"
START = "2026-01-31T12:34:56.789Z"
JOB = job_id.make(ARN, START)
# Of the output of the dataset `orders` below.
RULES: list[dict[str, Any]] = [
    {"id": "enough", "metric": "rowCount", "mustBeGreaterThan": 10},
    {"id": "not_many", "metric": "duplicateValues", "arguments": {"properties": ["id", "note"]},
     "mustBeLessThan": 5, "unit": "percent", "severity": "warning"},
]  # fmt: skip


@pytest.fixture(scope="session")
def sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged folder sql/, as it is in the Lambda's zip: flights, and a dataset `orders` with set rules."""
    target = tmp_path_factory.mktemp("packaged") / "sql"
    shutil.copytree(ROOT / "sql" / "audit", target / "audit")
    write_dataset(target, folders.read(ROOT / "sql" / "datasets" / "flights").document)
    write_dataset(target, orders())
    return target


@pytest.fixture
def columns(sql: Path) -> AuditColumns:
    return AuditColumns.read(sql)


@pytest.fixture
def settings() -> Settings:
    return Settings(
        raw_bucket="the-raw-bucket",
        lake_bucket="the-lake-bucket",
        artifacts_bucket="the-artifacts-bucket",
        code_version="abc",
    )


def orders(**changes: Any) -> dict[str, Any]:
    """A contract with a required text parameter, a set rule on its source and two on its output."""
    column = {"name": "id", "logicalType": "integer", "physicalType": "BIGINT", "required": True}
    note = {"name": "note", "logicalType": "string", "physicalType": "VARCHAR(20)"}
    return {
        **contract(
            "orders",
            table("orders", "source", [column, note], [{"metric": "rowCount", "mustBeGreaterThan": 0}]),
            table("clean_orders", "output", [column, note], RULES),
        ),
        "version": "2.0.0",
        "customProperties": [{"property": "parameters", "value": {"note": {"type": "string"}}}],
        **changes,
    }


def table(name: str, role: str, properties: list[dict[str, Any]], quality: list[dict[str, Any]]) -> dict[str, Any]:
    custom = [{"property": "role", "value": role}]
    return {"name": name, "customProperties": custom, "properties": properties, "quality": quality}


def contract(name: str, *objects: Mapping[str, Any]) -> dict[str, Any]:
    """A contract of objects, such as `table` makes."""
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "schema": list(objects),
    }


def write_dataset(target: Path, document: Mapping[str, Any]) -> Dataset:
    """Write what packaging makes of a contract, and return it as the Lambda reads it."""
    contract = reading.parse(document)
    files = folders.DatasetFolder(contract.dataset, contract, document, {}, b"").files()
    folder = target / "datasets" / contract.dataset
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return datasets.load(target, contract.dataset)


def places(dataset: str = "orders") -> Places:
    return Places(JOB, dataset, "the-raw-bucket", "the-lake-bucket", "the-artifacts-bucket")


def verdict_documents(contract: Contract, stage: str, *, passed: bool = True) -> list[dict[str, Any]]:
    """The verdicts that a stage's manifest has: those of the outputs are Spark's."""
    outputs = {output.name for output in contract.outputs}
    return [
        judging.document(Verdict(rule, Decimal(12), passed), number)
        for number, rule in enumerate(contract.set_rules)
        if (rule.object in outputs) == (stage == manifests.SPARK)
    ]


STAGE_RUNS = {manifests.PYTHON: "3fa9c1-0-0a1b2c3d", manifests.SPARK: "3fa9c1-0-4e5f6a7b"}


def manifest(
    of: Dataset,
    stage: str,
    *,
    error: str = "",
    job: str = JOB,
    finished: str = "2026-01-31T12:36:00Z",
    **more: Any,
) -> dict[str, Any]:
    """The manifest of a stage that read 16 rows and refused 6, or its error file."""
    contract = of.contract
    run = StageRun(
        stage=stage,
        stage_run=STAGE_RUNS[stage],
        job_id=job,
        dataset=contract.dataset,
        source_uri="s3://the-raw-bucket/orders/",
        started_at=datetime(2026, 1, 31, 12, 35, tzinfo=UTC),
        finished_at=datetime.fromisoformat(finished),
        code_version="abc",
        contract_version=contract.version,
        engine="test",
        contract_hash=of.contract_hash,
    )
    rows = (16, 10, 6) if stage == manifests.PYTHON else (10, 9, 0)
    files = [FileEntry("s3://the-lake-bucket/a.parquet", 100, rows[1])]
    tables = {output.name: {"rows": 9, "bytes": 100, "files": 1} for output in contract.outputs}
    extra = {"tables": tables, "python_stage_run": STAGE_RUNS[manifests.PYTHON]} if stage == manifests.SPARK else {}
    rules = verdict_documents(contract, stage)
    result = StageResult(*rows, files, [] if error else files, rules=rules, more={**extra, **more})
    text = manifests.render_error(run, result, error) if error else manifests.render(run, result)
    document: dict[str, Any] = json.loads(text)
    return document

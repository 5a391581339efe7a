"""Runs of the job over small files, and what came of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from glue_python_job.main import main

Rows = list[tuple[Any, ...]]


def source_contract(
    properties: Sequence[Mapping[str, Any]], nulls: Sequence[str] | None = None, version: str = "1.2.3"
) -> str:
    """A contract with one source object, as JSON."""
    custom: list[dict[str, Any]] = [{"property": "role", "value": "source"}]
    if nulls is not None:
        custom.append({"property": "nullValues", "value": list(nulls)})
    schema = [{"name": "items", "customProperties": custom, "properties": list(properties)}]
    return json.dumps({"version": version, "schema": schema})


@dataclass
class Result:
    """What one run left."""

    code: int
    logs: list[dict[str, Any]]
    error: str
    staged: Rows
    rejected: Rows
    manifest: dict[str, Any]

    @property
    def refused(self) -> Rows:
        """(line_number, column_name, reason) of the refused rows, by line."""
        return sorted(((row[2], row[3], row[4]) for row in self.rejected), key=lambda row: row[0])


@dataclass
class Job:
    """Runs the job below a directory of the test's own."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def arguments(self) -> dict[str, str]:
        return {
            "job_id": "job-1",
            "dataset": "items",
            "source_uri": f"{self.root}/source/",
            "contract_uri": f"{self.root}/contract.json",
            "staged_uri": f"{self.root}/staged/job_id=job-1/",
            "rejected_uri": f"{self.root}/rejected/job_id=job-1/",
            "manifest_uri": f"{self.root}/runs/python.json",
        }

    def write(self, files: Mapping[str, bytes], contract: str) -> None:
        (self.root / "contract.json").write_text(contract, encoding="utf-8")
        (self.root / "source").mkdir(exist_ok=True)
        for name, content in files.items():
            path = self.root / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def run(self, **changed: str) -> Result:
        arguments = {**self.arguments, **changed}
        code = main([text for name, value in arguments.items() for text in (f"--{name}", value)])
        captured = self.capsys.readouterr()
        manifest = self.root / "runs" / "python.json"
        return Result(
            code=code,
            logs=[json.loads(line) for line in captured.out.splitlines()],
            error=captured.err,
            staged=read_rows(self.root / "staged"),
            rejected=read_rows(self.root / "rejected"),
            manifest=json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {},
        )

    def clean(self, files: Mapping[str, bytes], contract: str, **changed: str) -> Result:
        """Write the files, run, and check that the run succeeded."""
        self.write(files, contract)
        result = self.run(**changed)
        assert result.code == 0, result.error
        return result

    def fail(self, files: Mapping[str, bytes], contract: str, **changed: str) -> str:
        """Write the files, run, and return the one line of the error."""
        self.write(files, contract)
        result = self.run(**changed)
        assert result.code == 1
        assert result.error.startswith("error: ")
        assert result.error.count("\n") == 1
        assert not result.staged
        assert not result.manifest
        return result.error


def read_rows(directory: Path) -> Rows:
    """The rows of the Parquet files below a directory, in the order of the file names.

    A timestamp with time zone is given as text in UTC: DuckDB would need pytz to make a datetime of it.
    """
    files = sorted(str(path) for path in directory.rglob("*.parquet"))
    if not files:
        return []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        rows = f"FROM read_parquet({files}, hive_partitioning = false)"
        described = connection.execute(f"DESCRIBE {rows}").fetchall()
        names = ['"' + name.replace('"', '""') + '"' for name, *_ in described]
        zoned = ["WITH TIME ZONE" in type_ for _, type_, *_ in described]
        columns = ", ".join(f"{name}::VARCHAR" if is_zoned else name for name, is_zoned in zip(names, zoned))
        return connection.execute(f"SELECT {columns} {rows}").fetchall()


@pytest.fixture
def job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    return Job(tmp_path, capsys)


@pytest.fixture
def contract_of() -> Callable[..., str]:
    return source_contract


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Sizes so small that a few kilobytes come in many chunks, batches and passes. Yields a record's limit."""
    from glue_python_job import batches, duplicates, reader, records, rejects

    longest = 2_000
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", longest)
    monkeypatch.setattr(records, "WINDOW_BYTES", 8_000)
    monkeypatch.setattr(reader, "CHUNK_BYTES", 5_000)
    monkeypatch.setattr(batches, "FIRST_BATCH_BYTES", 20_000)
    monkeypatch.setattr(batches, "SMALLEST_BATCH_BYTES", 10_000)
    monkeypatch.setattr(batches, "LARGEST_BATCH_BYTES", 30_000)
    monkeypatch.setattr(duplicates, "ROWS_PER_PASS", 500)
    monkeypatch.setattr(rejects, "FLUSH_CHARACTERS", 20_000)
    yield longest

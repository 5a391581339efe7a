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
from tests.unit.results_database import shared_database

Rows = list[tuple[Any, ...]]


def document(
    properties: Sequence[Mapping[str, Any]],
    nulls: Sequence[str] | None = None,
    version: str = "1.2.3",
    *,
    custom: Mapping[str, Any] | None = None,
    quality: Sequence[Mapping[str, Any]] = (),
    references: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> str:
    """A contract as JSON.

    Args:
        properties: of the source object `items`.
        nulls: its nullValues.
        version: of the contract.
        custom: customProperties of the source object beside its role.
        quality: of the source object.
        references: name -> properties, custom and quality of a reference object.
        more: other elements of the contract.
    """
    own = {"role": "source", **({} if nulls is None else {"nullValues": list(nulls)}), **(custom or {})}
    schema = [_object("items", own, properties, quality)]
    for name, parts in (references or {}).items():
        own = {"role": "reference", **parts.get("custom", {})}
        schema.append(_object(name, own, parts["properties"], parts.get("quality", ())))
    schema.append(_object("made", {"role": "output"}, [{"name": "n", "logicalType": "integer"}], ()))
    about = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": "i", "name": "items", "status": "active"}
    return json.dumps({**about, "version": version, "schema": schema, **more})


def _object(
    name: str, custom: Mapping[str, Any], properties: Sequence[Mapping[str, Any]], quality: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    typed = [
        each if {"logicalType", "physicalType"} & set(each) else {**each, "logicalType": "string"}
        for each in properties
    ]
    listed = [{"property": key, "value": value} for key, value in custom.items()]
    made: dict[str, Any] = {"name": name, "customProperties": listed, "properties": typed}
    return {**made, "quality": list(quality)} if quality else made


@dataclass
class Result:
    """What one run left."""

    code: int
    logs: list[dict[str, Any]]
    error: str
    staged: Rows
    rejected: Rows
    manifest: dict[str, Any]
    failure: dict[str, Any]

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
            "attempt": "3fa9c1-0",
            "dataset": "items",
            "source_uri": f"{self.root}/source/",
            "reference_uri": f"{self.root}/reference/",
            "contract_uri": f"{self.root}/contract.json",
            "staged_uri": f"{self.root}/staged/job_id=job-1/",
            "staged_references_uri": f"{self.root}/references/job_id=job-1/",
            "rejected_uri": f"{self.root}/rejected/job_id=job-1/",
            "manifest_uri": f"{self.root}/runs/python.json",
            "load_manifest_uri": f"{self.root}/runs/load.json",
            "started_at": "2024-05-01T10:00:00.000Z",
        }

    def write(self, files: Mapping[str, bytes], contract: str) -> None:
        """Write the contract and the files of the source; names with reference/ are those of references."""
        (self.root / "contract.json").write_text(contract, encoding="utf-8")
        for folder in ("source", "reference"):
            (self.root / folder).mkdir(exist_ok=True)
        for name, content in files.items():
            folder = "" if name.startswith("reference/") else "source"
            path = self.root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def run(self, **changed: str) -> Result:
        arguments = {**self.arguments, **changed}
        code = main([text for name, value in arguments.items() for text in (f"--{name}", value)])
        captured = self.capsys.readouterr()
        return Result(
            code=code,
            logs=[json.loads(line) for line in captured.out.splitlines()],
            error=captured.err,
            staged=read_rows(self.root / "staged"),
            rejected=read_rows(self.root / "rejected" / "job_id=job-1" / self._stage_run()),
            manifest=self.manifest,
            failure=self._document("python-error.json"),
        )

    def _stage_run(self) -> str:
        """The run that the manifest is of; without one, the run that failed."""
        told = self.manifest or self._document("python-error.json")
        return str(told.get("stage_run", "none"))

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the last run, and its details; empty where there is none."""
        return self._document("python.json")

    def _document(self, name: str) -> dict[str, Any]:
        """A manifest or an error file, with its details in the place of their counts."""
        path = self.root / "runs" / name
        if not path.exists():
            return {}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        details = json.loads((self.root / "runs" / "python" / found["stage_run"] / "details.json").read_text("utf-8"))
        for field in ("files_in", "files_out", "rejected_files"):
            assert found[field] == len(details[field])
        for reference, counts in found["references"].items():
            assert counts["files"] == len(details["references"][reference])
            counts["files"] = details["references"][reference]
        return {**details, **found, **{field: details[field] for field in ("files_in", "files_out", "rejected_files")}}

    def clean(self, files: Mapping[str, bytes], contract: str, **changed: str) -> Result:
        """Write the files, run, and check that the run succeeded."""
        self.write(files, contract)
        result = self.run(**changed)
        assert result.code == 0, result.error
        return result

    def fail(self, files: Mapping[str, bytes], contract: str, **changed: str) -> str:
        """Write the files, run, and return the one line of the error."""
        return self.halt(files, contract, **changed).error

    def halt(self, files: Mapping[str, bytes], contract: str, **changed: str) -> Result:
        """Write the files, run, and check that the run failed as it has to: in one line, with no rows published."""
        self.write(files, contract)
        result = self.run(**changed)
        assert result.code == 1
        assert result.error.count("\n") == 1
        assert result.error == f"error: {result.failure['error']}\n"
        assert not result.staged
        assert not result.manifest
        return result


def read_rows(directory: Path) -> Rows:
    """The rows of the Parquet files below a directory, in the order of the file names.

    A timestamp with time zone is given as text in UTC: DuckDB would need pytz to make a datetime of it.
    """
    files = sorted(str(path) for path in directory.rglob("*.parquet"))
    if not files:
        return []
    connection = shared_database()
    rows = f"FROM read_parquet({files}, hive_partitioning = false)"
    described = connection.execute(f"DESCRIBE {rows}").fetchall()
    names = ['"' + name.replace('"', '""') + '"' for name, *_ in described]
    zoned = ["WITH TIME ZONE" in type_ for _, type_, *_ in described]
    columns = ", ".join(f"{name}::VARCHAR" if is_zoned else name for name, is_zoned in zip(names, zoned))
    return connection.execute(f"SELECT {columns} {rows}").fetchall()


@pytest.fixture
def job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Job:
    return Job(tmp_path, capsys)


@pytest.fixture(scope="session")
def database() -> duckdb.DuckDBPyConnection:
    return shared_database()


@pytest.fixture
def contract_of() -> Callable[..., str]:
    return document


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Sizes so small that a few kilobytes come in many chunks, batches and passes. Yields a record's limit."""
    from glue_python_job.cleaning import batches, duplicates, rejects
    from glue_python_job.text import reader, records

    longest = 2_000
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", longest)
    monkeypatch.setattr(records, "WINDOW_BYTES", 8_000)
    monkeypatch.setattr(reader, "CHUNK_BYTES", 5_000)
    monkeypatch.setattr(batches, "FIRST_BATCH_BYTES", 20_000)
    monkeypatch.setattr(batches, "SMALLEST_BATCH_BYTES", 10_000)
    monkeypatch.setattr(batches, "LARGEST_BATCH_BYTES", 30_000)
    monkeypatch.setattr(batches, "SEVERAL_FILES_BYTES", 15_000)
    monkeypatch.setattr(duplicates, "ROWS_PER_PASS", 500)
    monkeypatch.setattr(rejects, "FLUSH_CHARACTERS", 20_000)
    yield longest

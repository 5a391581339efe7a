"""The manifests by which stages hand over: what the Python stage says it wrote, and what this stage says it wrote."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from glue_spark_job.arguments import Arguments
from glue_spark_job.errors import JobError
from glue_spark_job.logs import utc_text
from glue_spark_job.storage import ParquetFile

STAGE = "spark"
PREVIOUS_STAGE = "python"
_VERSION = 1


@dataclass(frozen=True)
class PythonManifest:
    """What this stage needs of python.json. `rows_out` is the number of rows that were staged."""

    rows_out: int
    source_uri: str


@dataclass(frozen=True)
class Result:
    """What one run of this stage read and wrote."""

    staged: Sequence[ParquetFile]
    tables: Mapping[str, Sequence[ParquetFile]]
    parameters: Mapping[str, object]
    contract_version: str
    spark_version: str
    started_at: datetime
    finished_at: datetime


def read_python(text: str, arguments: Arguments) -> PythonManifest:
    """The manifest of the Python stage in `text`. Raises JobError where it is not one, or is another run's."""
    where = f"python manifest {arguments.python_manifest_uri}"
    advice = "run the Python stage of this job again"
    document = _document(text)
    if document is None:
        raise JobError(f"{where} is not a JSON object; {advice}")
    for name, expected in _identity(arguments, PREVIOUS_STAGE).items():
        if document.get(name) != expected:
            raise JobError(f"{where} has {name} {document.get(name)!r}, this run has {expected!r}; {advice}")
    rows = document.get("rows_out")
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
        raise JobError(f"{where} has rows_out {rows!r}, which is no number of rows; {advice}")
    return PythonManifest(rows, str(document.get("source_uri", "")))


def is_complete(text: str, arguments: Arguments) -> bool:
    """Whether `text`, found at --manifest_uri, shows that this run's Spark stage is done.

    A cut-off document shows nothing. Raises JobError where it is the manifest of another run, which must not be lost.
    """
    document = _document(text)
    if document is None:
        return False
    for name, expected in _identity(arguments, STAGE).items():
        if document.get(name) != expected:
            raise JobError(
                f"--manifest_uri {arguments.manifest_uri} holds a manifest with {name} {document.get(name)!r}, this "
                f"run has {expected!r}; give every run its own URI"
            )
    return True


def render(result: Result, arguments: Arguments, source_uri: str) -> str:
    """The text of spark.json."""
    written = [file for files in result.tables.values() for file in files]
    document = {
        "manifest_version": _VERSION,
        **_identity(arguments, STAGE),
        "source_uri": source_uri,
        "parameters": dict(result.parameters),
        "rows_in": _rows(result.staged),
        "rows_out": _rows(written),
        "rows_rejected": 0,
        "bytes_in": _bytes(result.staged),
        "bytes_out": _bytes(written),
        "files_in": [asdict(file) for file in result.staged],
        "files_out": [asdict(file) for file in written],
        "rejected_files": [],
        "rejected_reasons": {},
        "tables": {
            name: {
                "uri": arguments.curated_uris[name],
                "rows": _rows(files),
                "bytes": _bytes(files),
                "files": len(files),
            }
            for name, files in result.tables.items()
        },
        "started_at": utc_text(result.started_at),
        "finished_at": utc_text(result.finished_at),
        "seconds": round((result.finished_at - result.started_at).total_seconds(), 3),
        "code_version": arguments.code_version,
        "contract_version": result.contract_version,
        "engine": f"spark {result.spark_version}, python {platform.python_version()}",
    }
    return json.dumps(document, indent=2, sort_keys=True, default=str) + "\n"


def _identity(arguments: Arguments, stage: str) -> dict[str, object]:
    return {"stage": stage, "job_id": arguments.job_id, "dataset": arguments.dataset}


def _document(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _rows(files: Sequence[ParquetFile]) -> int:
    return sum(file.rows for file in files)


def _bytes(files: Sequence[ParquetFile]) -> int:
    return sum(file.bytes for file in files)

"""The manifest of the stage: what it read and wrote. It is published last, and so says that the stage is complete."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from glue_python_job.arguments import Arguments
from glue_python_job.log import STAGE, iso
from glue_python_job.results import Counts, FileRows

VERSION = 1


@dataclass(frozen=True)
class Run:
    """When and with what a stage ran."""

    started_at: datetime
    finished_at: datetime
    contract_version: str
    engine: str


@dataclass(frozen=True)
class Published:
    """The files read and the files written."""

    sources: list[FileRows]
    staged: list[FileRows]
    rejected: list[FileRows]


def render(arguments: Arguments, counts: Counts, files: Published, run: Run) -> str:
    """The document: JSON with sorted keys. Bytes are those of the stored files, rows are exact."""
    document = {
        "manifest_version": VERSION,
        "stage": STAGE,
        "job_id": arguments.job_id,
        "dataset": arguments.dataset,
        "source_uri": arguments.source_uri,
        "rows_in": counts.rows_in,
        "rows_out": counts.staged,
        "rows_rejected": counts.rejected,
        "bytes_in": sum(file.bytes for file in files.sources),
        "bytes_out": sum(file.bytes for file in files.staged),
        "files_in": [asdict(file) for file in files.sources],
        "files_out": [asdict(file) for file in files.staged],
        "rejected_files": [asdict(file) for file in files.rejected],
        "rejected_reasons": dict(counts.reasons),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "seconds": round((run.finished_at - run.started_at).total_seconds(), 3),
        "code_version": arguments.code_version,
        "contract_version": run.contract_version,
        "engine": run.engine,
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def is_complete(text: str | None, arguments: Arguments) -> bool:
    """Whether `text` is the manifest that this stage wrote for this job."""
    try:
        document = json.loads(text or "null")
    except json.JSONDecodeError:
        return False
    expected = {
        "manifest_version": VERSION,
        "stage": STAGE,
        "job_id": arguments.job_id,
        "dataset": arguments.dataset,
    }
    return isinstance(document, dict) and all(document.get(key) == value for key, value in expected.items())

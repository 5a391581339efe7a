"""What this stage tells the next one, and people: spark.json, spark-details.json, and spark-error.json of a failure."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dataset_contract import judging, manifests, places
from dataset_contract.manifests import FileEntry, StageResult, StageRun
from dataset_contract.model import Verdict
from glue_spark_job.arguments import Arguments
from glue_spark_job.output import Written
from glue_spark_job.storage import ParquetFile


@dataclass
class Progress:
    """What is known of a run so far. The report of a failed run is what was known when it failed."""

    spark_version: str
    stage_run: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    contract_version: str = ""
    contract_hash: str = ""
    source_uri: str = ""
    python_stage_run: str = ""  # whose rows are read
    staged: Sequence[ParquetFile] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    tables: dict[str, Written] = field(default_factory=dict)  # those that are complete
    verdicts: Sequence[tuple[int, Verdict]] = ()  # with their positions in the contract's set rules


def details(progress: Progress, arguments: Arguments) -> str:
    """The text of spark-details.json."""
    return manifests.render_details(_run(progress, arguments), _result(progress, arguments))


def manifest(progress: Progress, arguments: Arguments) -> str:
    """The text of spark.json."""
    return manifests.render(_run(progress, arguments), _result(progress, arguments))


def copy_manifest(written: Written) -> str:
    """The text of copy/<table>.manifest: the files that were written, for Redshift's COPY."""
    return manifests.render_copy(_entries(written.files))


def failure(progress: Progress, arguments: Arguments, error: str) -> str:
    """The text of spark-error.json."""
    return manifests.render_error(_run(progress, arguments), _result(progress, arguments), error)


def _run(progress: Progress, arguments: Arguments) -> StageRun:
    return StageRun(
        stage=manifests.SPARK,
        stage_run=progress.stage_run,
        job_id=arguments.job_id,
        dataset=arguments.dataset,
        source_uri=progress.source_uri,
        started_at=progress.started_at,
        finished_at=datetime.now(UTC),
        code_version=arguments.code_version,
        contract_version=progress.contract_version,
        engine=f"spark {progress.spark_version}, python {platform.python_version()}",
        contract_hash=progress.contract_hash,
    )


def _result(progress: Progress, arguments: Arguments) -> StageResult:
    written = [file for table in progress.tables.values() for file in table.files]
    return StageResult(
        rows_in=sum(file.rows for file in progress.staged),
        rows_out=sum(file.rows for file in written),
        rows_rejected=0,
        files_in=_entries(progress.staged),
        files_out=_entries(written),
        rules=[judging.document(verdict, number) for number, verdict in progress.verdicts],
        more={
            "python_stage_run": progress.python_stage_run,
            "execution_started_at": manifests.utc_text(arguments.started_at),
            "tables": {
                name: {
                    "uri": places.of_run(arguments.curated_uris[name], progress.stage_run),
                    "rows": table.rows,
                    "bytes": table.bytes,
                    "files": len(table.files),
                }
                for name, table in progress.tables.items()
            },
        },
        details={"parameters": dict(progress.parameters)},
    )


def _entries(files: Sequence[ParquetFile]) -> list[FileEntry]:
    return [FileEntry(file.uri, file.bytes, file.rows) for file in files]

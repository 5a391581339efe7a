"""Ask S3 for the files and documents of a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from dataset_contract.json_types import JsonMapping
from dataset_contract.places import Places, bucket_and_key, curated_of, details_of, failure_of, of_run, runs_of
from pipeline.evidence.asking import Asker
from pipeline.evidence.model import Answer, Lake, Objects
from pipeline.jobs import Job
from pipeline.stacks import Stack

_DOCUMENTS = ("python", "python-error", "spark", "spark-error", "load")


def places(stack: Stack, job: Job) -> Places:
    """Where the files of a job lie."""
    out = stack.outputs
    return Places(job.job_id, job.dataset or "-", out["raw_bucket"], out["lake_bucket"], out["artifacts_bucket"])


def key_of(at: Places, document: str) -> str:
    """The key of a document of a job, such as python or python-error."""
    stage, _, kind = document.partition("-")
    key = at.manifest_key(stage)
    return failure_of(key) if kind else key


def look(stack: Stack, asker: Asker, job: Job) -> Callable[[], Lake]:
    """Start asking for all of it; the function that is returned waits for the answers."""
    at = places(stack, job)
    documents = {name: asker.ask(_document, stack, at.lake_bucket, key_of(at, name)) for name in _DOCUMENTS}
    runs = asker.ask(_objects, stack, f"s3://{at.lake_bucket}/{runs_of(job.job_id)}")

    def whole() -> Lake:
        read = {name: future.result() for name, future in documents.items()}
        told = read["python"].value or read["python-error"].value or {}
        details = asker.ask(_details, stack, at, told.get("stage_run"))
        curated = asker.ask(_curated, stack, at, read["spark"].value or {})
        # What an earlier run has left does not stand in for what is gone of the one that the job has.
        of_python = (at.staged(), at.staged_references(), at.rejected())
        staged, references, rejected = (asker.ask(_objects, stack, _of(told, directory)) for directory in of_python)
        tables = curated.result()
        by_table: Mapping[str, Answer[Objects]] = {
            name: Answer(objects) for name, objects in sorted((tables.value or {}).items())
        }
        if tables.problem:
            by_table = {"(any)": Answer(problem=tables.problem)}
        read["python-details"] = details.result()
        return Lake(staged.result(), references.result(), rejected.result(), by_table, runs.result(), read)

    return whole


def _of(manifest: JsonMapping, directory: str) -> str:
    """What the run that a manifest is of has below a directory; all of it where no run is known."""
    run = manifest.get("stage_run")
    return of_run(directory, str(run)) if run else directory


def _objects(stack: Stack, uri: str) -> Objects | None:
    bucket, prefix = bucket_and_key(uri)
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [each for page in pages for each in page.get("Contents", [])]
    if not found:
        return None
    newest = max(each["LastModified"] for each in found)
    return Objects(uri, {each["Key"].removeprefix(prefix): each["Size"] for each in found}, newest)


def _curated(stack: Stack, at: Places, manifest: JsonMapping) -> dict[str, Objects]:
    """The objects of each table that the manifest names, or that has a folder below curated/<dataset>/."""
    tables = list(manifest.get("tables", {})) or _folders(stack, at)
    found = {table: _objects(stack, _of(manifest, at.curated(table))) for table in tables}
    return {table: objects for table, objects in found.items() if objects}


def _folders(stack: Stack, at: Places) -> list[str]:
    prefix = curated_of(at.dataset)
    pages = stack.client("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=at.lake_bucket, Prefix=prefix, Delimiter="/")
    folders = [each["Prefix"] for page in listed for each in page.get("CommonPrefixes", [])]
    return [folder.removeprefix(prefix).rstrip("/") for folder in folders]


def _details(stack: Stack, at: Places, stage_run: object) -> JsonMapping | None:
    """What the run of the Python stage that the job has read and wrote, file by file."""
    key = details_of(at.manifest_key("python"), str(stage_run))
    return _document(stack, at.lake_bucket, key) if stage_run else None


def _document(stack: Stack, bucket: str, key: str) -> JsonMapping | None:
    document = json.loads(stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return document if isinstance(document, dict) else None

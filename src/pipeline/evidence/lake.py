"""Ask S3 for the files and documents of a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from dataset_contract.json_types import JsonMapping
from dataset_contract.places import Places, bucket_and_key, details_of, failure_of
from pipeline.evidence.asking import Asker, answer
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
    staged, rejected = asker.ask(_objects, stack, at.staged()), asker.ask(_objects, stack, at.rejected())
    curated = asker.ask(_curated, stack, at)
    lists = asker.ask(_lists, stack, at)
    documents = {name: asker.ask(_document, stack, at.lake_bucket, key_of(at, name)) for name in _DOCUMENTS}

    def whole() -> Lake:
        tables = curated.result()
        by_table: Mapping[str, Answer[Objects]] = {
            name: Answer(objects) for name, objects in sorted((tables.value or {}).items())
        }
        if tables.problem:
            by_table = {"(any)": Answer(problem=tables.problem)}
        read = {name: future.result() for name, future in documents.items()}
        told = read["python"].value or read["python-error"].value or {}
        read["python-details"] = answer(_details, stack, at, told.get("stage_run"))
        return Lake(staged.result(), rejected.result(), by_table, lists.result(), read)

    return whole


def _objects(stack: Stack, uri: str) -> Objects | None:
    bucket, prefix = bucket_and_key(uri)
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = [each for page in pages for each in page.get("Contents", [])]
    if not found:
        return None
    newest = max(each["LastModified"] for each in found)
    return Objects(uri, len(found), sum(each["Size"] for each in found), newest)


def _curated(stack: Stack, at: Places) -> dict[str, Objects]:
    """The objects of each table, which has a folder below curated/<dataset>/."""
    prefix = at.curated("").partition(f"{at.lake_bucket}/")[2].partition("//")[0] + "/"
    pages = stack.client("s3").get_paginator("list_objects_v2")
    listed = pages.paginate(Bucket=at.lake_bucket, Prefix=prefix, Delimiter="/")
    folders = [each["Prefix"] for page in listed for each in page.get("CommonPrefixes", [])]
    tables = [folder.removeprefix(prefix).rstrip("/") for folder in folders]
    found = {table: _objects(stack, at.curated(table)) for table in tables}
    return {table: objects for table, objects in found.items() if objects}


def _lists(stack: Stack, at: Places) -> list[str] | None:
    """The lists that COPY reads, one per output table."""
    prefix = at.manifest_key("spark").removesuffix(".json") + "/"
    listed = stack.client("s3").list_objects_v2(Bucket=at.lake_bucket, Prefix=prefix).get("Contents", [])
    keys = [each["Key"].rpartition("/") for each in listed]
    return sorted({name for directory, _, name in keys if directory.endswith("/copy")}) or None


def _details(stack: Stack, at: Places, stage_run: object) -> JsonMapping | None:
    """What the run of the Python stage that the job has read and wrote, file by file."""
    key = details_of(at.manifest_key("python"), str(stage_run))
    return _document(stack, at.lake_bucket, key) if stage_run else None


def _document(stack: Stack, bucket: str, key: str) -> JsonMapping | None:
    document = json.loads(stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return document if isinstance(document, dict) else None

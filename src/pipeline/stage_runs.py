"""Which run of a stage a job has: each run of a stage writes into directories of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dataset_contract.places import Places, failure_of

if TYPE_CHECKING:
    from pipeline.stacks import Stack


def told(stack: Stack, at: Places, stage: str) -> str | None:
    """The run that the manifest of a stage is of; without one, the run that failed last; None where neither is told."""
    s3 = stack.client("s3")
    key = at.manifest_key(stage)
    for each in (key, failure_of(key)):
        try:
            document = json.loads(s3.get_object(Bucket=at.lake_bucket, Key=each)["Body"].read())
        except s3.exceptions.NoSuchKey:
            continue
        if isinstance(document, dict) and isinstance(document.get("stage_run"), str):
            return str(document["stage_run"])
    return None

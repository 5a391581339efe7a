"""The datasets of a deployment: their contracts, read from where the jobs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataset_contract import reading
from dataset_contract.errors import ContractError
from dataset_contract.naming import as_json, near
from dataset_contract.places import Places, bucket_and_key
from pipeline import job_records
from pipeline.errors import PipelineError, UsageError

if TYPE_CHECKING:
    from dataset_contract.model import Contract
    from pipeline.stacks import Stack

_FOLDER = "sql/datasets/"


def names(stack: Stack) -> list[str]:
    """The names of the deployed datasets, sorted."""
    pages = stack.client("s3").get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=stack.outputs["artifacts_bucket"], Prefix=_FOLDER, Delimiter="/")
    folders = [folder["Prefix"] for page in found for folder in page.get("CommonPrefixes", [])]
    return sorted(folder.removeprefix(_FOLDER).rstrip("/") for folder in folders)


def check_known(stack: Stack, name: str) -> None:
    """Raises UsageError where a dataset is not deployed and has no job; the message names those that are or have."""
    deployed = names(stack)
    if name in deployed:
        return
    try:
        recorded = job_records.datasets(stack)
    except job_records.WarehouseError:  # who lists jobs is told so then
        return
    known = sorted({*deployed, *recorded})
    if name not in known:
        raise UsageError(f"dataset {as_json(name)} is unknown{near(name, known)}; known: {', '.join(known) or 'none'}")


def load(stack: Stack, name: str) -> Contract:
    """The contract of a dataset.

    Raises:
        UsageError: there is no such dataset; the message names those that are deployed.
        PipelineError: its contract is of a version that this client does not read.
    """
    client = stack.client("s3")
    place = Places("", name, "", "", stack.outputs["artifacts_bucket"]).artifact("contract.json")
    bucket, key = bucket_and_key(place)
    try:
        text = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except client.exceptions.NoSuchKey:
        known = names(stack)
        raise UsageError(
            f"dataset {as_json(name)} is unknown{near(name, known)}; deployed: {', '.join(known) or 'none'}"
        ) from None
    try:
        return reading.parse_text(text, f"s3://{bucket}/{key}")
    except ContractError as error:
        raise PipelineError(f"s3://{bucket}/{key}: {error}; is this client as new as the deployment?") from error

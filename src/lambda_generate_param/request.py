"""The execution input: what a caller of the pipeline may ask for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from dataset_contract import parameters
from dataset_contract.json_types import JsonMapping
from dataset_contract.model import MERGE, REPLACE, REPLACE_PARTITION, Contract
from dataset_contract.naming import as_json, as_name, near
from dataset_contract.parameters import ParameterError
from lambda_generate_param import datasets, job_id
from lambda_generate_param.audit import AuditColumns, TooLongError
from lambda_generate_param.datasets import Dataset, UnknownDatasetError

FIELDS = ("dataset", "source_uri", "parameters", "repeat", "replays")

_KEY_ALPHABET = "letters, digits and !_.()=+,@/-"

# Bucket: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. Key: the characters that AWS
# calls safe, and "=" for partition folders; no quote can reach a SQL text or a command line this way.
_S3_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/[0-9A-Za-z!_.()=+,@/-]{1,900}")


class InvalidInputError(ValueError):
    """The execution input is not accepted; the message names the field, the value and what is accepted."""


@dataclass(frozen=True)
class Request:
    """A checked execution input."""

    dataset: Dataset
    source_uri: str
    parameters: JsonMapping
    repeat: bool  # files that an earlier job has loaded may be loaded again
    replays: str | None = None  # the job whose rejected rows come again, mended

    @property
    def parameters_json(self) -> str:
        """As audit.job_run keeps them."""
        return json.dumps(dict(self.parameters), sort_keys=True, ensure_ascii=False)


def parse(document: object, *, sql: Path, raw_bucket: str) -> Request:
    """Check an execution input against the packaged datasets, and its values against the columns that keep them.

    Args:
        document: the input as JSON gives it.
        sql: the packaged folder sql/.
        raw_bucket: the bucket that the jobs' roles may read.

    Raises:
        InvalidInputError: with the field, the value and what is accepted.
    """
    if not isinstance(document, dict):
        raise InvalidInputError(
            f"the execution input is {as_json(document)}; accepted: an object with {_listed(FIELDS)}"
        )
    for field in document:
        if field not in FIELDS:
            raise InvalidInputError(
                f"{as_name(field)} is an unknown field{near(field, FIELDS)}; accepted: {_listed(FIELDS)}"
            )
    for field in ("dataset", "source_uri"):
        if not isinstance(document.get(field), str) or not document[field]:
            raise InvalidInputError(f"{field} is {as_json(document.get(field))}; accepted: a non-empty text")
    given = document.get("parameters", {})
    if not isinstance(given, dict):
        raise InvalidInputError(f"parameters is {as_json(given)}; accepted: an object of names and values")
    repeat = document.get("repeat", False)
    if not isinstance(repeat, bool):
        raise InvalidInputError(f"repeat is {as_json(repeat)}; accepted: true or false")
    try:
        dataset = datasets.load(sql, document["dataset"])
        resolved = parameters.resolve(dataset.contract, given)
    except (UnknownDatasetError, ParameterError) as error:
        raise InvalidInputError(str(error)) from error
    uri, replays = source_uri(document["source_uri"], raw_bucket), _replays(document.get("replays"), dataset)
    asked = Request(dataset, uri, resolved, repeat, replays)
    _check_size(asked, AuditColumns.read(sql))
    return asked


def _replays(given: object, dataset: Dataset) -> str | None:
    """The job that is replayed. Whether there is such a job, registration finds out (sql/audit/register.sql)."""
    if given is None:
        return None
    if not isinstance(given, str) or not job_id.is_job_id(given):
        raise InvalidInputError(f"replays is {as_json(given)}; accepted: the ID of an earlier job, {job_id.FORM}")
    check_replayable(dataset.contract, given)
    return given


def check_replayable(contract: Contract, given: str) -> None:
    """Raises InvalidInputError where an output's load mode lets a replay of the job `given` harm what is loaded."""
    for output in contract.outputs:
        if output.load.mode in (REPLACE, REPLACE_PARTITION):
            raise InvalidInputError(
                f"replays is {as_json(given)}, and output {output.name} has load mode {output.load.mode}, by which the "
                "mended rows would take the place of those that the job has loaded; accepted: datasets whose outputs "
                "append, or merge with orderBy; mend the source itself, and start a job of all of it"
            )
        if output.load.mode == MERGE and not output.load.order_by:
            raise InvalidInputError(
                f"replays is {as_json(given)}, and output {output.name} merges without orderBy, by which a mended row "
                "would take the place of one that has come since; accepted: datasets whose outputs append, or merge "
                "with orderBy"
            )


def source_uri(uri: str, raw_bucket: str) -> str:
    """The URI, if it is a place in the raw bucket.

    Raises:
        InvalidInputError: it is of another form, or elsewhere.
    """
    match = _S3_URI.fullmatch(uri)
    if not match:
        raise InvalidInputError(
            f"source_uri is {as_json(uri)}; accepted: s3://bucket/prefix/ or s3://bucket/key, "
            f"the key at most 900 characters: {_KEY_ALPHABET}"
        )
    if match[1] != raw_bucket:
        raise InvalidInputError(
            f"source_uri is {as_json(uri)}; accepted: a place in the raw bucket, s3://{raw_bucket}/"
        )
    return uri


def _check_size(asked: Request, columns: AuditColumns) -> None:
    # The columns of the dataset and the URI hold whatever is accepted of them.
    try:
        columns.check("job_run", "parameters", asked.parameters_json)
    except TooLongError as error:
        texts = {name: str(value) for name, value in asked.parameters.items()}
        longest = max(texts, key=lambda name: len(texts[name]))
        raise InvalidInputError(
            f"parameters.{longest} is {as_json(texts[longest])}; with it, parameters as JSON {error}"
        ) from error


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)

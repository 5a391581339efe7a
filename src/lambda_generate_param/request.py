"""The execution input: what a caller of the pipeline may ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lambda_generate_param import datasets
from lambda_generate_param.datasets import Dataset, ParameterValue

FIELDS = ("dataset", "source_uri", "parameters")

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
    parameters: Mapping[str, ParameterValue]


def parse(document: Any, *, sql: Path, raw_bucket: str) -> Request:
    """Check an execution input against the packaged datasets.

    Args:
        document: the input as JSON gives it.
        sql: the packaged folder sql/.
        raw_bucket: the bucket that the jobs' roles may read.

    Raises:
        InvalidInputError: with the field, the value and what is accepted.
    """
    if not isinstance(document, dict):
        raise InvalidInputError(f"the execution input is {document!r}; accepted: an object with {', '.join(FIELDS)}")
    for field in document:
        if field not in FIELDS:
            raise InvalidInputError(f"{field} is an unknown field; accepted: {', '.join(FIELDS)}")
    for field in ("dataset", "source_uri"):
        if not isinstance(document.get(field), str) or not document[field]:
            raise InvalidInputError(f"{field} is {document.get(field)!r}; accepted: a non-empty text")
    parameters = document.get("parameters", {})
    if not isinstance(parameters, dict):
        raise InvalidInputError(f"parameters is {parameters!r}; accepted: an object of names and values")
    try:
        dataset = datasets.load(sql, document["dataset"])
        resolved = dataset.resolve(parameters)
    except (datasets.UnknownDatasetError, datasets.ParameterError) as error:
        raise InvalidInputError(str(error)) from error
    return Request(dataset, _source_uri(document["source_uri"], raw_bucket), resolved)


def _source_uri(uri: str, raw_bucket: str) -> str:
    match = _S3_URI.fullmatch(uri)
    if not match:
        raise InvalidInputError(
            f"source_uri is {uri!r}; accepted: s3://bucket/prefix/ or s3://bucket/key of {_KEY_ALPHABET}"
        )
    if match[1] != raw_bucket:
        raise InvalidInputError(f"source_uri is {uri!r}; accepted: a place in the raw bucket, s3://{raw_bucket}/")
    return uri

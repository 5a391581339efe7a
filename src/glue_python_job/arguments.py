"""The arguments of the job, as Glue passes them: `--name value` pairs, with some of Glue's own among them."""

from __future__ import annotations

import argparse
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from dataset_contract.manifests import ATTEMPT
from dataset_contract.places import bucket_and_key
from glue_python_job.errors import ArgumentsError

REQUIRED = (
    "job_id",
    "attempt",
    "dataset",
    "source_uri",
    "reference_uri",
    "contract_uri",
    "staged_uri",
    "staged_references_uri",
    "rejected_uri",
    "manifest_uri",
    "load_manifest_uri",
    "started_at",
)
URIS = tuple(name for name in REQUIRED if name.endswith("_uri"))
OUTPUTS = ("staged_uri", "staged_references_uri", "rejected_uri")

UNITS = {"MB": 1000**2, "GB": 1000**3, "MIB": 1024**2, "GIB": 1024**3}
SMALLEST_MEMORY = 128 * 1000**2  # below, DuckDB cannot hold its CSV buffers and one Parquet row group


@dataclass(frozen=True)
class Arguments:
    """What one run is asked to do. Directory URIs end with a slash."""

    job_id: str
    attempt: str  # of the execution, and its redrive count; a part of file names
    dataset: str
    source_uri: str  # a file, or a directory
    reference_uri: str  # a directory for each reference object is below it
    contract_uri: str
    staged_uri: str
    staged_references_uri: str  # a directory for each reference object is written below it
    rejected_uri: str
    manifest_uri: str
    load_manifest_uri: str  # is there once the job is loaded
    started_at: datetime  # of the execution, with a zone: what latency is measured against
    code_version: str
    memory_limit: int  # DuckDB's, in bytes


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentsError(f"{message}; required are {', '.join('--' + name for name in REQUIRED)}")


def parse(argv: Sequence[str]) -> Arguments:
    """Read the command line. Unknown arguments are ignored: Glue adds its own.

    Raises:
        ArgumentsError: an argument is missing, empty or malformed; the message names it.
    """
    parser = _Parser(prog="glue_python_job", allow_abbrev=False, add_help=False)
    for name in REQUIRED:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--code_version", default="unknown")
    parser.add_argument("--memory_limit", default="512MB")
    values = dict(vars(parser.parse_known_args(list(argv))[0]))
    for name in REQUIRED:
        if not values[name].strip():
            raise ArgumentsError(f"--{name} is empty; give it a value")
    if not re.fullmatch(ATTEMPT, values["attempt"]):
        raise ArgumentsError(f"--attempt {values['attempt']!r} is not one; accepted: {ATTEMPT}")
    for name in URIS:
        _check_uri(name, values[name])
    for name in ("reference_uri", *OUTPUTS):
        values[name] = values[name].rstrip("/") + "/"
    _check_apart(values)
    values["started_at"] = _moment(values["started_at"])
    values["memory_limit"] = _bytes(values["memory_limit"])
    return Arguments(**values)


def _check_uri(name: str, uri: str) -> None:
    if uri.startswith("s3://"):
        bucket, key = bucket_and_key(uri)
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
            raise ArgumentsError(f"--{name} {uri!r} has no valid bucket name; write s3://bucket/key")
        if not key.strip("/") and name != "source_uri":
            raise ArgumentsError(f"--{name} {uri!r} has no key; write s3://bucket/key")
    elif not uri.startswith(("/", "file:///")):
        raise ArgumentsError(
            f"--{name} {uri!r} is not a URI of a known kind; write s3://bucket/key or an absolute path"
        )
    elif name != "source_uri" and not uri.replace("file://", "").strip("/"):
        raise ArgumentsError(f"--{name} {uri!r} is the root directory; name a directory of this job's own")


def _check_apart(values: dict[str, str]) -> None:
    # A run that is complete deletes what other runs left below its output directories: nothing else may lie there, and
    # they below nothing that is read.
    trees = {name: _tree(values[name]) for name in URIS}
    for output in OUTPUTS:
        for other in URIS:
            nested = trees[other].startswith(trees[output]) or (
                other not in ("manifest_uri", "load_manifest_uri") and trees[output].startswith(trees[other])
            )
            if other != output and nested:
                raise ArgumentsError(
                    f"--{output} {values[output]!r} and --{other} {values[other]!r} overlap; what other runs left "
                    "below an output directory is deleted, so give it a directory of its own"
                )


def _tree(uri: str) -> str:
    path = uri.rstrip("/") if uri.startswith("s3://") else posixpath.normpath(uri.replace("file://", "", 1))
    return path + "/"


def _moment(text: str) -> datetime:
    wrong = f"--started_at {text!r} is not a moment; write it as 2024-05-01T10:00:00.000Z"
    try:
        moment = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text.strip()))
    except ValueError as error:
        raise ArgumentsError(wrong) from error
    if moment.tzinfo is None:
        raise ArgumentsError(wrong)
    return moment


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", text.strip())
    unit = UNITS.get(match[2].upper()) if match else None
    if not match or not unit:
        raise ArgumentsError(f"--memory_limit {text!r} is not a size; write for example 512MB or 2GiB")
    size = int(float(match[1]) * unit)
    if size < SMALLEST_MEMORY:
        raise ArgumentsError(f"--memory_limit {text!r} is too small; the smallest is 128MB")
    return size

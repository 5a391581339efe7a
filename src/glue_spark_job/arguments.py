"""The command line of the job: `--name value` pairs, as Glue passes them."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from dataset_contract.manifests import ATTEMPT
from glue_spark_job.errors import ArgumentsError

_URI = re.compile(r"s3://[^/]+/.*|file:///.*|/.*", re.DOTALL)
_DIRECTORIES = ("staged_uri", "staged_references_uri")
_FILES = ("python_manifest_uri", "contract_uri", "transform_uri", "manifest_uri", "load_manifest_uri")


@dataclass(frozen=True)
class Arguments:
    """What one run is asked to do. URIs are s3://bucket/key, an absolute path or file:///; directories end in "/".

    Attributes:
        attempt: of the execution, and its redrive count; a part of file names.
        load_manifest_uri: is there once the job is loaded.
        started_at: the start of the execution, aware of its zone.
    """

    job_id: str
    attempt: str
    dataset: str
    staged_uri: str
    python_manifest_uri: str
    contract_uri: str
    transform_uri: str
    staged_references_uri: str
    curated_uris: Mapping[str, str]
    parameters: Mapping[str, object]
    manifest_uri: str
    load_manifest_uri: str
    code_version: str
    started_at: datetime
    job_name: str


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentsError(f"{message}; run main.py --help for the list of arguments")


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments in `argv` (without the program's name).

    Unknown arguments are ignored: Glue adds its own (--JOB_NAME, --TempDir, …).
    Raises ArgumentsError for one that is missing or malformed.
    """
    known, _ = _parser().parse_known_args(list(argv))
    for name in ("job_id", "dataset"):
        if not getattr(known, name).strip():
            raise ArgumentsError(f"--{name} is empty; pass the value that the pipeline made for this run")
    if not re.fullmatch(ATTEMPT, known.attempt):
        raise ArgumentsError(f"--attempt is {json.dumps(known.attempt)}; accepted: {ATTEMPT}")
    curated = _object("curated_uris", known.curated_uris)
    for table, uri in curated.items():
        curated[table] = _directory(f'--curated_uris, table "{table}"', uri)
    for name in _DIRECTORIES:
        setattr(known, name, _directory(f"--{name}", getattr(known, name)))
    for name in _FILES:
        _check_uri(f"--{name}", getattr(known, name))
    known.started_at = _moment("started_at", known.started_at)
    known.curated_uris = curated
    known.parameters = _object("parameters", known.parameters)
    known.job_name = known.job_name or "glue_spark_job"
    arguments = Arguments(**vars(known))
    _check_outputs(arguments)
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="glue_spark_job", description=__doc__, allow_abbrev=False)
    required = {
        "job_id": "the ID of this run, passed on unchanged",
        "attempt": "the attempt at the job: what names an execution, and its redrive count",
        "dataset": "the dataset's name",
        "staged_uri": "directory of the staged Parquet files",
        "python_manifest_uri": "the manifest of the Python stage",
        "contract_uri": "contract.json of the dataset",
        "transform_uri": "transform.sql of the dataset",
        "staged_references_uri": "directory with one folder of Parquet files for each reference of the contract",
        "curated_uris": "JSON object: output table -> directory",
        "parameters": "JSON object: parameter -> value",
        "manifest_uri": "where this stage's manifest goes",
        "load_manifest_uri": "where the load's manifest is, once the job is loaded",
        "started_at": "when the execution started, ISO 8601 with a zone, for the manifest",
    }
    for name, text in required.items():
        parser.add_argument(f"--{name}", required=True, help=text)
    parser.add_argument("--code_version", default="unknown", help="version of the code, for the manifest")
    parser.add_argument("--JOB_NAME", dest="job_name", default="", help="set by Glue; part of the application's name")
    return parser


def _object(name: str, text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ArgumentsError(f"--{name} is not JSON ({error}); pass an object, got: {text[:200]}") from None
    if not isinstance(value, dict):
        raise ArgumentsError(f"--{name} is not a JSON object, got: {text[:200]}")
    return value


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
    except ValueError:
        raise ArgumentsError(f"--{name} is {json.dumps(text)}; pass a moment as 2013-01-01T10:00:00.000Z") from None
    return moment


def _check_uri(label: str, uri: object) -> str:
    if not isinstance(uri, str) or not _URI.fullmatch(uri):
        raise ArgumentsError(f"{label} is {json.dumps(uri)}; pass s3://bucket/key, an absolute path or file:///path")
    return uri


def _directory(label: str, uri: object) -> str:
    text = _check_uri(label, uri)
    return text if text.endswith("/") else text + "/"


def _check_outputs(arguments: Arguments) -> None:
    """What other runs left below the output directories is deleted, so none may hold anything but this job's output."""
    others = {f"--{name}": getattr(arguments, name) for name in _DIRECTORIES + _FILES}
    for table, uri in arguments.curated_uris.items():
        label = f'--curated_uris, table "{table}"'
        if arguments.job_id not in uri:
            raise ArgumentsError(
                f"{label} is {uri}, which does not carry the job ID {arguments.job_id}; what other runs left "
                f"below it is deleted, so give every job its own, such as …/job_id={arguments.job_id}/"
            )
        for other_label, other in others.items():
            if uri.startswith(other.rstrip("/") + "/") or other.startswith(uri):
                raise ArgumentsError(f"{label} ({uri}) overlaps {other_label} ({other}); use separate places")
        others[label] = uri

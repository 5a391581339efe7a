"""The Glue jobs: which of our packages a job runs, what its parser says to arguments, what its manifest has."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from glue_python_job import manifest as python_manifest
from glue_python_job.results import Counts, FileRows
from glue_spark_job import manifest as spark_manifest
from glue_spark_job.storage import ParquetFile
from pipeline_tools.crosscheck.hcl import Infra, Module

_MOMENT = datetime(2026, 1, 31, 12, 34, 56, tzinfo=UTC)


def package(infra: Infra, module: Module) -> str:
    """The package whose main.py the job runs; it has a module `arguments`."""
    return infra.text(module, "script_uri").split("/")[-2]


def parse(package: str, arguments: Mapping[str, str]) -> Any:
    """The job's Arguments. Raises ValueError, whose text is the parser's, where it refuses them."""
    parser: Callable[[list[str]], Any] = importlib.import_module(f"{package}.arguments").parse
    try:
        return parser([part for pair in arguments.items() for part in pair])
    except Exception as error:  # each job has an error class of its own
        raise ValueError(str(error)) from error


def surplus(arguments: Mapping[str, str], parsed: Any) -> list[str]:
    """The names of arguments that the job's parser does not know."""
    known = {f"--{field.name}" for field in dataclasses.fields(parsed)}
    return sorted(set(arguments) - known)


def manifest(parsed: Any) -> str:
    """The manifest of a run with these Arguments, as the job writes it."""
    return _WRITERS[type(parsed).__module__.partition(".")[0]](parsed)


def _python(arguments: Any) -> str:
    file = FileRows(arguments.source_uri, 1, 1)
    counts = Counts(1, 1, 0)
    run = python_manifest.Run(_MOMENT, _MOMENT, "1", "sample")
    return python_manifest.render(arguments, counts, python_manifest.Published([file], [file], [file]), run)


def _spark(arguments: Any) -> str:
    tables = {name: [ParquetFile(uri, 1, 1)] for name, uri in arguments.curated_uris.items()}
    staged = [ParquetFile(arguments.staged_uri, 1, 1)]
    result = spark_manifest.Result(staged, tables, arguments.parameters, "1", "sample", _MOMENT, _MOMENT)
    return spark_manifest.render(result, arguments, "s3://sample/")


_WRITERS: dict[str, Callable[[Any], str]] = {"glue_python_job": _python, "glue_spark_job": _spark}

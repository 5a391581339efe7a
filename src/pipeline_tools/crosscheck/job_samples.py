"""The Glue jobs: which of our packages a job runs, what its parser says to arguments, what its manifest has."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dataset_contract import judging, manifests
from dataset_contract.manifests import FileEntry, StageResult, StageRun
from dataset_contract.model import Contract, DataObject, Parameter, Verdict
from glue_spark_job import report
from glue_spark_job.output import Written
from glue_spark_job.quality import Measured
from glue_spark_job.storage import ParquetFile
from lambda_generate_param.datasets import Dataset
from pipeline_tools.crosscheck.hcl import Infra, Module

_MOMENT = datetime(2026, 1, 31, 12, 34, 56, tzinfo=UTC)
_STAGE_RUN = "000000-0-00000000"


def package(infra: Infra, module: Module) -> str:
    """The package whose main.py the job runs; it has a module `arguments`."""
    return infra.text(module, "script_uri").split("/")[-2]


def parse(package: str, arguments: Mapping[str, str]) -> Any:
    """The job's Arguments. Raises ValueError, whose text is the parser's, where it refuses them."""
    parser: Callable[[list[str]], Any] = importlib.import_module(f"{package}.arguments").parse
    # Each job has an error class of its own.
    refused: type[Exception] = importlib.import_module(f"{package}.errors").ArgumentsError
    try:
        return parser([part for pair in arguments.items() for part in pair])
    except refused as error:
        raise ValueError(str(error)) from error


def surplus(arguments: Mapping[str, str], parsed: Any) -> list[str]:
    """The names of arguments that the job's parser does not know."""
    known = {f"--{field.name}" for field in dataclasses.fields(parsed)}
    return sorted(set(arguments) - known)


def value(parameter: Parameter) -> Any:
    """A value that a caller may give for a parameter without a pattern."""
    for limit in (*parameter.valid_values, parameter.minimum, parameter.maximum):
        if limit is not None:
            return float(limit) if isinstance(limit, Decimal) else limit
    return {"integer": 1, "number": 1.5, "string": "sample", "boolean": True, "date": "2026-01-31"}[parameter.type]


def manifest(parsed: object, dataset: Dataset) -> str:
    """The manifest of a run with these Arguments, in which every set rule of its objects passed."""
    return _WRITERS[type(parsed).__module__.partition(".")[0]](parsed, dataset)


def _python(arguments: Any, dataset: Dataset) -> str:
    contract = dataset.contract
    run = StageRun(
        stage=manifests.PYTHON,
        stage_run=_STAGE_RUN,
        job_id=arguments.job_id,
        dataset=arguments.dataset,
        source_uri=arguments.source_uri,
        started_at=_MOMENT,
        finished_at=_MOMENT,
        code_version=arguments.code_version,
        contract_version=contract.version,
        engine="sample",
        contract_hash=dataset.contract_hash,
    )
    file = FileEntry(arguments.source_uri, 1, 1)
    rules = [
        judging.document(verdict, number)
        for number, verdict in _verdicts(contract, (contract.source, *contract.references))
    ]
    return manifests.render(run, StageResult(1, 1, 0, [file], [file], rules=rules))


def _spark(arguments: Any, dataset: Dataset) -> str:
    contract = dataset.contract
    file = ParquetFile(arguments.staged_uri, 1, 1, {})
    progress = report.Progress(
        "sample",
        _STAGE_RUN,
        python_stage_run=_STAGE_RUN,
        started_at=_MOMENT,
        contract_version=contract.version,
        contract_hash=dataset.contract_hash,
        staged=[file],
        parameters=arguments.parameters,
        tables={name: Written([file], Measured(1)) for name in arguments.curated_uris},
        verdicts=list(_verdicts(contract, contract.outputs)),
    )
    return report.manifest(progress, arguments)


def _verdicts(contract: Contract, objects: Sequence[DataObject]) -> Iterator[tuple[int, Verdict]]:
    names = {item.name for item in objects}
    for number, rule in enumerate(contract.set_rules):
        if rule.object in names:
            yield number, Verdict(rule, Decimal(1), passed=True)


_WRITERS: dict[str, Callable[[Any, Dataset], str]] = {"glue_python_job": _python, "glue_spark_job": _spark}

"""Whether a dataset's load fits into one transaction, found out by making one of a run without rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from dataset_contract import judging, manifests
from dataset_contract.manifests import PYTHON, SPARK, FileEntry, StageResult, StageRun
from dataset_contract.model import JOB_ID_LENGTH, OUTPUT, Contract, Verdict
from dataset_contract.places import Places
from lambda_generate_param import loading, verdicts
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.datasets import Dataset
from lambda_generate_param.sql_batches import SqlTemplateError, portions, split

# As long as an account lets them be: the URIs are part of the statements.
_BUCKET = "b" * 63
_JOB_ID = "j" * JOB_ID_LENGTH
_EXECUTION_ARN = "a" * 800
_STAGE_RUN = "000000-999999-00000000"  # the longest
_HASH = "0" * 16
_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)


def problem(sql: Path, contract: Contract, table_sql: str, load_sql: str) -> str | None:
    """Why no job of the dataset could be loaded, or its tables not be made; or None.

    Args:
        sql: the folder sql/, of which audit/ is read.
        contract: of the dataset.
        table_sql: as generated.
        load_sql: as generated.
    """
    dataset = Dataset(contract, _HASH, table_sql, load_sql)
    places = Places(_JOB_ID, dataset.name, _BUCKET, _BUCKET, _BUCKET)
    found = {stage: _manifest(stage, contract) for stage in (PYTHON, SPARK)}
    try:
        verdicts.check(contract, AuditColumns.read(sql))
        loading.load(sql, places, dataset, found, execution_arn=_EXECUTION_ARN, repeat=False, code_version="0" * 16)
        list(portions(split(table_sql)))
    except (SqlTemplateError, verdicts.VerdictError) as error:
        return f"{error}; accepted: fewer outputs and rules, or shorter texts"
    return None


def _manifest(stage: str, contract: Contract) -> str:
    """What a stage would publish of no rows, with a verdict for each rule that it judges."""
    objects = {SPARK: contract.outputs, PYTHON: (contract.source, *contract.references)}[stage]
    about = (_JOB_ID, contract.dataset, "s3://source/", _MOMENT, _MOMENT, "0" * 16, contract.version, "", _HASH)
    run = StageRun(stage, _STAGE_RUN, *about)
    tables = {item.name: {"rows": 0} for item in objects if item.role == OUTPUT}
    rules = _verdicts(contract, [item.name for item in objects])
    read = [FileEntry("s3://source/1", 0, 0)]
    more = {"tables": tables, "python_stage_run": _STAGE_RUN}
    return manifests.render(run, StageResult(0, 0, 0, read, (), rules=rules, more=more))


def _verdicts(contract: Contract, objects: Sequence[str]) -> list[dict[str, object]]:
    return [
        judging.document(Verdict(rule, Decimal(0), passed=True), number)
        for number, rule in enumerate(contract.set_rules)
        if rule.object in objects
    ]

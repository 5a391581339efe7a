"""The transaction that loads a job: COPY, the checks of the counts, and the audit rows, from both stages' manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from dataset_contract import manifests, redshift
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.manifests import PYTHON, SPARK, ManifestError
from dataset_contract.model import APPEND
from dataset_contract.naming import as_json
from dataset_contract.places import Places
from lambda_generate_param import verdicts
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.datasets import Dataset
from lambda_generate_param.sql_batches import SqlBatch, audit_statements, batch, render, split, stage_parameters

_TAKE_TURN = f"CALL audit.take_turn(CAST(:job_id AS {redshift.JOB_ID_TYPE.redshift}), CAST(:dataset AS VARCHAR(127)))"


def load(
    sql: Path,
    places: Places,
    dataset: Dataset,
    found: Mapping[str, object],
    *,
    execution_arn: str,
    repeat: bool,
    code_version: str,
) -> SqlBatch:
    """The batch of one load.

    Bound by the state machine, which alone knows the moment: OF_THE_MOMENT.

    Args:
        sql: the packaged folder sql/.
        places: of the job.
        dataset: of the job.
        found: by stage, the manifest as text or object.
        execution_arn: of the execution that loads; it has to be the one whose job this is.
        repeat: files that an earlier job has loaded may be loaded again.
        code_version: of this code.

    Raises:
        ManifestError: a manifest is not one of this job and version, has not the counts of every output, or is of
            another contract than the dataset's, or Spark read what another run of the Python stage wrote.
        VerdictError: a rule of the contract was not judged, or forbids the load.
        SqlTemplateError: the transaction is larger than the Data API takes.
    """
    python, spark = (_manifest(found.get(stage), stage, places) for stage in (PYTHON, SPARK))
    columns = AuditColumns.read(sql)
    _check_contract(python, spark, dataset, places)
    _check_run(python, spark, places)
    judged = verdicts.complete(dataset.contract, [*_rules(python), *_rules(spark)])
    judged_statements, judged_texts = verdicts.insert(judged, columns)
    appends = any(output.load.mode == APPEND for output in dataset.contract.outputs)
    bound = {
        "job_id": places.job_id,
        "execution_arn": execution_arn,
        "code_version": code_version,
        "contract_version": dataset.contract.version,
        **stage_parameters(PYTHON, python, columns),
        **stage_parameters(SPARK, spark, columns),
        **{f"rows_{table}": str(_rows(spark, table)) for table in dataset.outputs},
        "dataset": dataset.name,
        "source_files": str(_files_in(python)),
        # Only append has the rows of a file twice after it was loaded twice.
        "repeat": "true" if repeat or not appends else "false",
        **judged_texts,
    }
    tokens = {f"{table}_manifest": places.copy_manifest(spark["stage_run"], table) for table in dataset.outputs}
    tokens["source_files"] = places.source_files_list(python["stage_run"])
    own = audit_statements(sql, "own")
    statements = [f"LOCK {redshift.turn_table(dataset.name)}", *own, _TAKE_TURN]
    statements += _rendered(sql / "audit" / "sources.sql", tokens)
    statements += split(render(dataset.load_sql, tokens, where=f"sql/datasets/{dataset.name}/load.sql"))
    statements += audit_statements(sql, "check")
    statements += [*audit_statements(sql, "attempt"), *own]
    # The audit tables are written in one order everywhere, so that no two transactions wait for each other.
    *recorded, counted = audit_statements(sql, "succeed")
    # The counts are last, since the state machine reads the result of the last statement.
    statements += [*recorded, *judged_statements, counted]
    return batch(places.job_id, "load", statements, bound)


def _manifest(document: object, stage: str, places: Places) -> JsonObject:
    text = document if isinstance(document, str) else json.dumps(document)
    return manifests.read(text, stage=stage, job_id=places.job_id, dataset=places.dataset, where=places.manifest(stage))


def _check_contract(
    python: Mapping[str, object], spark: Mapping[str, object], dataset: Dataset, places: Places
) -> None:
    """The load is made of the packaged contract, and COPY takes columns by their position."""
    for stage, manifest in ((PYTHON, python), (SPARK, spark)):
        if (found := manifest.get("contract_hash")) != dataset.contract_hash:
            raise ManifestError(
                f"{places.manifest(stage)} has contract_hash {as_json(found)}, the contract that is deployed has "
                f"{as_json(dataset.contract_hash)}: the stage ran under another one; {_again(places)}"
            )


def _check_run(python: Mapping[str, object], spark: Mapping[str, object], places: Places) -> None:
    wrote, read = python["stage_run"], spark.get("python_stage_run")
    if wrote != read:
        raise ManifestError(
            f"{places.manifest(SPARK)} is of the rows of stage run {as_json(read)}, {places.manifest(PYTHON)} of those "
            f"of {as_json(wrote)}: two runs of the Python stage were at work; {_again(places)}"
        )


def _again(places: Places) -> str:
    return f'start an execution with {{"job_id": {as_json(places.job_id)}}}, which runs again what does not fit'


def _rules(manifest: Mapping[str, object]) -> Sequence[JsonMapping]:
    rules = manifest.get("rules")
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def _rows(spark: Mapping[str, object], table: str) -> int:
    tables = spark.get("tables")
    found = tables.get(table) if isinstance(tables, dict) else None
    rows = found.get("rows") if isinstance(found, dict) else None
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
        raise ManifestError(f"the manifest of stage spark has no rows of table {table}")
    return rows


def _rendered(file: Path, tokens: Mapping[str, str]) -> list[str]:
    return split(render(file.read_text(encoding="utf-8"), tokens, where=f"sql/audit/{file.name}"))


def _files_in(python: Mapping[str, object]) -> int:
    files = python.get("files_in")
    if not isinstance(files, int) or isinstance(files, bool) or files < 1:
        raise ManifestError(f"the manifest of stage python has files_in {as_json(files)}, expected 1 or more")
    return files

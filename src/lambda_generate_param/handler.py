"""The Lambda's entry: it translates between the event and the pure modules beside it.

Actions:
    start    → job ID (new, or of the job that the execution continues), checked input, URIs of a run and the SQL that
               registers it (state GenerateJobId of `pipeline`)
    load     → the SQL of the load, from both stages' manifests (state PrepareLoad)
    evidence → the keys at which the stages of a failed job may have left something (state machine `record-failure`)
    failure  → job ID and SQL for an execution that ended otherwise (state machine `record-failure`)
    schema   → the statements that create the SQL schema, with a user's grants, or that bring deployed tables to it
               (`nox -s schema`)
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dataset_contract import manifests
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.naming import as_json
from dataset_contract.places import Places
from lambda_generate_param import (
    continuing,
    datasets,
    evidence,
    failures,
    job_id,
    loading,
    request,
    schemas,
    sql_batches,
    verdicts,
)
from lambda_generate_param.audit import AuditColumns, TooLongError
from lambda_generate_param.datasets import Dataset

# In the zip, sql/ lies beside the package.
PACKAGED_SQL = Path(__file__).resolve().parents[1] / "sql"
# A name that needs no quotes in SQL.
_USER = re.compile(r"[a-z][a-z0-9_]{0,126}")


@dataclass(frozen=True)
class Settings:
    """What Terraform tells the function through its environment."""

    raw_bucket: str
    lake_bucket: str
    artifacts_bucket: str
    code_version: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Raises KeyError naming the variable that Terraform did not set."""
        return cls(
            raw_bucket=environment["RAW_BUCKET"],
            lake_bucket=environment["LAKE_BUCKET"],
            artifacts_bucket=environment["ARTIFACTS_BUCKET"],
            code_version=environment["CODE_VERSION"],
        )


def handler(event: JsonObject, context: object) -> JsonObject:  # noqa: ARG001 - Lambda's calling convention
    """Answer one invocation; an exception fails it, with the exception's class as the error's name.

    Raises:
        InvalidInputError: the execution input is not accepted.
        JobIdError: the event does not name an execution.
        ManifestError, VerdictError: what the stages left must not be loaded.
    """
    return answer(event, sql=PACKAGED_SQL)


def answer(event: Mapping[str, object], *, settings: Settings | None = None, sql: Path) -> JsonObject:
    """Answer one event.

    Args:
        event: with the action.
        settings: None reads them from the environment where the action needs them. A failure is described without:
            a missing variable may be the failure.
        sql: the packaged folder sql/.
    """
    of_a_run = {"start": _start, "load": _load}
    of_none = {"evidence": _evidence, "failure": _failure, "schema": _schema}
    action = event.get("action")
    if action in of_none:
        return of_none[action](event, sql)
    if action not in of_a_run:
        raise request.InvalidInputError(f"action is {as_json(action)}; accepted: {', '.join((*of_a_run, *of_none))}")
    return of_a_run[action](event, settings or Settings.read(os.environ), sql)


def _start(event: JsonMapping, settings: Settings, sql: Path) -> JsonObject:
    execution_arn, given = event["execution_arn"], event["input"]
    identifier = job_id.make(execution_arn, event["start_time"])
    try:
        if continues := job_id.is_continued(given):
            identifier, given = continuing.earlier_job(given, event.get("earlier"), event.get("owner_status"))
        made = _started(execution_arn, given, identifier, settings, sql)
    except request.InvalidInputError as error:
        _log(identifier, "execution input refused", level="ERROR", execution_arn=execution_arn, error=str(error))
        raise
    said = "job continues" if continues else "job begins"
    tied = {"replays": made["replays"]} if made["replays"] else {}
    _log(identifier, said, execution_arn=execution_arn, dataset=made["dataset"], **tied)
    return made


def _started(execution_arn: str, given: object, identifier: str, settings: Settings, sql: Path) -> JsonObject:
    asked = request.parse(given, sql=sql, raw_bucket=settings.raw_bucket)
    _check_columns(execution_arn, asked.dataset, AuditColumns.read(sql))
    places = _places(identifier, asked.dataset.name, settings)
    began = job_id.started_at(identifier)
    register = sql_batches.register(
        sql,
        places,
        execution_arn=execution_arn,
        started_at=sql_batches.timestamp(began),
        source_uri=asked.source_uri,
        parameters=asked.parameters_json,
        repeat=asked.repeat,
        replays=asked.replays,
    )
    finish = sql_batches.finish(sql, places, execution_arn=execution_arn)
    made = {
        "job_id": identifier,
        "dataset": places.dataset,
        "source_uri": asked.source_uri,
        "parameters": dict(asked.parameters),
        "repeat": asked.repeat,
        "replays": asked.replays,
        "started_at": manifests.utc_text(began),
        "uris": places.document(asked.dataset.outputs),
        "sql": {"register": register.document(), "finish": finish.document()},
    }
    if (size := len(json.dumps(made))) > sql_batches.MOST_BYTES:
        accepted = f"accepted: less, since Step Functions passes on {sql_batches.MOST_BYTES:,} bytes in all"
        raise request.InvalidInputError(f"parameters make a document of {size:,} bytes; {accepted}")
    return made


def _check_columns(execution_arn: str, dataset: Dataset, columns: AuditColumns) -> None:
    """What is recorded at the end has to fit as well, so that no stage runs in vain."""
    try:
        columns.check("job_run", "execution_arn", execution_arn)
    except TooLongError as error:
        raise request.InvalidInputError(f"the ARN of the execution {error}") from error
    where = f"dataset {as_json(dataset.name)}"
    try:
        columns.check("stage_run", "contract_version", dataset.contract.version)
    except TooLongError as error:
        raise request.InvalidInputError(f"{where}: the version of its contract {error}") from error
    try:
        verdicts.check(dataset.contract, columns)
    except verdicts.VerdictError as error:
        raise request.InvalidInputError(f"{where}: {error}") from error


def _load(event: JsonMapping, settings: Settings, sql: Path) -> JsonObject:
    job = event["job"]
    if not job_id.is_job_id(job["job_id"]):
        raise job_id.JobIdError(f"job_id is {as_json(job['job_id'])}; accepted: the job ID that start answered")
    dataset = datasets.load(sql, job["dataset"])
    places = _places(job["job_id"], dataset.name, settings)
    batch = loading.load(
        sql,
        places,
        dataset,
        event,
        execution_arn=event["execution_arn"],
        repeat=job["repeat"],
        code_version=settings.code_version,
    )
    _log(places.job_id, "load prepared", dataset=dataset.name, statements=len(batch.statements))
    return batch.document()


def _evidence(event: JsonMapping, sql: Path) -> JsonObject:  # noqa: ARG001 - an action
    identifier = failures.job_of(event["detail"])
    # The keys carry no dataset, which the input of a failed execution need not have, and no bucket.
    return {"job_id": identifier, "keys": evidence.keys(Places(identifier, "", "", "", ""))}


def _failure(event: JsonMapping, sql: Path) -> JsonObject:
    detail, columns = event["detail"], AuditColumns.read(sql)
    redriven = detail.get("redriveDate")
    found = evidence.read(
        event.get("documents"),
        job_id=failures.job_of(detail),
        since=failures.moment(redriven) if isinstance(redriven, int) else None,
    )
    failure = failures.read(detail, failed_state=event.get("failed_state"), said=found.said, columns=columns)
    batch = sql_batches.fail(sql, failure, found, columns)
    _log(failure.job_id, "job failed", level="ERROR", execution_arn=failure.execution_arn, error=failure.error)
    return {
        "job_id": failure.job_id,
        "dataset": failure.dataset,
        "status": failure.status,
        "failed_state": failure.failed_state,
        "error": failure.error,
        "cause": failure.cause,
        "execution_arn": failure.execution_arn,
        "counts": found.counts(),
        "sql": batch.document(),
    }


def _schema(event: JsonMapping, sql: Path) -> JsonObject:
    known = [datasets.load(sql, name) for name in datasets.names(sql)]
    if "deployed" in event:
        return schemas.compare(known, event["deployed"])
    user = event.get("user")
    if user is not None and not (isinstance(user, str) and _USER.fullmatch(user)):
        raise request.InvalidInputError(
            f"user is {as_json(user)}; accepted: up to 127 lower-case letters, digits and underscores, a letter first"
        )
    made = sql_batches.schema(sql, known, user).document()
    return {"sql": made, "audit": schemas.compare_audit(sql, event.get("audit", {}))}


def _places(identifier: str, dataset: str, settings: Settings) -> Places:
    return Places(identifier, dataset, settings.raw_bucket, settings.lake_bucket, settings.artifacts_bucket)


def _log(identifier: str, message: str, *, level: str = "INFO", **fields: object) -> None:
    line = {"level": level, "job_id": identifier, "message": message, **fields}
    print(json.dumps(line), file=sys.stdout, flush=True)

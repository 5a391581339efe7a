"""The Lambda's entry: it translates between the event and the pure modules beside it.

Actions:
    start   → job ID, checked input, URIs and SQL of a run (state GenerateJobId of `pipeline`)
    failure → job ID and SQL for an execution that ended otherwise (state machine `record-failure`)
    schema  → the statements that create the SQL schema (`nox -s schema`)
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lambda_generate_param import datasets, failures, job_id, request, statements
from lambda_generate_param.layout import Layout

# In the zip, sql/ lies beside the package.
PACKAGED_SQL = Path(__file__).resolve().parents[1] / "sql"


@dataclass(frozen=True)
class Settings:
    """What Terraform tells the function through its environment."""

    raw_bucket: str
    lake_bucket: str
    artifacts_bucket: str
    copy_role_arn: str
    code_version: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Raises KeyError naming the variable that Terraform did not set."""
        return cls(
            raw_bucket=environment["RAW_BUCKET"],
            lake_bucket=environment["LAKE_BUCKET"],
            artifacts_bucket=environment["ARTIFACTS_BUCKET"],
            copy_role_arn=environment["COPY_ROLE_ARN"],
            code_version=environment["CODE_VERSION"],
        )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's calling convention
    """Answer one invocation; an exception fails it, with the exception's class as the error's name.

    Raises:
        InvalidInputError: the execution input is not accepted.
        JobIdError: the event does not name an execution.
    """
    return answer(event, settings=Settings.read(os.environ), sql=PACKAGED_SQL)


def answer(event: Mapping[str, Any], *, settings: Settings, sql: Path) -> dict[str, Any]:
    """Answer one event. `sql`: the packaged folder sql/."""
    action = event.get("action")
    if action == "start":
        return _start(event, settings, sql)
    if action == "failure":
        return _failure(event, sql)
    if action == "schema":
        known = [datasets.load(sql, name) for name in datasets.names(sql)]
        return {"sql": statements.schema(sql, known).document()}
    raise request.InvalidInputError(f"action is {action!r}; accepted: start, failure, schema")


def _start(event: Mapping[str, Any], settings: Settings, sql: Path) -> dict[str, Any]:
    execution_arn, start_time = event["execution_arn"], event["start_time"]
    identifier = job_id.make(execution_arn, start_time)
    try:
        asked = request.parse(event["input"], sql=sql, raw_bucket=settings.raw_bucket)
    except request.InvalidInputError as error:
        _log(identifier, "execution input refused", level="ERROR", execution_arn=execution_arn, error=str(error))
        raise
    layout = Layout(
        identifier, asked.dataset.name, settings.raw_bucket, settings.lake_bucket, settings.artifacts_bucket
    )
    register = statements.register(
        sql,
        layout,
        execution_arn=execution_arn,
        started_at=_timestamp(job_id.started_at(identifier)),
        source_uri=asked.source_uri,
        parameters=asked.parameters,
    )
    load = statements.load(
        sql, layout, asked.dataset, copy_role_arn=settings.copy_role_arn, code_version=settings.code_version
    )
    _log(identifier, "job begins", execution_arn=execution_arn, dataset=layout.dataset)
    return {
        "job_id": identifier,
        "dataset": layout.dataset,
        "source_uri": asked.source_uri,
        "parameters": dict(asked.parameters),
        "uris": layout.document(asked.dataset.outputs),
        "sql": {"register": register.document(), "load": load.document()},
    }


def _failure(event: Mapping[str, Any], sql: Path) -> dict[str, Any]:
    failure = failures.read(event["detail"], failed_state=event.get("failed_state"))
    batch = statements.fail(
        sql,
        failure.job_id,
        attempt=str(failure.attempt),
        execution_arn=failure.execution_arn,
        dataset=failure.dataset,
        source_uri=failure.source_uri,
        started_at=_timestamp(job_id.started_at(failure.job_id)),
        finished_at=_timestamp(failure.finished_at),
        failed_state=failure.failed_state,
        error=failure.error,
        cause=failure.cause,
    )
    _log(failure.job_id, "job failed", level="ERROR", execution_arn=failure.execution_arn, error=failure.error)
    return {
        "job_id": failure.job_id,
        "dataset": failure.dataset,
        "status": failure.status,
        "failed_state": failure.failed_state,
        "error": failure.error,
        "cause": failure.cause,
        "execution_arn": failure.execution_arn,
        "sql": batch.document(),
    }


def _timestamp(moment: datetime) -> str:
    """As Redshift reads a TIMESTAMP: UTC, without a zone, milliseconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"


def _log(identifier: str, message: str, *, level: str = "INFO", **fields: object) -> None:
    line = {"level": level, "job_id": identifier, "message": message, **fields}
    print(json.dumps(line), file=sys.stdout, flush=True)

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lambda_generate_param import handler, job_id
from lambda_generate_param.handler import Settings
from lambda_generate_param.request import InvalidInputError

ARN = "arn:aws:states:us-east-1:123456789012:execution:local-pipeline:run-1"
START = "2026-01-31T12:34:56.789Z"
EVENT: dict[str, Any] = {
    "action": "start",
    "execution_arn": ARN,
    "start_time": START,
    "input": {"dataset": "flights", "source_uri": "s3://the-raw-bucket/flights/", "parameters": {}},
}
DETAIL: dict[str, Any] = {
    "executionArn": ARN,
    "status": "FAILED",
    "startDate": 1769862896789,
    "stopDate": 1769862899000,
    "input": json.dumps(EVENT["input"]),
    "error": "States.TaskFailed",
    "cause": json.dumps({"JobRunState": "FAILED", "ErrorMessage": "error: no files below s3://x/ (exit code 1)"}),
    "redriveCount": 0,
}


def parameters(answer: dict[str, Any]) -> dict[str, str]:
    return {item["Name"]: item["Value"] for item in answer["sql"]["parameters"]}


def test_start_answers_with_everything_a_run_needs(settings: Settings, sql: Path) -> None:
    answer = handler.answer(EVENT, settings=settings, sql=sql)
    identifier = job_id.make(ARN, START)
    assert answer["job_id"] == identifier
    assert answer["parameters"] == {"late_minutes": 15}
    assert answer["uris"]["staged"] == f"s3://the-lake-bucket/staged/flights/job_id={identifier}/"
    assert answer["uris"]["manifests"]["python"] == f"s3://the-lake-bucket/runs/{identifier}/python.json"
    assert answer["uris"]["contract"] == "s3://the-artifacts-bucket/sql/datasets/flights/contract.json"
    assert set(answer["sql"]) == {"register", "load"}
    # A state machine's payload may have 262,144 bytes.
    assert len(json.dumps(answer)) < 60_000


def test_a_retry_gives_the_same_answer(settings: Settings, sql: Path) -> None:
    assert handler.answer(EVENT, settings=settings, sql=sql) == handler.answer(EVENT, settings=settings, sql=sql)


def test_the_attempt_is_not_fixed_at_the_start(settings: Settings, sql: Path) -> None:
    batches = handler.answer(EVENT, settings=settings, sql=sql)["sql"]
    for batch in batches.values():
        assert "attempt" not in {item["Name"] for item in batch["parameters"]}
        assert any(":attempt" in statement for statement in batch["statements"])


def test_start_logs_one_json_line_with_the_job_id(
    settings: Settings, sql: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = handler.answer(EVENT, settings=settings, sql=sql)
    line = json.loads(capsys.readouterr().out)
    assert line["job_id"] == answer["job_id"]
    assert line["execution_arn"] == ARN


def test_a_refused_input_is_logged_under_the_job_id_it_would_have_had(
    settings: Settings, sql: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = {**EVENT, "input": {"dataset": "nothing", "source_uri": "s3://the-raw-bucket/x"}}
    with pytest.raises(InvalidInputError, match="dataset 'nothing' is unknown"):
        handler.answer(event, settings=settings, sql=sql)
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["job_id"]) == ("ERROR", job_id.make(ARN, START))


def test_failure_gives_the_id_that_start_gave(settings: Settings, sql: Path) -> None:
    started = handler.answer(EVENT, settings=settings, sql=sql)
    failed = handler.answer({"action": "failure", "detail": DETAIL}, settings=settings, sql=sql)
    assert failed["job_id"] == started["job_id"]


def test_failure_records_what_the_job_said(settings: Settings, sql: Path) -> None:
    event = {"action": "failure", "detail": DETAIL, "failed_state": "CleanWithPython"}
    answer = handler.answer(event, settings=settings, sql=sql)
    bound = parameters(answer)
    assert bound["cause"] == "error: no files below s3://x/ (exit code 1)"
    assert bound["error"] == "States.TaskFailed"
    assert bound["failed_state"] == "CleanWithPython"
    assert bound["started_at"] == "2026-01-31 12:34:56.789"
    assert bound["finished_at"] == "2026-01-31 12:34:59.000"
    assert bound["dataset"] == "flights"


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_failure_without_error_is_recorded_by_its_status(settings: Settings, sql: Path, status: str) -> None:
    detail = {**DETAIL, "status": status, "error": None, "cause": None, "input": None}
    bound = parameters(handler.answer({"action": "failure", "detail": detail}, settings=settings, sql=sql))
    assert bound["error"] == status
    assert bound["cause"] == f"the execution ended as {status}"
    # The Data API takes no empty value.
    assert all(bound.values())


def test_a_redriven_execution_has_a_later_attempt(settings: Settings, sql: Path) -> None:
    detail = {**DETAIL, "redriveCount": 2}
    assert (
        parameters(handler.answer({"action": "failure", "detail": detail}, settings=settings, sql=sql))["attempt"]
        == "3"
    )


def test_schema_gives_the_statements_of_every_dataset(settings: Settings, sql: Path) -> None:
    answer = handler.answer({"action": "schema"}, settings=settings, sql=sql)
    text = "\n".join(answer["sql"]["statements"])
    assert "audit.job_run" in text
    assert "analytics.enriched_flights" in text


def test_another_action_is_refused(settings: Settings, sql: Path) -> None:
    with pytest.raises(InvalidInputError, match="action is 'stop'; accepted: start, failure, schema"):
        handler.answer({"action": "stop"}, settings=settings, sql=sql)


def test_settings_name_a_missing_variable() -> None:
    with pytest.raises(KeyError, match="LAKE_BUCKET"):
        Settings.read({"RAW_BUCKET": "raw"})


def test_a_name_that_terraform_sets_is_read_here() -> None:
    infra = Path(__file__).parents[3] / "infra"
    text = "\n".join(path.read_text(encoding="utf-8") for path in infra.rglob("*.tf"))
    for name in ("RAW_BUCKET", "LAKE_BUCKET", "ARTIFACTS_BUCKET", "COPY_ROLE_ARN", "CODE_VERSION"):
        assert re.search(rf"\b{name}\b", text), name

"""The commands of docs/failures.md that make an event of which EventBridge delivered none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from dataset_contract.json_types import JsonObject
from lambda_generate_param import job_id
from pipeline_tools.environments import ROOT
from tests.waiting import SECONDS

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")

ARN = "arn:aws:states:us-east-1:000000000000:execution:pipeline:nightly"
DESCRIBED = {
    "executionArn": ARN,
    "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:pipeline",
    "name": "nightly",
    "status": "FAILED",
    "startDate": "2026-01-31T12:34:56.789000+00:00",
    "stopDate": "2026-01-31T12:34:59+00:00",
    "input": '{"dataset": "flights"}',
    "inputDetails": {"included": True},
    "redriveCount": 0,
    "error": "States.TaskFailed",
    "cause": "because",
}


def program(begin: str) -> str:
    """The program of the one command of the page that begins so."""
    page = (ROOT / "docs" / "failures.md").read_text(encoding="utf-8")
    [found] = re.findall(rf"^\$ {begin}[^']*\'([^']*)\'", page, re.MULTILINE)
    return str(found)


def jq(text: str, given: Mapping[str, Any] | None = None, *options: str) -> JsonObject:
    ended = subprocess.run(
        ["jq", *options, text], input=json.dumps(given), capture_output=True, text=True, check=True, timeout=SECONDS
    )
    document: JsonObject = json.loads(ended.stdout)
    return document


def test_an_event_of_an_execution_is_made_by_hand() -> None:
    kept = ("executionArn", "stateMachineArn", "name", "status", "input", "redriveCount", "error", "cause")
    assert jq(program("TZ=UTC aws stepfunctions describe-execution"), DESCRIBED) == {
        "detail": {
            **{name: DESCRIBED[name] for name in kept},
            "startDate": 1769862896789,
            "stopDate": 1769862899000,
        }
    }


def test_an_event_of_a_redrive_has_the_moment_of_the_redrive() -> None:
    """Else its attempt would have begun with the execution."""
    redriven = {**DESCRIBED, "redriveCount": 2, "redriveDate": "2026-01-31T12:34:57.000123+00:00"}
    detail = jq(program("TZ=UTC aws stepfunctions describe-execution"), redriven)["detail"]
    assert (detail["redriveDate"], detail["redriveCount"]) == (1769862897000, 2)


def test_an_event_of_an_execution_that_is_forgotten_is_made_of_its_audit_row() -> None:
    job = job_id.make(ARN, 1769862896789)
    options = ("-n", "--arg", "job", job, "--arg", "arn", ARN, "--argjson", "redrives", "1")
    detail = jq(program("jq -n"), None, *options)["detail"]
    assert (detail["executionArn"], detail["redriveCount"], detail["status"]) == (ARN, 1, "FAILED")
    assert detail["startDate"] == 1769862896000
    assert datetime.fromtimestamp(detail["stopDate"] / 1000, UTC) <= datetime.now(UTC)
    assert job_id.of_attempt(ARN, detail["startDate"], json.loads(detail["input"])) == job

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dataset_contract import manifests
from lambda_emit_lineage import delivery, handler
from lambda_emit_lineage.aws import HttpResponse
from lambda_emit_lineage.settings import Settings
from lambda_generate_param import job_id
from pipeline_tools.datasets import folders
from pipeline_tools.environments import ROOT

PREFIX = "arn:aws:states:us-east-1:123456789012"
ARN = f"{PREFIX}:execution:tdp-dev-pipeline:run-1"
BEGAN = 1769862896789
JOB = job_id.make(ARN, BEGAN)
RUN = str(uuid.uuid5(uuid.NAMESPACE_URL, ARN))
INPUT = {"dataset": "flights", "source_uri": "s3://raw/flights/2026/", "parameters": {"late_minutes": 15}}
VERDICT = {
    "number": 0,
    "rule": "flights.origin.invalidValues",
    "object": "flights",
    "columns": ["origin"],
    "metric": "invalidValues",
    "expected": "mustBe 0 rows",
    "severity": "error",
    "measured": "0",
    "passed": True,
}
OUTPUT_VERDICT = {
    **VERDICT,
    "number": 1,
    "rule": "enough",
    "object": "route_delays",
    "columns": [],
    "metric": "rowCount",
    "severity": "warning",
    "measured": None,
    "passed": False,
}


def at(seconds: float) -> str:
    """A moment after the start of the first attempt, as a manifest has it."""
    return manifests.utc_text(datetime.fromtimestamp(BEGAN / 1000 + seconds, UTC))


def status(
    name: str = "SUCCEEDED", *, arn: str = ARN, began: float = 0, ended: float = 60, **more: Any
) -> dict[str, Any]:
    """The event of an execution's status."""
    redrives = more.get("redriveCount", 0)
    detail = {
        "executionArn": arn,
        "name": arn.rpartition(":")[2],
        "status": name,
        "startDate": BEGAN if redrives or arn == ARN else BEGAN + int(began * 1000),
        "redriveCount": redrives,
        "redriveDate": BEGAN + int(began * 1000) if redrives else None,
        "stopDate": None if name == "RUNNING" else BEGAN + int(ended * 1000),
        "input": json.dumps(INPUT),
        "output": json.dumps({"job_id": JOB, "dataset": "flights"}) if name == "SUCCEEDED" else None,
        "error": "States.TaskFailed" if name == "FAILED" else None,
        "cause": json.dumps({"ErrorMessage": "it broke"}) if name == "FAILED" else None,
        **more,
    }
    return {"detail-type": "Step Functions Execution Status Change", "source": "aws.states", "detail": detail}


def created(stage: str) -> dict[str, Any]:
    """The event of a stage's manifest."""
    detail = {"bucket": {"name": "lake"}, "object": {"key": f"runs/{JOB}/{stage}.json"}}
    return {"detail-type": "Object Created", "source": "aws.s3", "detail": detail}


@dataclass
class World:
    """The lake, Step Functions, a catalogue's URL and the function in between."""

    packaged: Path
    url: str = ""
    token: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)
    state: str = ""
    now: float = 1000.0
    answers: list[int | Exception] = field(default_factory=list)
    posted: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    logged: list[dict[str, Any]] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        secret = "arn:secret" if self.token else ""
        warehouse = "redshift://tdp-dev-redshift.us-east-1:5439"
        return Settings(
            "tdp-dev", "raw", "lake", warehouse, "analytics", "c0de", ("nightly",), self.url, token_secret_arn=secret
        )

    def get(self, _bucket: str, key: str) -> bytes | None:
        return self.objects.get(key)

    def put_new(self, _bucket: str, key: str, body: bytes) -> bool:
        if key in self.objects:
            return False
        self.put("lake", key, body)
        return True

    def put(self, _bucket: str, key: str, body: bytes) -> None:
        self.objects[key], self.written[key] = body, self.now

    def age(self, _bucket: str, key: str, now: float) -> float | None:
        return now - self.written[key] if key in self.written else None

    def keys(self, _bucket: str, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def call(self, _service: str, operation: str, _document: dict[str, Any]) -> Any:
        if operation == "GetSecretValue":
            return {"SecretString": self.token}
        entered = {
            "type": "TaskStateEntered",
            "timestamp": BEGAN / 1000 + 40,
            "stateEnteredEventDetails": {"name": self.state},
        }
        return {"events": [{"type": "ExecutionFailed", "timestamp": 1}, *([entered] if self.state else [])]}

    def leave(self, stage: str, began: float, ended: float, **more: Any) -> None:
        """A stage's manifest, or with `error` its error file."""
        counts = {
            "rows_in": 10,
            "rows_out": 9,
            "rows_rejected": 1,
            "bytes_in": 100,
            "bytes_out": 50,
            "files_in": 1,
            "files_out": 2,
        }
        kinds: dict[str, dict[str, Any]] = {
            "python": {
                "references": {"airlines": {"rows": 3, "bytes": 30, "files": 1}},
                "rules": [VERDICT],
                "rejected_files": 1,
            },
            "spark": {"tables": {"route_delays": {"rows": 4, "bytes": 40, "files": 1}}, "rules": [OUTPUT_VERDICT]},
            "load": {"tables": {"route_delays": 4}},
        }
        own = kinds[stage]
        document = {
            "stage": stage, "job_id": JOB, "dataset": "flights", "source_uri": INPUT["source_uri"],
            "engine": "duckdb 1.4.5, python 3.9",
            "started_at": at(began), "finished_at": at(ended), **counts, **own, **more,
        }  # fmt: skip
        name = f"{stage}-error" if "error" in more else stage
        self.put("lake", f"runs/{JOB}/{name}.json", json.dumps(document).encode())

    def exchange(
        self, _url: str, _method: str, _target: str, headers: dict[str, str], body: bytes, _seconds: float
    ) -> HttpResponse:
        answer = self.answers.pop(0) if self.answers else 201
        if isinstance(answer, Exception):
            raise answer
        self.posted.append((headers, json.loads(body)))
        return HttpResponse(answer, {}, b"")

    def deliver(self, *events: dict[str, Any]) -> int:
        """Hand events over and return how many were new in the lake."""
        new = 0
        for event in events:
            to = delivery.Delivery(self.settings, self, self._log, post=self.exchange, clock=lambda: self.now)
            new += handler.emit(event, self.settings, self, to, self.packaged)["events"]
        return new

    def _log(self, message: str, **fields: Any) -> None:
        self.logged.append({"message": message, **fields})

    def events(self, prefix: str = "lineage/") -> dict[str, dict[str, Any]]:
        """Those in the lake, by their file's name without its attempt: `10-python-START`."""
        return {
            key.rpartition("/")[2].removesuffix(".json").split("-", 2)[2]: json.loads(body)
            for key, body in sorted(self.objects.items())
            if key.startswith(prefix)
        }

    def told(self) -> list[tuple[str, str, str]]:
        """Job, type and run of each event in the lake, in their order."""
        return [
            (document["job"]["name"], document["eventType"], document["run"]["runId"])
            for key, body in sorted(self.objects.items())
            if key.startswith("lineage/")
            for document in [json.loads(body)]
        ]


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("datasets")
    dataset = folders.read(ROOT / "sql" / "datasets" / "flights")
    (folder / "flights").mkdir()
    (folder / "flights" / "lineage.json").write_bytes(dataset.lineage())
    return folder


@pytest.fixture
def world(packaged: Path) -> World:
    return World(packaged)

"""OpenLineage events of the jobs of all kinds, as they come to the lake and to a catalogue's URL."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.integration.conftest import KindOfJob, Pipeline
from tests.unit.lambda_emit_lineage import conformity
from tests.waiting import until

STAGES = ("python", "spark", "load")


def function(pipeline: Pipeline) -> str:
    return str(pipeline.outputs["lineage_function_name"])


def in_lake(pipeline: Pipeline, job: str) -> dict[str, dict[str, Any]]:
    """The events of a job by their names, in order."""
    s3, bucket = pipeline.clients.get("s3"), pipeline.outputs["lake_bucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=f"lineage/flights/{job}/").get("Contents", [])
    return {
        item["Key"].rpartition("/")[2].removesuffix(".json").split("-", 2)[2]: json.loads(
            s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        )
        for item in found
    }


def ended(pipeline: Pipeline, job: str) -> dict[str, dict[str, Any]]:
    """The same, once the end of the job is among them."""

    def events() -> dict[str, dict[str, Any]] | None:
        found = in_lake(pipeline, job)
        return found if any(name.startswith("90-pipeline-") for name in found) else None

    return until(events, f"lineage of {job} has an end")


def status_event(pipeline: Pipeline, arn: str) -> dict[str, Any]:
    """The event of an execution's end, as EventBridge gives it."""
    described = pipeline.clients.get("stepfunctions").describe_execution(executionArn=arn)
    detail = {name: described.get(name) for name in ("executionArn", "status", "input", "output", "error", "cause")}
    for name in ("startDate", "stopDate"):
        detail[name] = int(described[name].timestamp() * 1000)
    return {"detail-type": "Step Functions Execution Status Change", "detail": {**detail, "redriveCount": 0}}


def invoke(pipeline: Pipeline, event: dict[str, Any]) -> dict[str, Any]:
    answer = pipeline.clients.get("lambda").invoke(FunctionName=function(pipeline), Payload=json.dumps(event).encode())
    return {"failed": "FunctionError" in answer, **json.loads(answer["Payload"].read())}


@dataclass
class Catalogue:
    """A URL that takes events; it answers `status`."""

    status: int = 201
    got: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    made = Catalogue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if made.status == 201:
                made.got.append({"path": self.path, "token": self.headers.get("Authorization"), **document})
            self.send_response(made.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_port}/api/v1/lineage"
        yield made
        server.shutdown()


@contextlib.contextmanager
def posting_to(pipeline: Pipeline, url: str) -> Iterator[None]:
    """Have the function post its events meanwhile."""
    client, name = pipeline.clients.get("lambda"), function(pipeline)
    before = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    pipeline.update_function(name, Environment={"Variables": {**before, "LINEAGE_URL": url}})
    try:
        yield
    finally:
        pipeline.update_function(name, Environment={"Variables": before})


@pytest.mark.parametrize(
    ("kind", "end", "completed"),
    [
        ("good", "COMPLETE", STAGES),
        ("rejected", "COMPLETE", STAGES),
        ("failed", "FAIL", ()),
        ("stopped", "ABORT", ("python",)),
        ("timed out", "FAIL", None),  # in whichever state it was
    ],
)
def test_every_job_gives_valid_events_and_one_end(
    pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob], kind: str, end: str, completed: tuple[str, ...] | None
) -> None:
    job = jobs_of_all_kinds[kind]
    events = ended(pipeline, job.job_id)
    for name, event in events.items():
        assert conformity.problems(event) == [], name
        assert event["run"]["facets"]["tdp_job"]["job_id"] == job.job_id
    counted = Counter((event["job"]["name"], event["eventType"]) for event in events.values())
    assert counted["pipeline.flights", "START"] == counted["pipeline.flights", end] == 1
    assert events[f"90-pipeline-{end}"]["run"]["runId"] == job.job_id[-36:]
    done = tuple(stage for stage in STAGES if counted[f"pipeline.flights.{stage}", "COMPLETE"])
    assert completed is None or done == completed
    failed = [name for (name, type_), number in counted.items() if type_ in ("FAIL", "ABORT") for _ in range(number)]
    if end == "COMPLETE":
        assert failed == []
        assert events["31-load-COMPLETE"]["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] > 0
        progress = events["90-pipeline-COMPLETE"]["run"]["facets"]["tdp_progress"]
        assert progress["rows_rejected"] == (3 if kind == "rejected" else 0)
    elif completed is not None:
        assert failed == [f"pipeline.flights.{STAGES[len(completed)]}", "pipeline.flights"]
        assert events[f"90-pipeline-{end}"]["run"]["facets"]["errorMessage"]["message"]
    # The same event again changes nothing.
    assert invoke(pipeline, status_event(pipeline, job.execution_arn)) == {
        "failed": False, "job_id": job.job_id, "events": 0,
    }  # fmt: skip
    assert in_lake(pipeline, job.job_id) == events


def test_a_catalogue_gets_each_event_of_a_job_once(
    pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob], catalogue: Catalogue
) -> None:
    s3, bucket = pipeline.clients.get("s3"), pipeline.outputs["lake_bucket"]
    job = jobs_of_all_kinds["good"]
    events = ended(pipeline, job.job_id)
    end = status_event(pipeline, job.execution_arn)
    # As if none of them had been emitted.
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"lineage/flights/{job.job_id}/")["Contents"]:
        s3.delete_object(Bucket=bucket, Key=item["Key"])
    with posting_to(pipeline, catalogue.url):
        assert invoke(pipeline, end)["events"] == len(events)
        assert invoke(pipeline, end)["events"] == 0
    assert [event["path"] for event in catalogue.got] == ["/api/v1/lineage"] * len(events)
    assert [{**event, "path": 0, "token": 0} for event in catalogue.got] == [
        {**event, "path": 0, "token": 0} for event in in_lake(pipeline, job.job_id).values()
    ]


def test_a_lost_catalogue_fails_no_job_and_loses_nothing_in_the_lake(pipeline: Pipeline, catalogue: Catalogue) -> None:
    catalogue.status = 503
    with posting_to(pipeline, catalogue.url):
        arn = pipeline.start(pipeline.put(pipeline.sample(3)), dataset="nothing", name="lineage-to-nowhere")
        audit = pipeline.audit_of(arn)
        job = audit["job_id"]
        s3, bucket = pipeline.clients.get("s3"), pipeline.outputs["lake_bucket"]

        def kept() -> list[str] | None:
            listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"lineage/unknown/{job}/").get("Contents", [])
            names = [item["Key"].rpartition("-")[2] for item in listed]
            return names if len(names) == 2 else None

        assert until(kept, "both events are in the lake") == ["START.json", "FAIL.json"]
    assert (audit["status"], catalogue.got) == ("FAILED", [])

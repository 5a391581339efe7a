"""The trace: complete for a job of every kind; and what is taken away from a service is what it names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline import cli, jobs, trace
from pipeline.clients import Clients
from pipeline.evidence.hop import FORGOTTEN, FOUND, REPLAYS
from pipeline.stacks import Stack
from tests.integration.conftest import KindOfJob, Pipeline

Change = Callable[[Mapping[str, Any], dict[str, Any], Any], None]


@dataclass(frozen=True)
class Hiding(Clients):
    """Real clients of which answers are changed: change(parameters, answer, HTTP response)."""

    service: str = ""
    operation: str = ""
    change: Change = lambda _parameters, _answer, _http: None

    def get(self, service: str) -> Any:
        client = super().get(service)
        statements: dict[str, str] = {}

        def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            context["asked"] = dict(params)

        def answered(http_response: Any, parsed: dict[str, Any], model: Any, context: Any, **_: Any) -> None:
            asked = {**context.get("asked", {}), "sql": statements.get(context.get("asked", {}).get("Id", ""), "")}
            if model.name == "ExecuteStatement":
                statements[parsed["Id"]] = asked["Sql"]
            if service == self.service and model.name == self.operation:
                self.change(asked, parsed, http_response)

        client.meta.events.register("before-parameter-build", remember)
        client.meta.events.register("after-call", answered)
        return client


def gone(code: str, field: str, part: str) -> Change:
    """Answer that it is not there, where a parameter has a part."""

    def change(asked: Mapping[str, Any], answer: dict[str, Any], http: Any) -> None:
        if part in asked[field]:
            http.status_code = 400
            answer["Error"] = {"Code": code, "Message": "hidden"}

    return change


def emptied(name: str, field: str, part: str) -> Change:
    """Answer with an empty list, where a parameter has a part."""

    def change(asked: Mapping[str, Any], answer: dict[str, Any], _http: Any) -> None:
        if part in asked[field]:
            answer[name] = []

    return change


def unlisted(part: str, *, but: str = "nothing") -> Change:
    """Answer without the objects that have a part in their keys."""

    def change(asked: Mapping[str, Any], answer: dict[str, Any], _http: Any) -> None:
        found = answer.get("Contents", [])
        answer["Contents"] = [each for each in found if not re.search(part, each["Key"]) or but in each["Key"]]

    return change


def of_another_run(part: str) -> Change:
    """Answer as if only another run of the stage had left the objects that have a part in their keys."""

    def change(asked: Mapping[str, Any], answer: dict[str, Any], _http: Any) -> None:
        for each in answer.get("Contents", []):
            if part in each["Key"]:
                each["Key"] = re.sub(r"/[0-9a-f]{6}-[0-9]+-[0-9a-f]{8}/", "/ffffff-0-ffffffff/", each["Key"])
        found = answer.get("Contents", [])
        answer["Contents"] = [each for each in found if each["Key"].startswith(asked["Prefix"])]

    return change


def recorded_as_failed(asked: Mapping[str, Any], answer: dict[str, Any], _http: Any) -> None:
    if "FROM audit.job_attempt " in asked["sql"]:
        for field in (field for row in answer["Records"] for field in row):
            if field.get("stringValue") == "SUCCEEDED":
                field["stringValue"] = "FAILED"


def unnamed_run(asked: Mapping[str, Any], answer: dict[str, Any], job: str) -> None:
    if job in asked["JobName"]:
        del answer["JobRun"]["Arguments"]["--job_id"]


def uncommented(answer: dict[str, Any], step: str) -> None:
    for part in answer.get("SubStatements", []):
        if f"step={step}" in part["QueryString"]:
            part["QueryString"] = part["QueryString"].partition("*/")[2]


def unanswered(asked: Mapping[str, Any], answer: dict[str, Any], _http: Any) -> None:
    for event in answer["events"]:
        details = event.get("taskSucceededEventDetails", {})
        if details.get("resourceType") == "lambda":
            details["output"] = "{}"


def unpublished(asked: Mapping[str, Any], answer: dict[str, Any], _http: Any) -> None:
    answer["events"] = [
        event for event in answer["events"] if event.get("taskScheduledEventDetails", {}).get("resourceType") != "sns"
    ]


def no_rows(asked: Mapping[str, Any], answer: dict[str, Any], _http: Any) -> None:
    if 'FROM analytics."enriched_flights"' in asked["sql"]:
        answer["Records"] = [[{"longValue": 0}]]


SFN, S3, SQL = "stepfunctions", "s3", "redshift-data"
NO_EXECUTION, NO_KEY = "ExecutionDoesNotExist", "NoSuchKey"
# Hop → service, operation, how its answer changes, and which other hops that takes away.
AWAY: dict[str, tuple[str, str, Change, tuple[str, ...]]] = {
    "execution": (SFN, "DescribeExecution", gone(NO_EXECUTION, "executionArn", "of-all-kinds"), ("generate",)),
    "generate": (SFN, "GetExecutionHistory", unanswered, ()),
    "nested-register": (
        SFN,
        "DescribeExecution",
        gone(NO_EXECUTION, "executionArn", "-register-"),
        ("statement-register",),
    ),
    "nested-load": (SFN, "DescribeExecution", gone(NO_EXECUTION, "executionArn", "-load-"), ("statement-load",)),
    "lambda-log": ("logs", "FilterLogEvents", emptied("events", "logGroupName", "/aws/lambda"), ()),
    "python-run": ("glue", "GetJobRun", lambda asked, answer, _: unnamed_run(asked, answer, "python"), ()),
    "python-log": ("logs", "GetLogEvents", emptied("events", "logGroupName", "python-jobs"), ()),
    "spark-run": ("glue", "GetJobRun", lambda asked, answer, _: unnamed_run(asked, answer, "spark"), ()),
    "spark-stream": (
        *("logs", "DescribeLogStreams", emptied("logStreams", "logGroupName", "/aws-glue/jobs")),
        ("spark-application",),
    ),
    "spark-application": ("logs", "GetLogEvents", emptied("events", "logGroupName", "/aws-glue/jobs"), ()),
    "staged": (S3, "ListObjectsV2", emptied("Contents", "Prefix", "staged/"), ()),
    "rejected": (S3, "ListObjectsV2", emptied("Contents", "Prefix", "rejected/"), ()),
    "curated": (S3, "ListObjectsV2", emptied("Contents", "Prefix", "/route_delays/"), ()),
    "copy-lists": (S3, "ListObjectsV2", unlisted("/copy/"), ()),
    "manifest-python": (S3, "GetObject", gone(NO_KEY, "Key", "/python.json"), ()),
    "manifest-spark": (S3, "GetObject", gone(NO_KEY, "Key", "/spark.json"), ()),
    "manifest-load": (S3, "GetObject", gone(NO_KEY, "Key", "/load.json"), ()),
    "statement-register": (SQL, "DescribeStatement", lambda _asked, answer, _: uncommented(answer, "register"), ()),
    "statement-load": (SQL, "DescribeStatement", lambda _asked, answer, _: uncommented(answer, "load"), ()),
    "job-run": (SQL, "GetStatementResult", emptied("Records", "sql", "FROM audit.job_run "), ()),
    "job-attempt": (SQL, "GetStatementResult", emptied("Records", "sql", "FROM audit.job_attempt "), ()),
    "stage-run": (SQL, "GetStatementResult", emptied("Records", "sql", "FROM audit.stage_run "), ()),
    "table-load": (SQL, "GetStatementResult", emptied("Records", "sql", "FROM audit.table_load WHERE"), ("rows",)),
    "source-file": (SQL, "GetStatementResult", emptied("Records", "sql", "FROM audit.source_file "), ()),
    "reconciliation": (SQL, "GetStatementResult", emptied("Records", "sql", "FROM audit.reconciliation "), ()),
    "rows": (SQL, "GetStatementResult", no_rows, ()),
}
# A part of what a hop asks for → the hop, and how an answer of S3 or of the Data API changes.
PARTS: dict[str, tuple[str, Change]] = {
    "staged rows": ("staged", unlisted("staged/")),
    "staged rows, but of another run": ("staged", of_another_run("staged/")),
    "all reference rows": ("staged", unlisted("references/")),
    "rows of one reference": ("staged", unlisted("references/.*/airlines/")),
    "reference rows, but of another run": ("staged", of_another_run("references/")),
    "Parquet files of rejected rows": ("rejected", unlisted(r"rejected/.*\.parquet")),
    "texts of rejected rows": ("rejected", unlisted("rejected/.*/_refused")),
    "what is around the texts": ("rejected", unlisted("rejected/.*/_refused.json$")),
    "rejected rows, but of another run": ("rejected", of_another_run("rejected/")),
    "rows of one table": ("curated", unlisted("curated/.*/route_delays/")),
    "curated rows, but of another run": ("curated", of_another_run("curated/")),
    "one list of two": ("copy-lists", unlisted("/copy/route_delays.manifest")),
    "lists, but of another run": ("copy-lists", of_another_run("/copy/")),
    "list of the source files": ("copy-lists", unlisted("/source_files/copy.manifest")),
    "file that names the source files": ("copy-lists", unlisted("/source_files/", but="copy.manifest")),
    "details of Python": ("manifest-python", unlisted("/python/.*/details.json")),
    "details of Spark": ("manifest-spark", unlisted("/spark/.*/details.json")),
    "status of an attempt": ("job-attempt", recorded_as_failed),
}
AWAY_OF_FAILED: dict[str, tuple[str, str, Change, tuple[str, ...]]] = {
    "recorder": (SFN, "DescribeExecution", gone(NO_EXECUTION, "executionArn", ":failed-"), ("message",)),
    "message": (SFN, "GetExecutionHistory", unpublished, ()),
}


def hidden(pipeline: Pipeline, service: str, operation: str, change: Change) -> Stack:
    clients = Hiding(pipeline.clients.endpoint_url, pipeline.clients.region, service, operation, change)
    return Stack(clients, pipeline.outputs, Path("outputs.json"))


def whole(pipeline: Pipeline) -> Stack:
    return Stack(pipeline.clients, pipeline.outputs, Path("outputs.json"))


def test_a_job_of_every_kind_has_a_complete_trace(pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob]) -> None:
    stack, found = whole(pipeline), {}
    for kind, made in jobs_of_all_kinds.items():
        traced = trace.of_job(stack, jobs.find(stack, made.job_id))
        assert traced.missing == [], (kind, traced.table())
        found[kind] = {hop.name for hop in traced.hops if hop.state == FOUND}
    # All hops but rules, which the dataset has none of, are found of some job.
    # The rejected rows of one are replayed by another test.
    assert found["rejected"] - {REPLAYS} == set(AWAY)
    assert found["good"] == set(AWAY) - {"rejected"}
    for kind in ("failed", "timed out", "stopped"):
        assert {"execution", "recorder", "message", "job-run", "job-attempt"} <= found[kind]
        assert not {"nested-load", "statement-load", "manifest-load", "rows", "table-load"} & found[kind]
    assert {"python-run", "staged", "manifest-python"} <= found["stopped"]


@pytest.mark.parametrize("name", [*AWAY, *AWAY_OF_FAILED])
def test_what_is_taken_away_is_named(name: str, pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob]) -> None:
    made = jobs_of_all_kinds["failed" if name in AWAY_OF_FAILED else "rejected"]
    job = jobs.find(whole(pipeline), made.job_id)
    service, operation, change, others = {**AWAY, **AWAY_OF_FAILED}[name]
    # An hour later: no event of a failure can still be on its way.
    traced = trace.of_job(hidden(pipeline, service, operation, change), job, job.started_at + timedelta(hours=1))
    assert {hop.name for hop in traced.missing} == {name, *others}, traced.table()
    assert not traced.is_complete


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_taken_away_is_named(
    part: str, pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob]
) -> None:
    name, change = PARTS[part]
    of_sql = change is recorded_as_failed
    stack = hidden(pipeline, SQL if of_sql else S3, "GetStatementResult" if of_sql else "ListObjectsV2", change)
    traced = trace.of_job(stack, jobs.find(whole(pipeline), jobs_of_all_kinds["rejected"].job_id))
    assert {hop.name for hop in traced.missing} == {name}, traced.table()


def test_what_a_service_forgets_is_not_missing(pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob]) -> None:
    def forget(asked: Mapping[str, Any], answer: dict[str, Any], http: Any) -> None:
        gone(NO_EXECUTION, "executionArn", "")(asked, answer, http)

    job = jobs.find(whole(pipeline), jobs_of_all_kinds["rejected"].job_id)
    stack = hidden(pipeline, SFN, "DescribeExecution", forget)
    old = trace.of_job(stack, job, job.started_at + timedelta(days=100))
    states = {hop.name: hop.state for hop in old.hops}
    assert old.missing == [], old.table()
    assert {name for name, state in states.items() if state == FORGOTTEN} == {
        *("execution", "generate", "nested-register", "nested-load", "statement-register", "statement-load")
    }
    # What has no end is found still, Glue's runs by their argument.
    assert {"python-run", "spark-run", "staged", "manifest-load", "job-run", "rows"} <= {
        name for name, state in states.items() if state == FOUND
    }
    young = trace.of_job(stack, job, job.started_at + timedelta(hours=1))
    assert {"execution", "nested-load"} <= {hop.name for hop in young.missing}


def test_the_command_prints_the_hops_and_exits_by_them(
    jobs_of_all_kinds: dict[str, KindOfJob], stack_file: Path
) -> None:
    made = jobs_of_all_kinds["good"]
    done = CliRunner().invoke(cli.pipeline, ["trace", made.job_id, "--stack", str(stack_file), "--output", "json"])
    document = json.loads(done.stdout)
    assert (document["job_id"], document["complete"], document["counts"]["missing"]) == (made.job_id, True, 0)
    assert {hop["name"] for hop in document["hops"]} >= set(AWAY)
    assert all(hop["link"] is None for hop in document["hops"])


def test_a_job_of_every_kind_has_a_report(
    jobs_of_all_kinds: dict[str, KindOfJob], stack_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = {}
    for kind, made in jobs_of_all_kinds.items():
        page = tmp_path / f"{kind}.html"
        wanted = ["report", made.job_id, "--stack", str(stack_file), "--html", str(page), "--output", "json"]
        assert cli.run(wanted) == 0
        document = json.loads(capsys.readouterr().out)
        assert made.job_id in page.read_text(encoding="utf-8")
        assert document["cost"]["total"] > 0
        assert document["timeline"][0]["rows"]
        if kind == "failed":  # at the header of its file
            assert (document["flow"]["rows_in"], document["flow"]["files_in"]) == (None, None)
            assert "0 rows in" not in page.read_text(encoding="utf-8")
        verdicts[kind] = document["verdict"]["word"]
        if kind == "rejected":
            assert [each["rows"] for each in document["reasons"]] == [1, 1, 1]
            assert all(each["example"]["raw_row"] for each in document["reasons"])
    assert verdicts == {
        "good": "Succeeded",
        "rejected": "Succeeded",
        "failed": "Failed",
        "timed out": "Timed out",
        "stopped": "Stopped",
    }
    page = tmp_path / "flights.html"
    assert cli.run(["report", "--dataset", "flights", "--stack", str(stack_file), "--html", str(page)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    text = page.read_text(encoding="utf-8")
    assert all(made.job_id in text for made in jobs_of_all_kinds.values())

"""What a report says; how it looks is tested in a browser, by test_report_in_browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dataset_contract.model import REPLACE, REPLACE_PARTITION
from pipeline import report
from pipeline.evidence.console_links import Links
from pipeline.evidence.hops import Judge
from pipeline.evidence.model import Answer, Evidence
from pipeline.jobs import Attempt, Job
from pipeline.report import advice, dashboard, drawing, facts
from pipeline.trace import Trace
from tests.unit.pipeline import evidences


def shown(evidence: Evidence) -> dict[str, Any]:
    hops = tuple(Judge(evidence, Links(evidences.STACK)).hops())
    return facts.of_trace(Trace(evidence, hops), evidences.cost())


def html(evidence: Evidence) -> str:
    return report.html_of_job(shown(evidence))


def test_values_are_escaped_wherever_they_are_from() -> None:
    page = html(evidences.succeeded()) + html(evidences.failed())
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    # Of a job's own attributes and addresses, none is loaded.
    assert set(re.findall(r'(?:src|href)="([^#][^"]*)"', page)) <= {
        "data:,",
        *(
            hop["link"].replace("&", "&amp;")
            for evidence in (evidences.succeeded(), evidences.failed())
            for hop in shown(evidence)["hops"]
            if hop["link"]
        ),
    }


def test_a_good_job_says_what_is_loaded_and_what_to_do_with_rejected_rows() -> None:
    found = shown(evidences.succeeded())
    assert found["verdict"] == {
        "kind": "warning",
        "word": "Succeeded",
        "sentence": "890 rows are loaded into 1 table. 100 of 1,000 source rows were rejected, and are kept.",
    }
    assert [step["command"].split()[1] for step in found["next"]] == ["rejected", "start"]
    assert [each["rows"] for each in found["reasons"]] == [60, 40]
    assert found["reasons"][0]["example"]["line_number"] == 7
    assert json.loads(json.dumps(found, default=str))["cost"]["total"] == 0.0146


def test_rows_that_were_replayed_need_nothing_more() -> None:
    whole = evidences.succeeded()
    later = Answer([{"job_id": "20260201T", "status": "SUCCEEDED"}])
    replayed = replace(whole, warehouse=replace(whole.warehouse, replayed_by=later))
    assert shown(replayed)["next"] == []
    assert "20260201T" in html(replayed)
    assert (
        "its rejected rows are replayed by job 20260201T (SUCCEEDED)"
        in Trace(replayed, tuple(Judge(replayed, Links(evidences.STACK)).hops())).table()
    )


def test_replays_that_brought_too_many_rows_are_told_where_the_chain_is() -> None:
    problem = "more rows were replayed than job … rejected: some are loaded twice, or new"
    whole = evidences.succeeded()
    tables = {**whole.warehouse.tables, "replay_reconciliation": Answer([evidences.replayed(2, 196, problem)])}
    later = Answer([{"job_id": name, "status": "SUCCEEDED"} for name in ("later-1", "later-2")])
    twice = replace(whole, warehouse=replace(whole.warehouse, tables=tables, replayed_by=later))
    assert shown(twice)["verdict"] == {
        "kind": "warning",
        "word": "Succeeded",
        "sentence": f"890 rows are loaded into 1 table. Its replays do not add up: {problem}.",
    }
    assert f'<dt>All replays</dt><dd class="failed">{problem}</dd>' in html(twice)


def test_a_failed_job_says_why_in_the_words_of_its_stage_and_what_to_do() -> None:
    found = shown(evidences.failed())
    assert found["verdict"]["sentence"] == "The job failed at CleanWithPython. Nothing is loaded."
    assert found["failure"]["cause"].startswith("all rows were refused: ")
    assert [step["command"].split()[1] for step in found["next"]] == ["logs", "rerun"]
    assert (found["flow"]["rows_in"], found["flow"]["rows_rejected"]) == (5, 5)


def test_without_the_warehouse_nobody_says_that_nothing_is_loaded() -> None:
    failed = evidences.failed()
    tables = {**failed.warehouse.tables, "job_run": Answer[Any](problem="the cluster is paused")}
    found = shown(replace(failed, warehouse=replace(failed.warehouse, tables=tables)))
    assert found["rows_loaded"] is None
    assert found["verdict"]["sentence"].endswith("is not known: the warehouse cannot be read.")


@pytest.mark.parametrize(
    ("status", "state", "error", "recorded", "command"),
    [
        ("ABORTED", "TransformWithSpark", "E", "FAILED", "rerun"),
        ("FAILED", "GenerateJobId", "InvalidInputError", "FAILED", "start"),
        ("FAILED", "GenerateJobId", "Lambda.TooManyRequestsException", "FAILED", "logs"),
        ("FAILED", "WriteLoadManifest", "E", "SUCCEEDED", "rerun"),
        ("RUNNING", None, "E", "RUNNING", "watch"),
    ],
)
def test_what_to_do_next_follows_from_where_it_ended(
    status: str, state: str | None, error: str, recorded: str, command: str
) -> None:
    failed = evidences.failed()
    ended = None if status == "RUNNING" else evidences.at(30)
    attempt = Attempt(evidences.ARN, 0, status, evidences.BEGAN, ended, error, "why", state)
    row = {"status": recorded, "attempt": 1, "failed_state": state}
    tables = {**failed.warehouse.tables, "job_run": Answer([row])}
    warehouse = replace(failed.warehouse, tables=tables)
    job = replace(failed.job, attempts=(attempt,), recorded=recorded)
    found = shown(replace(failed, job=job, told=[], warehouse=warehouse))
    assert found["next"][0]["command"].split()[1] == command
    assert report.html_of_job(found)


def test_of_an_old_job_the_timeline_is_said_to_be_forgotten() -> None:
    whole = evidences.succeeded()
    old = replace(whole, executions={evidences.ARN: Answer()}, checked_at=whole.checked_at + timedelta(days=100))
    assert "has forgotten the executions" in html(old)


def test_the_timeline_has_tries_and_what_they_started() -> None:
    (part,) = shown(evidences.succeeded())["timeline"]
    rows = [(row["name"], row["level"], len(row["bars"]), row["note"]) for row in part["rows"]]
    assert rows[:5] == [
        ("GenerateJobId", 1, 1, ""),
        ("RegisterJob", 1, 1, ""),
        ("nested execution, SQL of register", 2, 1, ""),
        ("CleanWithPython", 1, 2, "2 tries"),
        ("Glue job run jr_python…", 2, 1, ""),
    ]
    assert [bar["kind"] for bar in part["rows"][3]["bars"]] == ["failed", "done"]
    assert all(bar["x"] >= 0 and bar["x"] + bar["width"] <= 1000 for row in part["rows"] for bar in row["bars"])
    assert [tick["label"] for tick in part["ticks"]] == ["0 s", "15 s", "30 s", "45 s", "1 min"]


def test_the_timeline_says_how_a_state_was_ended() -> None:
    stopped = evidences.failed()
    stopped.states[-1].ended_by = "ExecutionAborted"
    (part,) = shown(stopped)["timeline"]
    assert [row["note"] for row in part["rows"]][-2:] == ["stopped", "FAILED"]
    assert 'class="failed">stopped<' in html(stopped)


def test_the_flow_is_as_high_as_it_has_rows() -> None:
    flow = drawing.drawn(shown(evidences.succeeded())["flow"], drawing.WIDE)
    assert flow is not None
    heights = {node["kind"]: node["height"] for node in flow["nodes"]}
    assert heights["in"] == drawing.WIDE.height
    assert heights["staged"] == pytest.approx(0.9 * heights["in"])
    assert heights["rejected"] == pytest.approx(0.1 * heights["in"])
    assert [node["name"] for node in flow["nodes"]][-3:] == ["inserted", "updated", "newer row kept"]
    assert drawing.drawn({**shown(evidences.succeeded())["flow"], "rows_in": None}, drawing.WIDE) is None


def test_no_rows_are_told_of_a_job_that_failed_before_it_had_counted_them() -> None:
    failed = evidences.failed()
    nothing = {"rows_in": 0, "rows_out": 0, "rows_rejected": 0, "bytes_in": 0, "files_in": 0}
    error = Answer({**(failed.lake.documents["python-error"].value or {}), **nothing})
    lake = replace(failed.lake, documents={**failed.lake.documents, "python-error": error})
    row = {**failed.warehouse.of("job_run")[0], "rows_in": 0, "rows_staged": 0, "rows_rejected": 0}
    warehouse = replace(failed.warehouse, tables={**failed.warehouse.tables, "job_run": Answer([row])})
    found = shown(replace(failed, lake=lake, warehouse=warehouse))
    counted = ("rows_in", "rows_staged", "rows_rejected", "bytes_in", "files_in")
    assert found["flow"] == {**dict.fromkeys(counted), "tables": []}
    assert "all rows were refused" in found["failure"]["cause"]
    page = report.html_of_job(found)
    assert "No count of rows is known" in page
    assert "0 rows in" not in page


def _job(number: int, status: str, **counts: int) -> Job:
    start = evidences.BEGAN + timedelta(days=number)
    ended = None if status == "RUNNING" else start + timedelta(seconds=10 * (number + 1))
    identifier = f"{start:%Y%m%dT%H%M%S}000Z-{evidences.JOB[20:]}"
    attempt = Attempt(f"{evidences.ARN}-{number}", 0, status, start, ended, error=evidences.HOSTILE)
    return Job(identifier, (attempt,), "orders", counts=counts)


def many() -> list[Job]:
    """Newest first: one runs, one failed, two succeeded."""
    return [
        *(_job(3, "RUNNING"), _job(2, "FAILED", rows_in=10, rows_rejected=10)),
        *(_job(1, "SUCCEEDED", rows_in=100, rows_rejected=5, rows_loaded=95), _job(0, "SUCCEEDED", rows_in=50)),
    ]


def test_many_jobs_are_counted_and_drawn() -> None:
    page, found = report.of_jobs(many(), dataset="orders", since=evidences.BEGAN)
    assert found["totals"] == {
        "jobs": 4,
        "succeeded": 2,
        "failed": 1,
        "running": 1,
        "rows_in": 160,
        "rows_rejected": 15,
        "rows_loaded": 95,
        "median_seconds": 15.0,
    }
    times, rows = dashboard.plots(found["jobs"])
    assert [bar["kind"] for bar in times["bars"]] == ["good", "good", "bad", "open"]
    assert [bar["height"] for bar in times["bars"]][:3] == [32.0, 64.0, 96.0]
    assert [bar["height"] for bar in rows["bars"]][2:4] == [pytest.approx(91.2), pytest.approx(4.8)]
    assert "<script" not in page
    assert page.count("<rect") == 4 + 4


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_page_says_that_older_jobs_are_left_out(is_whole: bool) -> None:
    page, found = report.of_jobs(many(), dataset=None, since=None, is_whole=is_whole)
    assert found["is_whole"] is is_whole
    assert "1 running" in page
    assert ("older ones are left out" in page) is ("Newest jobs" in page) is not is_whole


def test_no_jobs_are_a_page_as_well() -> None:
    page, found = report.of_jobs([], dataset=None, since=None)
    assert "There are no jobs." in page
    assert found["totals"]["median_seconds"] is None


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("s3://raw/flights/a.CSV.gz", "mended.csv"),
        ("s3://raw/flights/a.ndjson.zst", "mended.jsonl"),
        ("s3://raw/flights/a.parquet", "mended.jsonl"),
    ],
)
def test_the_command_that_exports_names_a_file_that_is_accepted(source: str, file: str) -> None:
    found = shown(evidences.succeeded())
    found["reasons"][0]["example"]["source_file"] = source
    assert [step["command"].split()[-1] for step in advice.steps(found)] == [file, file]


@pytest.mark.parametrize("mode", [REPLACE, REPLACE_PARTITION])
def test_no_replay_is_advised_where_it_would_be_refused(mode: str) -> None:
    found = shown(evidences.succeeded())
    found["flow"]["tables"][0]["mode"] = mode
    steps = advice.steps(found)
    assert not any("--replays" in step["command"] for step in steps)
    assert "start a job of all of it" in steps[-1]["text"]


@pytest.mark.parametrize(
    ("statuses", "advised"), [([], 2), (["FAILED"], 2), (["FAILED", "RUNNING"], 0), (["SUCCEEDED"], 0)]
)
def test_rejected_rows_are_to_be_mended_until_a_job_replays_them(statuses: list[str], advised: int) -> None:
    found = shown(evidences.succeeded())
    found["replayed_by"] = [{"job_id": f"job-{number}", "status": status} for number, status in enumerate(statuses)]
    assert len(advice.steps(found)) == advised

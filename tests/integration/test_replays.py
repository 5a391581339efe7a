"""Rejected rows exported by the command, mended in their file, loaded again, and counted once. What it all cost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.errors import PipelineError, UsageError
from pipeline.rerunning import NotPossibleError
from tests.integration.conftest import KindOfJob, Pipeline

UNKNOWN = "20260131T100000123Z-5f0f6a0e-6f0e-5b8e-9f43-6a1c3c1a8c11"


def command(stack_file: Path, *arguments: str) -> Any:
    """What a command prints as JSON."""
    result = CliRunner().invoke(
        cli.pipeline, [*arguments, "--stack", str(stack_file), "--output", "json"], standalone_mode=False
    )
    if result.exception:
        raise result.exception
    return json.loads(result.stdout)


def test_rejected_rows_are_exported_mended_and_loaded_once(
    pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob], stack_file: Path, tmp_path: Path
) -> None:
    first = jobs_of_all_kinds["rejected"].job_id
    shown = command(stack_file, "rejected", first)
    assert [(row["line"], row["column"]) for row in shown] == [(24, None), (22, "month"), (23, "month")]
    counted = command(stack_file, "rejected", first, "--reasons")
    assert sum(kind["rows"] for kind in counted) == 3
    export = tmp_path / "refused.csv"
    made = command(stack_file, "rejected", first, "--export", str(export))
    assert (made["files"], made["rows"], made["left"]) == ([str(export)], 3, 0)
    header, *lines = export.read_text().splitlines()
    assert (header, lines[0]) == (pipeline.header, "not,enough")
    with (tmp_path / "_refused.csv.reasons.csv").open(newline="") as file:
        assert [(row["line"], row["source_line"]) for row in csv.DictReader(file)] == [
            ("2", "24"),
            ("3", "22"),
            ("4", "23"),
        ]
    # Two are mended, one is not.
    export.write_text("\n".join([header, lines[0], *pipeline.rows[30:32]]) + "\n")
    started = command(stack_file, "start", "flights", "--replays", first, "--upload", str(export))
    twice = ("start", "flights", "--replays", first, "--upload", str(export))
    with pytest.raises(UsageError, match=f"is replayed by job {started['job_id']}, which is RUNNING"):
        command(stack_file, *twice)
    outcome = pipeline.wait(started["execution_arn"])
    assert outcome.succeeded, outcome
    assert outcome.output["replays"] == first
    assert pipeline.manifest(outcome, "load")["replays"] == first
    rows = pipeline.query("SELECT * FROM audit.replay_reconciliation WHERE job_id = :job_id", job_id=first)
    (row,) = rows
    assert row.pop("rows_loaded") > row.pop("rows_loaded_by_replays") > 0
    assert row == {
        "job_id": first, "dataset": "flights", "rows_in": 23, "rows_staged": 20, "rows_rejected": 3, "replays": 1,
        "rows_replayed": 2, "rows_still_rejected": 1, "problem": None,
    }  # fmt: skip
    # The rows are loaded. Whoever starts the replay again would have them twice.
    with pytest.raises(
        UsageError, match=f"{first} is replayed by job {started['job_id']}, which is SUCCEEDED; .*--repeat"
    ):
        command(stack_file, *twice)
    with pytest.raises(UsageError, match="a place in the raw bucket"):  # it is refused for this alone
        command(stack_file, *twice[:-2], "--repeat", "--source", "s3://elsewhere/x/")
    chain = "SELECT job_id, replays, rows_in, rows_staged FROM audit.job_run WHERE replay_origin = :first"
    assert pipeline.query(chain, first=first) == [
        {"job_id": started["job_id"], "replays": first, "rows_in": 3, "rows_staged": 2}
    ]
    traced = command(stack_file, "trace", started["job_id"])
    assert (traced["replays"], traced["replayed_by"], traced["complete"]) == (first, [], True)
    traced = command(stack_file, "trace", first)
    again = {"job_id": started["job_id"], "status": "SUCCEEDED"}
    assert (traced["replays"], traced["replayed_by"], traced["complete"]) == (None, [again], True)
    (hop,) = (hop for hop in traced["hops"] if hop["name"] == "replay-reconciliation")
    assert (hop["state"], hop["detail"]) == ("found", "2 of 3 rejected rows replayed, 1 still rejected")
    listed = command(stack_file, "list", "--limit", "0")
    assert {job["replays"] for job in listed if job["job_id"] == started["job_id"]} == {first}


def test_rows_that_are_replayed_twice_are_missing_in_the_trace_of_the_first_job(
    pipeline: Pipeline, stack_file: Path, tmp_path: Path
) -> None:
    lines = [pipeline.header, *pipeline.rows[40:45], "not,enough"]
    first = pipeline.run(pipeline.put("\n".join(lines) + "\n")).output["job_id"]
    mended = "\n".join([pipeline.header, pipeline.rows[46]]) + "\n"
    for number, state in ((1, "found"), (2, "missing")):
        assert pipeline.run(pipeline.put(mended, name=f"mended-{number}.csv"), replays=first).succeeded
        page = tmp_path / "report.html"
        told = command(stack_file, "report", first, "--html", str(page))
        (hop,) = (hop for hop in told["hops"] if hop["name"] == "replay-reconciliation")
        assert hop["state"] == state
        assert [hop["name"] for hop in told["hops"] if hop["state"] == "missing"] == [hop["name"]] * (number - 1)
        assert hop["detail"] in page.read_text(encoding="utf-8")
        done = CliRunner().invoke(cli.pipeline, ["trace", first, "--stack", str(stack_file)], standalone_mode=False)
        assert (done.return_value, hop["detail"] in done.stdout) == (number - 1, True)
    # Neither does a third one that was stopped load them when somebody runs it again.
    stopped = pipeline.start(pipeline.put(mended, name="mended-3.csv"), replays=first)
    pipeline.clients.get("stepfunctions").stop_execution(executionArn=stopped)
    assert pipeline.wait(stopped).status == "ABORTED"
    with pytest.raises(
        NotPossibleError, match=f"replays job {first}, which job .* replays as well, and that is SUCCEEDED"
    ):
        command(stack_file, "rerun", stopped)
    problem = f"more rows were replayed than job {first} rejected: some are loaded twice, or new"
    assert hop["detail"] == problem
    where = "Redshift, audit.replay_reconciliation"
    assert done.stderr == f"error: the rows do not add up at: {where}: {problem}\n"
    assert problem in told["verdict"]["sentence"]


def test_what_cannot_be_replayed_is_refused_before_anything_runs(
    pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob], stack_file: Path
) -> None:
    source = pipeline.put(pipeline.sample(3))
    for kind, said in (("failed", "is FAILED; accepted: a job whose rows are loaded"), ("good", "has rejected no row")):
        with pytest.raises(PipelineError, match=said):
            command(stack_file, "start", "flights", "--replays", jobs_of_all_kinds[kind].job_id, "--source", source)
    arn = pipeline.start(source, replays=UNKNOWN)
    outcome = pipeline.wait(arn)
    assert f"replays is {UNKNOWN}, a job that audit.job_run does not have" in outcome.cause
    assert outcome.states[-1].name == "GenerateJobId"
    assert pipeline.audit_of(arn)["replays"] == UNKNOWN


def test_a_job_of_each_kind_has_its_cost(
    pipeline: Pipeline, jobs_of_all_kinds: dict[str, KindOfJob], stack_file: Path
) -> None:
    costs = {kind: command(stack_file, "cost", job.job_id) for kind, job in jobs_of_all_kinds.items()}
    units = {kind: {line["unit"] for line in cost["lines"]} for kind, cost in costs.items()}
    assert "DPU-seconds" in units["good"] & units["rejected"] & units["failed"] & units["stopped"]
    runs = [line for line in costs["good"]["lines"] if line["unit"] == "DPU-seconds"]
    assert len(runs) == 2
    assert all(line["amount"] > 0 for line in runs)
    for kind in ("failed", "timed out", "stopped"):
        machines = {line["what"].rpartition("-")[2] for line in costs[kind]["lines"] if line["unit"] == "transitions"}
        assert {"pipeline", "failure"} <= machines, kind
    assert costs["good"]["per_million_rows"] == pytest.approx(costs["good"]["total"] / 30 * 1_000_000)
    said = CliRunner().invoke(
        cli.pipeline,
        ["cost", jobs_of_all_kinds["good"].job_id, "--budget", "0.001", "--shapes", "--stack", str(stack_file)],
        standalone_mode=False,
    )
    assert said.return_value == 1
    assert "as if on AWS, by the use measured here" in said.stdout
    assert "which is above $0.001" in said.stderr

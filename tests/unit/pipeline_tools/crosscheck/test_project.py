"""The project itself is clean, and lint says so by its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_tools import crosscheck
from pipeline_tools.crosscheck import __main__ as command
from pipeline_tools.crosscheck.project import Project, stage_sql
from pipeline_tools.crosscheck.run import SampleRun
from pipeline_tools.crosscheck.sample_values import is_known
from tests.unit.pipeline_tools.crosscheck.conftest import ROOT, Copy

READINGS = """\
apiVersion: v3.1.0
kind: DataContract
id: readings
name: readings
version: 1.0.0
status: active
customProperties:
  - property: parameters
    value:
      from_day: {type: date, minimum: "2026-01-01"}
      limit: {type: integer, maximum: 5}
      unit: {type: string, validValues: ["C", "F"]}
      site: {type: string, pattern: "[A-Z]{3}-[0-9]+"}
      factor: {type: number, minimum: 0.5}
      strict: {type: boolean}
      known: {type: string, default: "x"}
schema:
  - name: readings
    customProperties:
      - {property: role, value: source}
    properties:
      - {name: sensor, logicalType: string, physicalType: VARCHAR(20), required: true}
      - {name: value, logicalType: number, physicalType: "DECIMAL(10,2)"}
    quality:
      - {metric: rowCount, mustBeGreaterThan: 0}
  - name: clean_readings
    customProperties:
      - {property: role, value: output}
    properties:
      - {name: sensor, logicalType: string, physicalType: VARCHAR(20), required: true}
      - {name: value, logicalType: number, physicalType: "DECIMAL(10,2)"}
    quality:
      - {metric: rowCount, mustBeGreaterThan: 0}
"""
READINGS_SQL = "CREATE TEMPORARY VIEW clean_readings AS SELECT sensor, value FROM readings"


def test_the_project_is_clean() -> None:
    assert crosscheck.check(ROOT) == []


def test_the_sample_run_knows_what_every_job_function_and_batch_is_given(project: Copy, tmp_path: Path) -> None:
    """Where a sample is lost, the checks that depend on it would say nothing."""
    read = Project.read(project.root)
    for dataset in stage_sql(project.root, tmp_path / "staged"):
        run = SampleRun(read, tmp_path / "staged", dataset)
        run.go()
        for place, call in run.calls.items():
            # What EventBridge starts has an input that only an event knows.
            starters = [(machine, "StartPipeline") for machine in ("start_on_arrival", "start_on_schedule")]
            recorder = [
                ("record_failure", name)
                for name in ("DescribeFailure", "DescribeLater", "RecordFailure", "RecordLater")
            ]
            by_event = place in [*recorder, *starters]
            if call.api.action in ("invoke", "startJobRun", "startExecution") and not by_event:
                key = {"lambda": "Payload", "glue": "Arguments", "states": "Input"}[call.api.service]
                # Rows of a job that there is not, and of its execution.
                unknown = ("earlier", "owner_status")
                given = {name: each for name, each in call.arguments[key].items() if name not in unknown}
                assert is_known(given), (place, call.arguments)


def test_a_dataset_that_a_user_adds_is_run_with_values_for_its_parameters(project: Copy, tmp_path: Path) -> None:
    """Its parameters have no default, and rules of every kind; one has a pattern, to which no sample is made up."""
    added = project.root / "sql" / "datasets" / "readings"
    added.mkdir()
    (added / "contract.yaml").write_text(READINGS, encoding="utf-8")
    (added / "transform.sql").write_text(READINGS_SQL, encoding="utf-8")
    assert project.findings() == []
    assert stage_sql(project.root, tmp_path / "staged") == ["another", "flights", "readings"]
    run = SampleRun(Project.read(project.root), tmp_path / "staged", "readings")
    run.go()
    started = run.calls["pipeline", "GenerateJobId"].arguments["Payload"]["input"]["parameters"]
    assert started == {
        "from_day": "2026-01-01",
        "limit": 5,
        "unit": "C",
        "site": "sample",
        "factor": 0.5,
        "strict": True,
    }
    batch = run.calls["pipeline", "LoadAndRecord"].arguments["Input"]["batch"]
    assert any("INSERT INTO audit.rule_run" in text for text in batch["statements"])


def test_findings_are_printed_in_order_and_fail_the_step(
    project: Copy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", project.root)
    assert command.main([]) == 0
    sql = project.break_("sql/audit/fail.sql", ":cause", ":reason")
    asl = project.break_("infra/state_machines/run-sql.asl.yaml", "$polls + 1", "$poll + 1")
    assert command.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    places = [(line.split(":")[0], int(line.split(":")[1])) for line in lines]
    assert places == sorted(places)
    for start in (
        f"infra/state_machines/run-sql.asl.yaml:{asl}: $poll is not assigned on every path to this state; ",
        f"sql/audit/fail.sql:{sql}: :reason is not bound by state RecordFailure; bind it ",
    ):
        assert any(line.startswith(start) for line in lines), lines
    assert command.main(["everything"]) == 2


def test_terraform_that_is_no_hcl_is_reported(project: Copy) -> None:
    line = project.break_("infra/main.tf", 'module "storage" {', 'module "storage" {{')
    project.assert_found("infra/main.tf", line, "not HCL", "terraform fmt")


@pytest.mark.parametrize("new", ["status: active: no", "statsu: active"])
def test_a_dataset_that_is_none_is_reported(project: Copy, new: str) -> None:
    line = project.break_("sql/datasets/flights/contract.yaml", "status: active", new)
    project.assert_found("sql/datasets/flights/contract.yaml", line, "", "correct it; nox -s package tells more")

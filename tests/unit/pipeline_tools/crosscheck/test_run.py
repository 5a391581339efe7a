"""What the state machines do in a run that was redriven."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline_tools.crosscheck import flow, run
from pipeline_tools.crosscheck.project import Project, stage_sql
from pipeline_tools.crosscheck.run import SampleRun
from tests.unit.pipeline_tools.crosscheck.conftest import ROOT


@pytest.mark.parametrize(("redrives", "attempt"), [(0, "1"), (2, "3")])
def test_the_attempt_is_that_of_the_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redrives: int, attempt: str
) -> None:
    real = flow.context

    def redriven(execution_arn: str, execution_input: Any) -> dict[str, Any]:
        made = real(execution_arn, execution_input)
        made["Execution"]["RedriveCount"] = redrives
        return made

    monkeypatch.setattr(run, "context", redriven)
    stage_sql(ROOT, tmp_path / "sql")
    sample = SampleRun(Project.read(ROOT), tmp_path / "sql", "flights")
    sample.go()
    for state in ("RegisterJob", "LoadAndRecord"):
        batch = sample.calls["pipeline", state].arguments["Input"]["batch"]
        assert [item["Value"] for item in batch["parameters"] if item["Name"] == "attempt"] == [attempt]

"""What the state machines do in a run that was redriven."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from pipeline_tools.crosscheck import flow, run
from pipeline_tools.crosscheck.project import Project, stage_sql
from pipeline_tools.crosscheck.run import SampleRun
from tests.unit.pipeline_tools.crosscheck.conftest import ROOT


@pytest.mark.parametrize("redrives", [0, 2])
def test_the_attempt_is_that_of_the_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redrives: int) -> None:
    real = flow.context

    def redriven(execution_arn: str, execution_input: Any) -> dict[str, Any]:
        made = real(execution_arn, execution_input)
        made["Execution"]["RedriveCount"] = redrives
        return made

    monkeypatch.setattr(run, "context", redriven)
    stage_sql(ROOT, tmp_path / "sql")
    sample = SampleRun(Project.read(ROOT), tmp_path / "sql", "flights")
    sample.go()
    for state in ("RegisterJob", "LoadAndRecord", "RecordAttempt"):
        given = sample.calls["pipeline", state].arguments
        bound = {item["Name"]: item["Value"] for item in given["Input"]["batch"]["parameters"]}
        assert bound["redrive_count"] == str(redrives)
        # Named by the attempt, so that another execution's of the same job are others.
        attempt = f"{hashlib.sha256(bound['execution_arn'].encode()).hexdigest()[:6]}-{redrives}"
        assert given["Name"].endswith(f"-{attempt}-0")
        assert given["Input"]["batch"]["statement_name"].startswith(f"{bound['job_id']} {attempt} ")
        assert max(map(len, (given["Name"], given["Name"].replace(f"-{redrives}-0", "-1000-10")))) <= 80

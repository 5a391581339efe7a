from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from lambda_generate_param import job_id
from pipeline import cli, deployed_contracts, jobs, stacks
from pipeline.clients import Clients
from pipeline.jobs import Attempt, Job
from pipeline.stacks import Stack

JOB_ID = "20261101T000000000Z-497de66f-737f-5f54-9aa4-4a7b8a2c0281"


def completed(*words: str) -> list[str]:
    """What a shell is offered for the last of the words."""
    complete = ShellComplete(cli.pipeline, {}, "pipeline", "_PIPELINE_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Job(JOB_ID, (Attempt("arn:x", 0, "FAILED", job_id.started_at(JOB_ID)),), dataset="flights")
    monkeypatch.setattr(stacks, "find", lambda _place: Stack(Clients(), {}, Path()))
    monkeypatch.setattr(deployed_contracts, "names", lambda _stack: ["flights", "orders"])
    monkeypatch.setattr(jobs, "listed", lambda _stack, limit: iter([found][:limit]))


def test_names_of_commands_and_what_they_take_are_completed(deployment: None) -> None:
    assert completed("st") == ["start", "stop"]
    assert completed("start", "f") == ["flights"]
    assert completed("list", "--dataset", "") == ["flights", "orders"]
    assert completed("list", "--status", "t") == ["timed_out"]
    assert completed("logs", "last", "--stage", "s") == ["spark", "states"]
    assert completed("watch", "") == ["last", JOB_ID]
    assert completed("rerun", "2") == [JOB_ID]


def test_without_a_deployment_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("watch", "2") == []
    assert completed("start", "f") == []
    assert capsys.readouterr().err == ""

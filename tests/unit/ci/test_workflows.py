"""The workflows of GitHub Actions: what they run is pinned, allowed little, and there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline_tools.environments import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WRITES = {"id-token", "pull-requests"}  # all that any job here may write


def read(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["on"] = document.pop(True)  # YAML 1.1 takes the key "on" for a truth value
    assert isinstance(document, dict)
    return document


JOBS = [
    pytest.param(path, job, id=f"{path.stem}-{name}") for path in WORKFLOWS for name, job in read(path)["jobs"].items()
]


def uses_aws(job: dict[str, Any]) -> bool:
    return any("configure-aws-credentials" in step.get("uses", "") for step in job["steps"])


def test_the_workflows_are_there() -> None:
    assert [path.stem for path in WORKFLOWS] == ["apply", "plan", "test"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    used = re.findall(r"uses:(.*)", text)
    assert used
    for reference in used:
        assert re.fullmatch(r" [a-z-]+/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", reference), reference


def test_an_action_has_one_commit() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: ([^@]+)@(\S+ # \S+)", text))
    assert len(pins) == len({action for action, _ in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_says_what_it_may_do_and_what_it_waits_for(path: Path) -> None:
    document = read(path)
    assert document["permissions"] in ({}, {"contents": "read"})
    assert document["concurrency"]["group"]
    assert "pull_request_target" not in document["on"]


@pytest.mark.parametrize(("path", "job"), JOBS)
def test_a_job_may_write_little_and_ends(path: Path, job: dict[str, Any]) -> None:
    permissions = job.get("permissions", read(path)["permissions"])
    assert {name for name, access in permissions.items() if access == "write"} <= WRITES
    assert ("id-token" in permissions) == uses_aws(job)
    assert job["timeout-minutes"] <= 60


@pytest.mark.parametrize(("path", "job"), JOBS)
def test_no_code_of_a_fork_gets_credentials(path: Path, job: dict[str, Any]) -> None:
    if uses_aws(job) and "pull_request" in read(path)["on"]:
        assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]


@pytest.mark.parametrize(("path", "job"), JOBS)
def test_a_job_that_writes_comments_runs_no_code_of_the_pull_request(path: Path, job: dict[str, Any]) -> None:
    if "pull-requests" in job.get("permissions", {}):
        assert not uses_aws(job)
        assert not any("checkout" in step.get("uses", "") for step in job["steps"])


@pytest.mark.parametrize(("path", "job"), JOBS)
def test_nothing_that_others_write_is_put_into_a_script(path: Path, job: dict[str, Any]) -> None:
    for step in job["steps"]:
        assert "${{" not in step.get("run", ""), step


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_sessions_that_are_called_exist(path: Path) -> None:
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = set(re.findall(r"^@nox\.session.*\ndef (\w+)\(", noxfile, re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    called = re.findall(r"\./noxw(?: -s (\w+))?", "\n".join(re.findall(r"run: (.*)", text)))
    assert called
    assert {name for name in called if name} <= sessions


def test_a_plan_is_applied_behind_an_approval_and_as_it_was_saved() -> None:
    document = read(ROOT / ".github" / "workflows" / "apply.yml")
    apply = document["jobs"]["apply"]
    assert apply["needs"] == "plan"
    assert apply["environment"]
    assert "environment" not in document["jobs"]["plan"]
    commands = [step["run"] for step in apply["steps"] if "run" in step]
    assert commands[1] == 'terraform -chdir=infra apply -input=false "../build/plan/$ENVIRONMENT.tfplan"'
    assert commands[2] == './noxw -s schema -- "$ENVIRONMENT"'


def test_the_environments_exist() -> None:
    known = {path.stem for path in (ROOT / "infra" / "environments").glob("*.tfvars")}
    document = read(ROOT / ".github" / "workflows" / "apply.yml")
    assert set(document["on"]["workflow_dispatch"]["inputs"]["environment"]["options"]) <= known - {"local"}
    assert read(ROOT / ".github" / "workflows" / "plan.yml")["env"]["ENVIRONMENT"] in known


@pytest.mark.parametrize(("known", "method"), [("", "POST"), ("4711", "PATCH")])
def test_the_comment_is_written_once_and_is_shorter_than_github_takes(tmp_path: Path, known: str, method: str) -> None:
    step = read(ROOT / ".github" / "workflows" / "plan.yml")["jobs"]["comment"]["steps"][-1]
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "dev.md").write_text("## a plan\n" + "€" * 100_000, encoding="utf-8")
    gh = tmp_path / "gh"
    gh.write_text(
        f'#!/bin/sh\necho "$@" >> calls\ncase "$*" in *--paginate*) echo "{known}";; esac\n', encoding="utf-8"
    )
    gh.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "ENVIRONMENT": "dev",
        "REPOSITORY": "acme/pipeline",
        "NUMBER": "7",
        "RUN_URL": "https://github.com/acme/pipeline/actions/runs/1",
    }
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
    written = (tmp_path / "comment.md").read_bytes().decode("utf-8")
    assert written.startswith("<!-- plan of dev -->\n")
    assert environment["RUN_URL"] in written
    assert 60_000 < len(written) < 65_536
    assert f"--method {method}" in (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[-1]

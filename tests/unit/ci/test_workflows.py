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
WRITES = {"contents", "id-token", "pull-requests"}  # all that any job here may write


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
    assert [path.stem for path in WORKFLOWS] == ["apply", "chaos", "plan", "release", "test"]


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
def test_a_job_that_writes_on_github_runs_no_code_of_the_repository(path: Path, job: dict[str, Any]) -> None:
    permissions = job.get("permissions", {})
    if "write" in (permissions.get("pull-requests"), permissions.get("contents")):
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
    assert commands[2] == 'terraform -chdir=infra apply -input=false "../build/plan/$ENVIRONMENT.tfplan"'
    assert commands[3] == './noxw -s schema -- "$ENVIRONMENT"'


@pytest.mark.parametrize(("path", "job"), JOBS)
def test_an_artefact_has_no_plan(path: Path, job: dict[str, Any]) -> None:
    """Whoever reads the repository may fetch it; a saved plan has sensitive values in clear."""
    for step in job["steps"]:
        if "upload-artifact" in step.get("uses", ""):
            for file in step["with"]["path"].split("\n"):
                assert re.fullmatch(
                    r"build/plan/[^/*]+\.md|build/chaos/[^/*]+/chaos\.(json|html)|build/release/\*|", file
                )


def test_only_a_tag_makes_a_release() -> None:
    document = read(ROOT / ".github" / "workflows" / "release.yml")
    assert document["on"] == {"push": {"tags": ["v*"]}}
    assert document["jobs"]["build"]["permissions"] == {"contents": "read"}
    assert document["jobs"]["publish"]["needs"] == "build"


def _step(workflow: str, job: str, name: str) -> dict[str, Any]:
    steps = read(ROOT / ".github" / "workflows" / f"{workflow}.yml")["jobs"][job]["steps"]
    (step,) = (step for step in steps if step.get("name") == name)
    assert isinstance(step, dict)
    return step


def _shell(step: dict[str, Any], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step in a folder where `aws s3 cp` copies to and from the folder "s3"."""
    aws = folder / "bin" / "aws"
    aws.parent.mkdir(exist_ok=True)
    # aws s3 cp --only-show-errors FROM TO
    aws.write_text(
        '#!/bin/sh\nplace() { case "$1" in s3://*) echo "$S3/${1#s3://}";; *) echo "$1";; esac; }\n'
        'to=$(place "$5"); mkdir -p "$(dirname "$to")"; cp "$(place "$4")" "$to"\n',
        encoding="utf-8",
    )
    aws.chmod(0o755)
    variables = {
        "PATH": f"{aws.parent}:/usr/bin:/bin",
        "S3": str(folder / "s3"),
        "ENVIRONMENT": "dev",
        "TF_STATE_BUCKET": "states",
        "GITHUB_RUN_ID": "17",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_OUTPUT": str(folder / "output"),
        **environment,
    }
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """A checkout in which a plan was made."""
    for name, content in {
        "build/plan/dev.tfplan": "saved",
        "build/plan/dev.txt": "the whole plan",
        "build/plan/dev.json": "sensitive",
        "build/package/lambda.zip": "zip",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    backend = tmp_path / "infra" / "environments" / "dev.s3.tfbackend"
    backend.parent.mkdir(parents=True)
    backend.write_bytes((ROOT / "infra" / "environments" / "dev.s3.tfbackend").read_bytes())
    return tmp_path


def _outputs(folder: Path) -> dict[str, str]:
    lines = (folder / "output").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_a_saved_plan_goes_to_the_apply_by_the_state_bucket(planned: Path, tmp_path_factory: Any) -> None:
    _shell(_step("apply", "plan", "Keep the saved plan beside the state"), planned).check_returncode()
    outputs = _outputs(planned)
    # Where infra/bootstrap lets the plan role write, and only the apply role read.
    assert outputs["key"] == "traceable-data-pipeline/dev/plans/17-2.tar"
    runner = tmp_path_factory.mktemp("apply")
    (planned / "s3").rename(runner / "s3")
    approved = {"KEY": outputs["key"], "SHA256": outputs["sha256"]}
    _shell(_step("apply", "apply", "Take the plan that was approved"), runner, **approved).check_returncode()
    files = sorted(str(path.relative_to(runner / "build")) for path in (runner / "build").rglob("*") if path.is_file())
    assert files == ["package/lambda.zip", "plan/dev.tfplan"]


def test_another_plan_than_the_approved_one_is_not_taken(planned: Path) -> None:
    _shell(_step("apply", "plan", "Keep the saved plan beside the state"), planned).check_returncode()
    outputs = _outputs(planned)
    left = planned / "s3" / "states" / outputs["key"]
    left.write_bytes(left.read_bytes() + b"x")
    approved = {"KEY": outputs["key"], "SHA256": outputs["sha256"]}
    done = _shell(_step("apply", "apply", "Take the plan that was approved"), planned, **approved)
    assert done.returncode != 0
    assert "plan.tar: FAILED" in done.stdout


def test_the_whole_plan_of_a_pull_request_is_kept_beside_the_state(planned: Path) -> None:
    _shell(_step("plan", "plan", "Keep the whole plan beside the state"), planned).check_returncode()
    key = _outputs(planned)["key"]
    assert key == "traceable-data-pipeline/dev/plans/17-2.txt"
    assert (planned / "s3" / "states" / key).read_text(encoding="utf-8") == "the whole plan"


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
        "KEY": "traceable-data-pipeline/dev/plans/17-2.txt",
    }
    subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
    written = (tmp_path / "comment.md").read_bytes().decode("utf-8")
    assert written.startswith("<!-- plan of dev -->\n")
    assert f'`aws s3 cp "s3://$TF_STATE_BUCKET/{environment["KEY"]}" -`' in written
    assert 60_000 < len(written) < 65_536
    assert f"--method {method}" in (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[-1]

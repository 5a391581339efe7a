from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.clients import Clients
from pipeline_tools.deployed import Deployed
from pipeline_tools.deployment import deploy, schema
from pipeline_tools.deployment.deploy import NoPlanError
from pipeline_tools.plan_review import sources
from pipeline_tools.terraform import PACKAGE_DIR, Deployment, TerraformError


@pytest.mark.parametrize("arguments", [[], ["local", "x"], ["--help"]])
def test_it_takes_one_environment(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: nox -s deploy -- local")


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """An environment, its configuration and its package; nothing of it is run."""
    package, infra = tmp_path / "package", tmp_path / "infra"
    (infra / "environments").mkdir(parents=True)
    (infra / "environments" / "dev.tfvars").write_text("")
    (infra / "main.tf").write_text("# first")
    package.mkdir()
    (package / "package.json").write_text(json.dumps({"code_version": "1"}))
    monkeypatch.setenv(PACKAGE_DIR, str(package))
    return Deployment("dev", tmp_path / "terraform", configuration=infra)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("package/package.json", r"the package \(src/ or sql/\) is another one"),
        ("infra/main.tf", "infra/ was changed"),
        ("infra/environments/dev.tfvars", "infra/ was changed"),
        ("infra/state_machines/new.asl.yaml", "infra/ was changed"),
        ("plan/dev.tfplan", "dev.tfplan is another file"),
    ],
)
def test_a_plan_of_other_sources_is_refused(dev: Deployment, tmp_path: Path, change: str, named: str) -> None:
    # What is compared is not Terraform's to know, so the plan need not be one.
    saved = tmp_path / "plan" / "dev.tfplan"
    saved.parent.mkdir()
    saved.write_bytes(b"a plan")
    sources.note(dev, saved)
    path = tmp_path / change
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"code_version": "2"}) if path.suffix == ".json" else "# changed")
    with pytest.raises(NoPlanError, match=f"not of what the checkout says now: {named}. Plan again"):
        deploy.apply_saved(dev, saved.parent)
    assert saved.is_file()


def test_a_plan_that_nothing_tells_about_is_refused(dev: Deployment, tmp_path: Path) -> None:
    (tmp_path / "dev.tfplan").write_bytes(b"a plan")
    with pytest.raises(NoPlanError, match="nothing says what it was made from"):
        deploy.apply_saved(dev, tmp_path)


def test_what_does_not_change_a_plan_does_not_refuse_it(dev: Deployment, tmp_path: Path) -> None:
    saved = tmp_path / "dev.tfplan"
    saved.write_bytes(b"a plan")
    sources.note(dev, saved)
    for name in ("tests/plan.tftest.hcl", "bootstrap/main.tf", ".terraform/modules.json", "terraform.tfstate.backup"):
        path = tmp_path / "infra" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("new")
    os.utime(tmp_path / "infra" / "main.tf", (1, 1))
    assert sources.changes(dev, saved) == []


def test_without_a_plan_it_is_told_how_to_make_one(dev: Deployment, tmp_path: Path) -> None:
    with pytest.raises(NoPlanError, match=r"no plan is saved for 'dev': \./noxw -s plan -- dev makes one"):
        deploy.apply_saved(dev, tmp_path)


def test_an_unknown_environment_is_named(dev: Deployment, tmp_path: Path) -> None:
    unknown = Deployment("porduction", dev.directory, configuration=dev.configuration)
    with pytest.raises(TerraformError, match="environment 'porduction' is unknown; known: dev"):
        deploy.apply_saved(unknown, tmp_path)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """A deployment whose tables cannot take what the package says."""
    refusal = {"problem": "analytics.t has a column x that no contract names", "statements": ["ALTER TABLE t DROP x"]}
    found = Deployed(Clients("http://127.0.0.1:9"), {"lambda_function_name": "f"})
    monkeypatch.setattr(schema, "compare", lambda *_: schema.Update((), (refusal,)))
    monkeypatch.setattr(schema, "deployed_version", lambda _: "1")
    monkeypatch.setattr(deploy, "_applied", lambda _: found)
    return found


def test_nothing_is_applied_where_the_tables_cannot_take_it(
    dev: Deployment, refused: Deployed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The configuration is none that Terraform could apply: it would be an error.
    assert deploy.bring(refused, dev) == 1
    saved = tmp_path / "dev.tfplan"
    saved.write_bytes(b"a plan")
    sources.note(dev, saved)
    assert deploy.apply_saved(dev, tmp_path) == 1
    assert saved.is_file()
    said = capsys.readouterr().err
    assert said.count("refused: analytics.t has a column x that no contract names") == 2
    assert said.count("    ALTER TABLE t DROP x;") == 2
    assert said.count("error: nothing was applied") == 2

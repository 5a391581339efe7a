"""`nox -s deploy` with a saved plan: Terraform itself, on a configuration that needs no endpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline_tools.deployment import deploy
from pipeline_tools.deployment.deploy import NoPlanError
from pipeline_tools.plan_review.__main__ import save
from pipeline_tools.terraform import INFRA, PACKAGE_DIR, Deployment


def test_a_saved_plan_is_applied_once_after_its_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    infra, package, plans = tmp_path / "infra", tmp_path / "package", tmp_path / "plan"
    (infra / "environments").mkdir(parents=True)
    (infra / "environments" / "dev.tfvars").write_text("")
    shutil.copy(INFRA / "versions.tf", infra)
    (infra / "main.tf").write_text('resource "terraform_data" "one" {\n  input = "first"\n}\n')
    package.mkdir()
    (package / "package.json").write_text(json.dumps({"code_version": "1"}))
    monkeypatch.setenv(PACKAGE_DIR, str(package))
    dev = Deployment("dev", tmp_path / "terraform", configuration=infra)
    dev.init()
    assert save(dev, plans, against="nothing")
    capfd.readouterr()
    assert deploy.apply_saved(dev, plans) == 0
    said = capfd.readouterr()
    summary, _, applied = said.out.partition("Apply complete! Resources: 1 added")
    assert "**1 to create" in summary
    assert applied
    assert "./noxw -s schema -- dev" in said.err
    assert '"first"' in (tmp_path / "terraform" / "terraform.tfstate").read_text()
    with pytest.raises(NoPlanError, match="no plan is saved for 'dev'"):
        deploy.apply_saved(dev, plans)

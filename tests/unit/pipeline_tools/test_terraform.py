from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import pytest
from python_terraform import Terraform

from pipeline_tools import terraform
from pipeline_tools.terraform import Deployment, TerraformError

PLATFORM = f"{platform.system().lower()}_{'amd64' if platform.machine() == 'x86_64' else 'arm64'}"
PROVIDER = "registry.terraform.io/hashicorp/aws"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.hcl"
    path.write_text(f'provider "{PROVIDER}" {{\n  version = "5.100.0"\n}}\n')
    return path


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(terraform, "_MIRROR_PREFIXES", (str(tmp_path / "opt"),))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    return tmp_path / "opt" / "plugins"


def test_a_mirror_with_the_locked_provider_is_found(lock: Path, prefix: Path) -> None:
    (prefix / PROVIDER / "5.100.0" / PLATFORM).mkdir(parents=True)
    assert terraform.find_mirror(lock) == prefix


@pytest.mark.parametrize("place", [f"5.99.0/{PLATFORM}", "5.100.0/plan9_mips"])
def test_a_mirror_without_it_is_passed_over(lock: Path, prefix: Path, place: str) -> None:
    (prefix / PROVIDER / place).mkdir(parents=True)
    assert terraform.find_mirror(lock) is None


def test_a_configuration_of_the_callers_own_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.rc"
    own.write_text("")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(own))
    assert terraform.cli_config(tmp_path) == str(own)


def test_a_configuration_that_does_not_exist_is_not_used(
    tmp_path: Path, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "nothing.rc"))
    assert terraform.cli_config(tmp_path) is None


def test_an_unknown_environment_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match=r"environment 'porduction' is unknown; known: .*local"):
        Deployment("porduction", tmp_path).apply()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What Terraform was called with, and in which environment; nothing is run."""
    monkeypatch.setattr(terraform, "ROOT", tmp_path)
    seen: list[dict[str, Any]] = []

    def cmd(called: Terraform, command: str, *arguments: str, **options: Any) -> tuple[int, str, str]:
        line = called.generate_cmd_string(command, *arguments, **options)
        seen.append({"line": line[1:], "in": Path(called.working_dir), "data": os.environ["TF_DATA_DIR"]})
        return 0, "", ""

    monkeypatch.setattr(Terraform, "cmd", cmd)
    return seen


def test_an_environment_on_aws_has_its_state_in_s3(
    calls: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_STATE_BUCKET", "states")
    deployment = Deployment("dev")
    deployment.init()
    deployment.plan(tmp_path / "x.tfplan")
    init, plan = calls
    assert init["in"] == plan["in"] == terraform.INFRA
    assert f"-backend-config={terraform.INFRA}/environments/dev.s3.tfbackend" in init["line"]
    assert "-backend-config=bucket=states" in init["line"]
    assert not [argument for argument in plan["line"] if argument.startswith("-state")]
    assert init["data"] == plan["data"] == str(tmp_path / "build" / "terraform" / "dev" / "data")


def test_the_bucket_of_the_state_has_to_be_named(calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_STATE_BUCKET", raising=False)
    with pytest.raises(TerraformError, match=r"TF_STATE_BUCKET is not set: .* environment 'prod'"):
        Deployment("prod").init()
    assert calls == []


@pytest.mark.parametrize(("environment", "directory"), [("local", None), ("local", "one"), ("dev", "two")])
def test_a_local_state_is_in_the_directory_of_the_deployment(
    calls: list[dict[str, Any]], tmp_path: Path, environment: str, directory: str | None
) -> None:
    deployment = Deployment(environment, tmp_path / directory if directory else None)
    deployment.init()
    deployment.plan(tmp_path / "x.tfplan")
    home = tmp_path / directory if directory else tmp_path / "build" / "terraform" / environment
    for call in calls:
        assert call["in"] == home / "configuration"
        assert call["data"] == str(home / "data")
        assert not [argument for argument in call["line"] if "backend-config" in argument]
    assert f"-state={home}/terraform.tfstate" in calls[1]["line"]


def test_a_configuration_without_its_backend_has_all_else(tmp_path: Path) -> None:
    infra, linked = tmp_path / "infra", tmp_path / "linked"
    (infra / "modules").mkdir(parents=True)
    for name in ("main.tf", "backend.tf", "backend_override.tf", "old.tf", "terraform.tfstate"):
        (infra / name).write_text(name)
    terraform.linked(infra, linked)
    assert {path.name for path in linked.iterdir()} == {"main.tf", ".terraform.lock.hcl", "old.tf", "modules"}
    (infra / "old.tf").unlink()
    (infra / "new.tf").write_text("")
    terraform.linked(infra, linked)
    assert {path.name for path in linked.iterdir()} == {"main.tf", ".terraform.lock.hcl", "new.tf", "modules"}
    assert (infra / "main.tf").read_text() == "main.tf"


def test_terraforms_own_error_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match="terraform show ended with exit code 1"):
        Deployment("local", tmp_path).show(tmp_path / "nothing.tfplan", as_json=False)


def test_the_process_environment_is_as_before_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(TerraformError):
        Deployment("local", tmp_path, "http://127.0.0.1:1").show(tmp_path / "nothing.tfplan", as_json=False)
    assert os.environ["AWS_ACCESS_KEY_ID"] == "mine"
    assert "AWS_ENDPOINT_URL" not in os.environ

from __future__ import annotations

import platform
from pathlib import Path

import pytest

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
    assert terraform._cli_config(tmp_path) == str(own)


def test_a_configuration_that_does_not_exist_is_not_used(
    tmp_path: Path, prefix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(tmp_path / "nothing.rc"))
    assert terraform._cli_config(tmp_path) is None


def test_an_unknown_environment_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match=r"environment 'porduction' is unknown; known: .*local"):
        Deployment("porduction", tmp_path).apply()


def test_terraforms_own_error_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match="terraform show ended with exit code 1"):
        Deployment("local", tmp_path).show(tmp_path / "nothing.tfplan", as_json=False)


def test_the_process_environment_is_as_before_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(TerraformError):
        Deployment("local", tmp_path, "http://127.0.0.1:1").show(tmp_path / "nothing.tfplan", as_json=False)
    import os

    assert os.environ["AWS_ACCESS_KEY_ID"] == "mine"
    assert "AWS_ENDPOINT_URL" not in os.environ

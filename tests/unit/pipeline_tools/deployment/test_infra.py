from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_tools.deployment import infra
from pipeline_tools.terraform import INFRA, TerraformError


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """What `terraform test` says; nothing is run."""
    answer = {"test": "Success! 3 passed, 0 failed.\n"}
    monkeypatch.setattr(infra, "_terraform", lambda command, *_: answer.get(command, ""))
    monkeypatch.setattr(infra, "DIRECTORY", tmp_path)
    return answer


def test_every_module_and_the_whole_configuration_are_tested(
    said: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert infra.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    modules = sorted(path.name for path in (INFRA / "modules").iterdir())
    assert [line.split()[0] for line in lines] == [*modules, "infra", "bootstrap"]
    assert all(line.endswith("3 passed") for line in lines)


def test_a_module_without_tests_fails(said: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    said["test"] = "Success! 0 passed, 0 failed.\n"
    assert infra.main(["storage"]) == 1
    assert "infra/modules/storage has no tests" in capsys.readouterr().out


def test_one_failure_does_not_hide_the_next(
    said: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(command: str, *_: object) -> str:
        raise TerraformError(f"terraform {command} ended with exit code 1")

    monkeypatch.setattr(infra, "_terraform", fail)
    assert infra.main(["storage", "redshift"]) == 1
    assert capsys.readouterr().out.count("FAILED") == 2


def test_an_unknown_module_is_named_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert infra.main(["storrage"]) == 2
    assert "no module storrage; there are arrival_trigger, " in capsys.readouterr().err

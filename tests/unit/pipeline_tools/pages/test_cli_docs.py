from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import cli
from pipeline_tools.pages import cli_docs


def test_the_page_is_what_the_commands_say() -> None:
    assert cli_docs.FILE.read_text(encoding="utf-8") == cli_docs.text(), "python -m pipeline_tools.pages.cli_docs"


def test_it_has_each_command() -> None:
    for name, first in cli.COMMANDS.items():
        assert f"## pipeline {name}\n\n```text\nUsage: pipeline {name} [OPTIONS]" in cli_docs.text()
        assert first in cli_docs.text()


def test_it_takes_no_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli_docs.main(["now"], tmp_path / "cli.md") == 2
    assert "'now' is given" in capsys.readouterr().err
    assert cli_docs.main([], tmp_path / "cli.md") == 0
    assert (tmp_path / "cli.md").read_text(encoding="utf-8") == cli_docs.text()

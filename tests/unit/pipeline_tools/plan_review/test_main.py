from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline_tools.deployment import local
from pipeline_tools.plan_review import __main__ as command


@pytest.mark.parametrize("arguments", [[], ["dev", "prod"], ["dev", "--lock"]])
def test_usage_has_the_exit_code_of_an_error_and_not_of_changes(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 1
    assert "usage: nox -s plan -- " in capsys.readouterr().err


def test_nothing_runs_where_nothing_was_written(tmp_path: Path) -> None:
    assert local.running(tmp_path) is None


def test_nothing_runs_where_an_earlier_session_was_killed(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"endpoint_url": "http://127.0.0.1:9"}))
    assert local.running(tmp_path) is None

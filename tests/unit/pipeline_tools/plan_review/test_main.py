from __future__ import annotations

import pytest

from pipeline_tools.plan_review import __main__ as command


@pytest.mark.parametrize("arguments", [[], ["dev", "prod"], ["dev", "--lock"]])
def test_usage_has_the_exit_code_of_an_error_and_not_of_changes(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 1
    assert "usage: nox -s plan -- " in capsys.readouterr().err

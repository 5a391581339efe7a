from __future__ import annotations

import pytest

from pipeline_tools import deploy


@pytest.mark.parametrize("arguments", [[], ["dev"], ["local", "x"], ["--help"]])
def test_it_takes_local_only(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: nox -s deploy -- local")

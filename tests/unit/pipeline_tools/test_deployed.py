from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline_tools import deployed


def test_without_a_local_stack_it_is_told_how_to_start_one(tmp_path: Path) -> None:
    assert deployed.running_locally(tmp_path) is None
    with pytest.raises(deployed.NotDeployedError, match=r"nothing is deployed locally; \./noxw -s local"):
        deployed.find("local", tmp_path)


@pytest.mark.endpoint
def test_a_stack_that_was_killed_is_none(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"endpoint_url": "http://127.0.0.1:9"}))
    with pytest.raises(deployed.NotDeployedError):
        deployed.find("local", tmp_path)

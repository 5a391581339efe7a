from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline_tools import deployed
from pipeline_tools.claims import claimed
from pipeline_tools.terraform import TerraformError


def test_without_a_local_stack_it_is_told_how_to_start_one(tmp_path: Path) -> None:
    assert deployed.running_locally(tmp_path) is None
    with pytest.raises(deployed.NotDeployedError, match=r"nothing is deployed locally; \./noxw -s local"):
        deployed.find("local", tmp_path)


def test_only_the_outputs_of_a_session_that_has_the_directory_count(tmp_path: Path) -> None:
    with claimed(tmp_path / "local", "nox -s local") as directory:
        (directory / "outputs.json").write_text(json.dumps({"endpoint_url": "http://127.0.0.1:9"}))
        assert deployed.find("local", directory).outputs == {"endpoint_url": "http://127.0.0.1:9"}
    # As one that was killed leaves it; by now something else may serve at that address.
    with pytest.raises(deployed.NotDeployedError):
        deployed.find("local", directory)


def test_an_environment_that_is_not_there_is_told_from_one_without_outputs() -> None:
    with pytest.raises(TerraformError, match="environment 'nope' is unknown; known: dev, local, prod"):
        deployed.find("nope")


def test_nothing_runs_where_nothing_was_written(tmp_path: Path) -> None:
    assert deployed.local_url(tmp_path) is None


def test_nothing_runs_where_an_earlier_session_was_killed(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").write_text(json.dumps({"endpoint_url": "http://127.0.0.1:9"}))
    assert deployed.local_url(tmp_path) is None

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_tools import environments
from pipeline_tools.endpoint import EndpointError, LocalEndpoint
from pipeline_tools.environments import Environment, InterpreterNotFoundError


def test_an_unknown_engine_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(EndpointError, match="engine 'docker' is unknown; known: ministack, localstack"):
        LocalEndpoint(tmp_path, engine="docker").start()


def test_an_engine_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_ENGINE", "localstack")
    assert LocalEndpoint(tmp_path).engine == "localstack"
    assert LocalEndpoint(tmp_path, engine="ministack").engine == "ministack"


def test_localstack_without_its_python_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(_self: Environment) -> Path:
        raise InterpreterNotFoundError("Python 3.13 was not found")

    monkeypatch.setattr(environments.Environment, "ensure", not_found)
    with pytest.raises(EndpointError, match=r"LocalStack needs Python 3\.13: Python 3\.13 was not found"):
        LocalEndpoint(tmp_path, engine="localstack").start()

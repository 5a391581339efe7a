"""What is changed in LocalStack's Lambda: it is still needed, and does what it is for."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
KEY = "arn:aws:kms:us-east-1:000000000000:key/k"


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module over a Lambda that answers with a function's ARN alone."""
    module: Any = importlib.import_module("local_aws.engines.localstack.lambda_keys")

    def create_function(_self: Any, _context: Any, _request: Any) -> dict[str, Any]:
        return {"FunctionArn": FUNCTION}

    def update_function_configuration(_self: Any, _context: Any, _request: Any) -> dict[str, Any]:
        return {"FunctionArn": FUNCTION}

    def map_config_out(version: str) -> dict[str, Any]:
        return {"FunctionArn": version}

    monkeypatch.setattr(module.LambdaProvider, "create_function", create_function)
    monkeypatch.setattr(module.LambdaProvider, "update_function_configuration", update_function_configuration)
    monkeypatch.setattr(module.api_utils, "map_config_out", map_config_out)
    module.change()
    module.change()
    return module


def test_localstack_forgets_the_key_of_a_function() -> None:
    utils: Any = importlib.import_module("localstack.services.lambda_.api_utils")
    assert "KMSKeyArn" not in inspect.getsource(inspect.unwrap(utils.map_config_out))


def test_the_key_of_a_function_is_kept_until_it_is_taken_away(ours: Any) -> None:
    create, update = ours.LambdaProvider.create_function, ours.LambdaProvider.update_function_configuration

    def described() -> str | None:
        key: str | None = ours.api_utils.map_config_out(f"{FUNCTION}:1").get("KMSKeyArn")
        return key

    assert create(None, None, {"KMSKeyArn": KEY})["KMSKeyArn"] == KEY
    assert described() == KEY
    assert update(None, None, {"Timeout": 3})["KMSKeyArn"] == KEY
    assert "KMSKeyArn" not in update(None, None, {"KMSKeyArn": ""})
    assert described() is None
    create(None, None, {"KMSKeyArn": KEY})
    create(None, None, {})
    assert described() is None

"""The key of a function's environment, which LocalStack forgets; a test fails when the change is no longer needed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from localstack.services.lambda_ import api_utils
from localstack.services.lambda_.provider import LambdaProvider

from local_aws.json_types import JsonMapping

# KMSKeyArn by the function's ARN.
_keys: Final[dict[str, str]] = {}


def change() -> None:
    """Make the change; more than once does no harm."""
    if hasattr(api_utils.map_config_out, "_tells_key"):
        return
    LambdaProvider.create_function = _keeping(LambdaProvider.create_function)
    LambdaProvider.update_function_configuration = _keeping(LambdaProvider.update_function_configuration)
    describe = api_utils.map_config_out

    @functools.wraps(describe)
    def with_key(version: object, *arguments: object, **named: object) -> Any:
        described = describe(version, *arguments, **named)
        if key := _keys.get(_function(described["FunctionArn"])):
            described["KMSKeyArn"] = key
        return described

    with_key._tells_key = True  # type: ignore[attr-defined]
    api_utils.map_config_out = with_key


def _keeping(make: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(make)
    def made(self: LambdaProvider, context: object, request: JsonMapping) -> Any:
        answer = make(self, context, request)
        function = _function(answer["FunctionArn"])
        # A function that is made without one may have the name of one that had; an update may leave it as it is.
        if "KMSKeyArn" in request or make.__name__ == "create_function":
            _keys[function] = request.get("KMSKeyArn", "")
        if key := _keys.get(function):
            answer["KMSKeyArn"] = key
        return answer

    return made


def _function(arn: str) -> str:
    """The ARN without a version or an alias."""
    return ":".join(arn.split(":")[:7])

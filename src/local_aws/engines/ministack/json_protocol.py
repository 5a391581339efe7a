"""Requests in the JSON protocols of AWS, as MiniStack passes them to a handler, and their answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]


def operation_of(headers: Mapping[str, str]) -> str:
    """The operation that a request asks for."""
    return headers.get("x-amz-target", "").rpartition(".")[2]


def document_of(body: bytes | str) -> JsonObject:
    """The members of a body; none where it is no JSON object."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def answer_json(handle: Callable[[str, JsonMapping], JsonObject], headers: Mapping[str, str], body: bytes) -> Response:
    """What a handler answers to a request, or the error that it raises."""
    answered = {"Content-Type": "application/x-amz-json-1.1"}
    try:
        return 200, answered, json.dumps(handle(operation_of(headers), document_of(body)), default=_seconds).encode()
    except AwsError as error:
        return error_json(error)


def error_json(error: AwsError) -> Response:
    """An error as an answer."""
    document = {"__type": error.code, "message": error.message, "Message": error.message, **error.fields}
    return error.status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode()


def _seconds(value: Any) -> float:
    return float(value.timestamp())  # the JSON protocols write a timestamp as seconds since 1970-01-01 UTC

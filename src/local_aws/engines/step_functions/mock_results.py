"""The mock of a TestState request: its result or its error, and the context, as AWS checks them.

https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import DataNotFoundError
from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_aws.engines.step_functions.interpreter import SERVICE, Interpreter
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.request_model import find_operation

_UNMOCKABLE: Final = ("Pass", "Fail", "Succeed", "Choice", "Wait")
# The context that a request may bring: the type of each field.
_CONTEXT: Final[dict[str, dict[str, type]]] = {
    "Execution": {"Id": str, "Input": object, "Name": str, "RoleArn": str, "StartTime": str, "RedriveCount": int},
    "State": {"EnteredTime": str, "Name": str, "RetryCount": int},
    "StateMachine": {"Id": str, "Name": str},
    "Task": {"Token": str},
}
_TYPE_NAMES: Final = {str: "string", int: "integer"}
_TASK_TOKEN: Final = re.compile(r"\.(sync(:\d)?|waitForTaskToken)$")
_SERVICE_TASK: Final = re.compile(r"arn:[^:]+:states:[^:]*:[^:]*:(?:aws-sdk:)?([^:]+):([^:.]+)")


@dataclass(frozen=True)
class Mock:
    """What a mocked state is answered: a result, or an error with `error` and `cause`."""

    result: Any
    error: JsonMapping | None
    context: JsonMapping | None


def read(interpreter: Interpreter, request: JsonMapping, state: Mapping[str, object]) -> Mock | None:
    """The mock of a request; None where it has none.

    Raises:
        AwsError: ValidationException.
    """
    mock = request.get("mock")
    failures = (request.get("stateConfiguration") or {}).get("mapIterationFailureCount")
    if mock is None:
        if failures is not None:
            raise _invalid("TestState does not support MapIterationFailureCount when a mock is not specified.")
        return None
    if state["Type"] in _UNMOCKABLE:
        raise _invalid(f"State type '{state['Type']}' is not supported when a mock is specified")
    if request.get("revealSecrets"):
        raise _invalid("TestState does not support RevealSecrets when a mock is specified.")
    if "result" in mock and "errorOutput" in mock:
        raise _invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    context = _context(request["context"], state) if request.get("context") is not None else None
    if "result" not in mock:
        return Mock(None, mock.get("errorOutput") or {}, context)
    try:
        result = json.loads(mock["result"])
    except ValueError as error:
        raise _invalid("Mocked result must be valid JSON") from error
    _check(interpreter, state, result, mock.get("fieldValidationMode") or "STRICT")
    if isinstance(result, list) and failures is not None and failures > len(result):
        message = "Map iteration failure count must be less than or equal to the number of Map iterations"
        raise _invalid(message)
    return Mock(result, None, context)


def _check(interpreter: Interpreter, state: JsonMapping, result: Any, mode: str) -> None:
    kind = state["Type"]
    if kind == "Map" and "ResultWriter" in state:
        if not isinstance(result, dict):
            raise _invalid("Mocked result must be a JSON object.")
    elif kind in ("Map", "Parallel") and not isinstance(result, list):
        raise _invalid("Mocked result must be an array.")
    if kind == "Parallel" and len(result) != len(state["Branches"]):
        raise _invalid("Mocked result must contain the same number of items as number of Parallel branches.")
    if kind == "Task" and mode != "NONE":
        shape = output_shape(interpreter, str(state.get("Resource", "")))
        if shape is not None:
            _check_shape(result, shape, "", strict=mode == "STRICT")


def output_shape(interpreter: Interpreter, resource: str) -> Shape | None:
    """What the API of a service integration answers; None where its model does not say."""
    found = _SERVICE_TASK.fullmatch(_TASK_TOKEN.sub("", resource))
    if not found or found[1] in ("apigateway", "http"):
        return None
    overrides = interpreter.get(f"{SERVICE}.state_task_service", "StateTaskService")
    names = overrides._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES
    name = names.get(found[1].lower(), found[1].lower())
    try:
        operation = find_operation(name, found[2])
    except DataNotFoundError:  # botocore does not know the service by this name
        return None
    return operation.output_shape if operation else None


def _check_shape(value: object, shape: Shape, field: str, *, strict: bool) -> None:
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise _wrong(field, "must be an object")
        members = {_sdk_case(name): member for name, member in shape.members.items()}
        for name in shape.required_members if strict else ():
            if _sdk_case(name) not in value:
                raise _schema(f"Required field '{_sdk_case(name)}' is missing")
        for name, member in value.items():
            # A field that the model does not know may be a newer one.
            if name in members:
                _check_shape(member, members[name], name, strict=strict)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise _wrong(field, "must be an array")
        for member in value:
            _check_shape(member, shape.member, field, strict=strict)
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            raise _wrong(field, "must be an object")
        for member in value.values():
            _check_shape(member, shape.value, field, strict=strict)
    else:
        _check_plain(value, shape, field)


def _check_plain(value: Any, shape: Shape, field: str) -> None:
    kind = shape.type_name
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind in ("string", "timestamp", "blob", "char"):
        if not isinstance(value, str):
            raise _wrong(field, "must be a string")
        if getattr(shape, "enum", None) and value not in shape.enum:  # type: ignore[attr-defined]
            raise _wrong(field, "is not an expected value")
        _check_bounds(len(value), shape, field, "is smaller than the minimum length", "exceeds the maximum length")
    elif kind in ("integer", "long", "float", "double"):
        if not number:
            raise _wrong(field, "must be a number")
        _check_bounds(value, shape, field, "is less than the minimum value", "exceeds the maximum value")
    elif kind == "boolean" and not isinstance(value, bool):
        raise _wrong(field, "must be a boolean")


def _check_bounds(size: float, shape: Shape, field: str, small: str, large: str) -> None:
    if size < shape.metadata.get("min", size):
        raise _wrong(field, small)
    if size > shape.metadata.get("max", size):
        raise _wrong(field, large)


def _sdk_case(name: str) -> str:
    """How Step Functions writes a member's name: the first letter of each word is a capital."""
    return name[:1].upper() + name[1:]


def _context(text: str, state: Mapping[str, object]) -> JsonObject:
    try:
        context = json.loads(text)
    except ValueError as error:
        raise _bad_context("must be valid JSON") from error
    if not isinstance(context, dict):
        raise _bad_context("must be an object")
    for name, part in context.items():
        if name == "Map":
            raise _bad_context("'Map' field is not supported when mocking a Context object")
        if name not in _CONTEXT:
            raise _bad_context(f"Field '{name}' is not allowed")
        if not isinstance(part, dict):
            raise _bad_context(f"{name} must be an object")
        for field, value in part.items():
            if field not in _CONTEXT[name]:
                raise _bad_context(f"Field '{field}' is not allowed")
            kind = _CONTEXT[name][field]
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                raise _bad_context(f"{name}.{field} must be a {_TYPE_NAMES[kind]}")
    if "Task" in context and not _TASK_TOKEN.search(str(state.get("Resource", ""))):
        raise _bad_context(
            "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
            "service integration pattern"
        )
    return context


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def _bad_context(message: str) -> AwsError:
    return _invalid(f"Invalid Context object provided: {message}")


def _schema(message: str) -> AwsError:
    return _invalid(f"Mock result schema validation error: {message}")


def _wrong(field: str, message: str) -> AwsError:
    return _schema(f"Field '{field}' {message}")

"""Holds requests to the models of APIs, as botocore ships them: names, types, lengths, patterns and choices."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from local_aws.errors import AwsError

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "double": (int, float),
    "boolean": (bool,),
    "list": (list, tuple),
    "map": (Mapping,),
    "structure": (Mapping,),
}


@functools.cache
def service_model(service: str) -> ServiceModel:
    """The model of a service, by botocore's name of it.

    Raises:
        botocore.exceptions.DataNotFoundError: botocore has none.
    """
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@functools.cache
def find_operation(service: str, name: str) -> OperationModel | None:
    """An operation by its name, in letters of any case; None where the service has no such operation.

    Raises:
        botocore.exceptions.DataNotFoundError: botocore has no model of the service.
    """
    model = service_model(service)
    known = next((known for known in model.operation_names if known.lower() == name.lower()), None)
    return model.operation_model(known) if known else None


def validation_error(message: str) -> AwsError:
    """The ValidationException that services answer."""
    return AwsError("ValidationException", message)


def check_request(service: str, operation: str, request: Mapping[str, object]) -> None:
    """Raise ValidationException for the first member of ``request`` that the model of ``operation`` does not allow."""
    shape = service_model(service).operation_model(operation).input_shape
    assert shape is not None
    _check(shape, request, "")


@functools.cache
def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:  # pairs of surrogates, which a pattern of Java has
        return None


def _check(shape: Shape, value: object, path: str) -> None:
    allowed = _TYPES.get(shape.type_name)
    if allowed is None or not isinstance(value, allowed) or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise _constraint(value, path, f"Member must be of type {shape.type_name}")
    checked: Any = value
    if isinstance(shape, StructureShape):
        _check_structure(shape, checked, path)
    elif isinstance(shape, ListShape):
        _check_size(shape, checked, path)
        for index, member in enumerate(checked):
            _check(shape.member, member, f"{path}.{index + 1}.member")
    elif isinstance(shape, MapShape):
        _check_size(shape, checked, path)
        for name, member in checked.items():
            _check(shape.key, name, path)
            _check(shape.value, member, _join(path, name))
    elif shape.type_name == "string":
        _check_text(shape, checked, path)
    elif shape.type_name in ("integer", "long"):
        _check_range(shape, checked, path)


def _check_structure(shape: StructureShape, value: Mapping[str, object], path: str) -> None:
    for name in value:
        if name not in shape.members:
            known = ", ".join(shape.members)
            raise validation_error(f"Unknown parameter {path + '.' if path else ''}{name}, must be one of: {known}")
    for name in shape.required_members:
        if value.get(name) is None:
            raise _constraint(None, _join(path, name), "Member must not be null")
    for name, member in value.items():
        if member is not None:
            _check(shape.members[name], member, _join(path, name))


def _join(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _check_size(shape: Shape, value: Any, path: str) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and len(value) < low:
        raise _constraint(value, path, f"Member must have length greater than or equal to {low}")
    if high is not None and len(value) > high:
        raise _constraint(value, path, f"Member must have length less than or equal to {high}")


def _check_text(shape: Shape, value: str, path: str) -> None:
    _check_size(shape, value, path)
    pattern = _pattern(shape.metadata.get("pattern", ""))
    if pattern is not None and pattern.pattern and not pattern.fullmatch(value):
        raise _constraint(value, path, f"Member must satisfy regular expression pattern: {pattern.pattern}")
    choices = shape.metadata.get("enum")
    if choices is not None and value not in choices:
        raise _constraint(value, path, f"Member must satisfy enum value set: [{', '.join(choices)}]")


def _check_range(shape: Shape, value: int, path: str) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        raise _constraint(value, path, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        raise _constraint(value, path, f"Member must have value less than or equal to {high}")


def _constraint(value: object, path: str, constraint: str) -> AwsError:
    shown = "" if value is None else f"{value!s:.200}"
    quoted = "null" if value is None else f"'{shown}'"
    return validation_error(
        f"1 validation error detected: Value {quoted} at '{path}' failed to satisfy constraint: {constraint}"
    )

"""Parameters: what a dataset lets its callers choose, and the values that they give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Union

from dataset_contract import patterns
from dataset_contract.elements import Element
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.model import Contract, Parameter
from dataset_contract.naming import as_json, as_name, near

ParameterValue = Union[int, float, str, bool]

TYPES = ("integer", "number", "string", "boolean", "date")
ENFORCED = ("type", "default", "minimum", "maximum", "validValues", "pattern", "description")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_ACCEPTED = {
    "integer": "a whole number of 64 bits",
    "number": "a number that a DOUBLE holds",
    "string": "a text",
    "boolean": "true or false",
    "date": 'a date as "2024-12-31"',
}


class ParameterError(ValueError):
    """A value that a caller gave is not accepted; the message names the parameter, the value and what is accepted."""


def resolve(contract: Contract, given: Mapping[str, object]) -> dict[str, ParameterValue]:
    """The value of every parameter: the caller's, or the default.

    Values are as JSON has them; of type number a float or int, since Spark SQL gets a DOUBLE.

    Raises:
        ParameterError: one is unknown, missing or not accepted.
    """
    for name in given:
        if name not in contract.parameters:
            known = ", ".join(contract.parameters) or "none"
            raise ParameterError(
                f"parameters.{as_name(name)} is unknown for dataset {as_json(contract.dataset)}"
                f"{near(name, contract.parameters)}; known: {known}"
            )
    resolved = {}
    for name, parameter in contract.parameters.items():
        if name not in given and parameter.default is None:
            raise ParameterError(f"parameters.{name} is missing; accepted: {_ACCEPTED[parameter.type]}")
        resolved[name] = checked(parameter, given.get(name, parameter.default))
    return resolved


def checked(parameter: Parameter, value: Any) -> ParameterValue:
    """The value if the parameter accepts it.

    Raises:
        ParameterError: it is of another type, or breaks a rule.
    """
    problem = _problem(parameter, value)
    if problem:
        raise ParameterError(f"parameters.{parameter.name} is {as_json(value)}; accepted: {problem}")
    return float(value) if isinstance(value, Decimal) else value


def read(value: object, place: ElementPath) -> dict[str, Parameter]:
    """The customProperty `parameters` of a contract.

    Raises:
        ContractError: a parameter has an unknown element, or a default or limit that is not a value of it.
    """
    if not isinstance(value, Mapping):
        raise ContractError(place, f"{as_json(value)} is not a mapping; accepted: a mapping of names to parameters")
    found: dict[str, Parameter] = {}
    for name, item in value.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            accepted = "1 to 63 letters, digits and _, a letter first"
            raise ContractError((*place, str(name)), f"is not a name of a parameter; accepted: {accepted}")
        if name.lower() in map(str.lower, found):
            raise ContractError((*place, name), "occurs twice; accepted: names that differ by more than their case")
        found[name] = _parameter(name, Element(item, (*place, name), ENFORCED))
    return found


def _parameter(name: str, element: Element) -> Parameter:
    kind = element.choice("type", TYPES)
    element.text("description", "none")
    bare = Parameter(name, kind)
    limits = {limit: _value(element, limit, bare) for limit in ("minimum", "maximum") if limit in element}
    if limits and kind in ("string", "boolean"):
        raise element.refuse(next(iter(limits)), f"is not a limit of a {kind}; accepted for: integer, number, date")
    if len(limits) == 2 and _comparable(limits["minimum"]) > _comparable(limits["maximum"]):
        raise element.refuse("minimum", f"is above the maximum {as_json(limits['maximum'])}; accepted: no more")
    limited = Parameter(name, kind, pattern=_pattern(element, kind), **limits)
    ruled = Parameter(
        name, kind, pattern=limited.pattern, valid_values=tuple(_valid_values(element, limited)), **limits
    )
    default = _value(element, "default", ruled) if "default" in element else None
    return Parameter(name, kind, default, ruled.minimum, ruled.maximum, ruled.valid_values, ruled.pattern)


def _value(element: Element, name: str, parameter: Parameter) -> Any:
    value = element.get(name)
    problem = _problem(parameter, value)
    if problem:
        raise element.refuse(name, f"is not a value of the parameter; accepted: {problem}")
    return value


def _valid_values(element: Element, parameter: Parameter) -> Sequence[Any]:
    if "validValues" not in element:
        return ()
    found: list[Any] = []
    for value, place in element.items("validValues"):
        problem = _problem(parameter, value)
        if problem or value in found:
            raise ContractError(
                place, f"{as_json(value)} is not a value here; accepted: {problem or 'each value once'}"
            )
        found.append(value)
    if not found:
        raise element.refuse("validValues", "has no value; accepted: a list of values")
    return found


def _pattern(element: Element, kind: str) -> str:
    if "pattern" not in element:
        return ""
    if kind != "string":
        raise element.refuse("pattern", f"is for texts, not for a {kind}")
    pattern = element.text("pattern")
    try:
        patterns.check(pattern)
    except ValueError as error:
        raise element.refuse("pattern", f"is not a pattern that every engine reads: {error}") from error
    return pattern


def _problem(parameter: Parameter, value: Any) -> str:
    """What is accepted instead of the value; empty where it is accepted."""
    if not _is_of_type(parameter.type, value):
        return _ACCEPTED[parameter.type]
    if parameter.minimum is not None and _comparable(value) < _comparable(parameter.minimum):
        return f"{_shown(parameter.minimum)} or more"
    if parameter.maximum is not None and _comparable(value) > _comparable(parameter.maximum):
        return f"{_shown(parameter.maximum)} or less"
    if parameter.valid_values and _comparable(value) not in map(_comparable, parameter.valid_values):
        return ", ".join(map(_shown, parameter.valid_values))
    if parameter.pattern and not re.fullmatch(patterns.python(parameter.pattern), value):
        return f"a text of which all matches {parameter.pattern}"
    return ""


def _is_of_type(kind: str, value: object) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind == "integer":
        return isinstance(value, int) and -(2**63) <= value < 2**63
    if kind == "number":
        return isinstance(value, (int, float, Decimal)) and _is_double(value)
    return isinstance(value, str) and (kind == "string" or _is_date(value))


def _is_double(value: int | float | Decimal) -> bool:
    """Finite, and a whole number to its last digit; other decimals become the nearest DOUBLE, as in JSON."""
    try:
        double = float(value)
    except OverflowError:
        return False
    if abs(double) == float("inf") or double != double:
        return False
    # 1e300 says how large it is; 9007199254740993 and 9007199254740993.0 say each digit.
    exact = isinstance(value, int) or (isinstance(value, Decimal) and value == int(value) and _every_digit(value))
    return not exact or int(double) == value


def _every_digit(value: Decimal) -> bool:
    return int(value.as_tuple().exponent) <= 0


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _comparable(value: object) -> Any:
    """Numbers by what their text says, so that 0.1 is 0.1 as float and as Decimal."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else as_json(value)

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dataset_contract import parameters
from dataset_contract.model import Parameter
from dataset_contract.parameters import ParameterError
from tests.unit.dataset_contract.documents import accepted, custom, document, refusal


def resolved(rules: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    return parameters.resolve(accepted(document(customProperties=custom(parameters=rules))), given)


def problem(rules: dict[str, Any], given: dict[str, Any]) -> str:
    with pytest.raises(ParameterError) as caught:
        resolved(rules, given)
    return str(caught.value)


def test_a_parameter_becomes_the_model() -> None:
    rule = {"type": "integer", "default": 15, "minimum": 0, "maximum": 1440, "description": "minutes"}
    contract = accepted(document(customProperties=custom(parameters={"late": rule})))
    assert contract.parameters == {"late": Parameter("late", "integer", 15, 0, 1440)}


@pytest.mark.parametrize("name", ["a", "Z_9", "a" * 63])
def test_a_name_has_letters_and_digits(name: str) -> None:
    assert resolved({name: {"type": "date"}}, {name: "2024-12-31"}) == {name: "2024-12-31"}


def test_the_given_value_goes_before_the_default() -> None:
    rules = {"a": {"type": "integer", "default": 15}, "b": {"type": "boolean", "default": False}}
    assert resolved(rules, {"a": 3}) == {"a": 3, "b": False}


def test_a_number_is_as_json_has_it() -> None:
    rule = {"type": "number", "default": Decimal("0.1"), "minimum": Decimal("0.1"), "maximum": Decimal("0.1")}
    value = resolved({"a": rule}, {})["a"]
    assert (value, type(value)) == (0.1, float)
    assert resolved({"a": rule}, {"a": 0.1}) == {"a": 0.1}
    assert resolved({"a": {"type": "number"}}, {"a": Decimal("1.0e+300")}) == {"a": 1e300}
    assert resolved({"a": {"type": "number"}}, {"a": Decimal("9007199254740992.0")}) == {"a": 9007199254740992.0}


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ({"type": "integer"}, [0, -(2**63), 2**63 - 1]),
        ({"type": "integer", "minimum": -1, "maximum": 1}, [-1, 1]),
        ({"type": "integer", "validValues": [1, 2]}, [1, 2]),
        ({"type": "number"}, [5, 5.0, 0.1, -(2**53), 1e300]),
        ({"type": "number", "validValues": [Decimal("0.1")]}, [0.1]),
        ({"type": "string"}, ["", "x", "2024-02-30"]),
        ({"type": "string", "validValues": ["x", "y"]}, ["x", "y"]),
        ({"type": "string", "pattern": "a|ab"}, ["a", "ab"]),
        ({"type": "boolean"}, [True, False]),
        ({"type": "boolean", "validValues": [True]}, [True]),
        ({"type": "date"}, ["2024-02-29"]),
        ({"type": "date", "minimum": "2024-01-01", "maximum": "2024-01-02"}, ["2024-01-01", "2024-01-02"]),
    ],
)
def test_a_value_is_taken_as_it_is(rule: dict[str, Any], values: list[Any]) -> None:
    for value in values:
        found = resolved({"a": rule}, {"a": value})["a"]
        assert (found, type(found)) == (value, type(value))


def test_a_number_with_an_exponent_says_how_large_it_is_and_not_each_digit() -> None:
    large = Decimal("9007199254740993E+1")
    assert resolved({"a": {"type": "number"}}, {"a": large}) == {"a": float(large)}


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        ({"type": "integer"}, "x", 'parameters.a is "x"; accepted: a whole number of 64 bits'),
        ({"type": "integer"}, True, "parameters.a is true; accepted: a whole number of 64 bits"),
        ({"type": "integer"}, 1.0, "parameters.a is 1.0; accepted: a whole number"),
        ({"type": "integer"}, 2**63, "a whole number of 64 bits"),
        ({"type": "integer"}, -(2**63) - 1, "a whole number of 64 bits"),
        ({"type": "integer"}, None, "parameters.a is null; accepted: a whole number"),
        ({"type": "integer", "minimum": 0}, -1, "parameters.a is -1; accepted: 0 or more"),
        ({"type": "integer", "maximum": 9}, 10, "parameters.a is 10; accepted: 9 or less"),
        ({"type": "integer", "validValues": [1, 2]}, 3, "parameters.a is 3; accepted: 1, 2"),
        ({"type": "number"}, 2**53 + 1, "accepted: a number that a DOUBLE holds"),
        ({"type": "number"}, Decimal("9007199254740993.0"), "accepted: a number that a DOUBLE holds"),
        ({"type": "number"}, Decimal("9007199254740993"), "accepted: a number that a DOUBLE holds"),
        ({"type": "number"}, "1", "accepted: a number that a DOUBLE holds"),
        ({"type": "number"}, float("nan"), "parameters.a is NaN; accepted: a number that a DOUBLE holds"),
        ({"type": "number"}, 10**400, "accepted: a number that a DOUBLE holds"),
        ({"type": "number"}, float("inf"), "parameters.a is Infinity; accepted: a number that a DOUBLE holds"),
        ({"type": "number"}, False, "parameters.a is false; accepted: a number"),
        ({"type": "string"}, 1, "parameters.a is 1; accepted: a text"),
        ({"type": "string", "validValues": ["x", "y"]}, "z", 'parameters.a is "z"; accepted: x, y'),
        ({"type": "string", "pattern": "[a-z]+"}, "a1", 'parameters.a is "a1"; accepted: a text of which all matches'),
        ({"type": "string", "pattern": "a|ab"}, "abc", "of which all matches a|ab"),
        ({"type": "boolean"}, 1, "parameters.a is 1; accepted: true or false"),
        ({"type": "date"}, "2024-02-30", 'parameters.a is "2024-02-30"; accepted: a date as "2024-12-31"'),
        ({"type": "date"}, "20240101", 'accepted: a date as "2024-12-31"'),
        ({"type": "date", "minimum": "2024-01-01"}, "2023-12-31", "accepted: 2024-01-01 or more"),
    ],
)
def test_a_value_is_refused(rule: dict[str, Any], value: Any, message: str) -> None:
    assert message in problem({"a": rule}, {"a": value})


def test_a_missing_and_an_unknown_parameter() -> None:
    assert problem({"a": {"type": "date"}}, {}) == 'parameters.a is missing; accepted: a date as "2024-12-31"'
    assert problem({"limit": {"type": "integer"}}, {"limt": 1}) == (
        'parameters.limt is unknown for dataset "orders"; did you mean "limit"?; known: limit'
    )
    assert problem({"a": {"type": "date"}, "b": {"type": "date"}}, {"xyz": 1}).endswith("; known: a, b")
    assert problem({}, {"a": 1}) == 'parameters.a is unknown for dataset "orders"; known: none'


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "value: [] is not a mapping; accepted: a mapping of names to parameters"),
        *(
            ({name: {"type": "date"}}, f"value.{name}: is not a name of a parameter; accepted: 1 to 63 letters, digits")
            for name in ("a b", "", "1", "_a", "é", "a" * 64, 5)
        ),
        ({"a": {"type": "date"}, "A": {"type": "date"}}, "value.A: occurs twice"),
        ({"a": "integer"}, 'value.a: "integer" is not a mapping; accepted: type, default'),
        ({"a": {}}, "value.a.type: is missing; accepted: integer, number, string, boolean, date"),
        ({"a": {"type": "int"}}, 'value.a.type: "int" is not known here'),
        ({"a": {"type": "integer", "defualt": 1}}, 'value.a.defualt: is not an element here; did you mean "default"'),
        (
            {"a": {"type": "integer", "default": "1"}},
            'value.a.default: "1" is not a value of the parameter; accepted: a whole',
        ),
        ({"a": {"type": "integer", "default": None}}, "value.a.default: null is not a value of the parameter"),
        (
            {"a": {"type": "integer", "default": 5, "maximum": 4}},
            "value.a.default: 5 is not a value of the parameter; accepted: 4",
        ),
        ({"a": {"type": "integer", "minimum": 5, "maximum": 4}}, "value.a.minimum: 5 is above the maximum 4"),
        ({"a": {"type": "integer", "minimum": "0"}}, 'value.a.minimum: "0" is not a value of the parameter'),
        ({"a": {"type": "string", "minimum": "0"}}, "is not a limit of a string; accepted for: integer, number, date"),
        ({"a": {"type": "boolean", "maximum": True}}, "is not a limit of a boolean; accepted for: integer, number"),
        ({"a": {"type": "string", "validValues": []}}, "value.a.validValues: [] has no value"),
        (
            {"a": {"type": "string", "validValues": ["a", 1]}},
            "value.a.validValues[1]: 1 is not a value here; accepted: a text",
        ),
        (
            {"a": {"type": "string", "validValues": ["a", "a"]}},
            'validValues[1]: "a" is not a value here; accepted: each value once',
        ),
        ({"a": {"type": "string", "validValues": ["a"], "pattern": "b"}}, 'validValues[0]: "a" is not a value here'),
        ({"a": {"type": "string", "validValues": ["a"], "default": "b"}}, 'value.a.default: "b" is not a value'),
        (
            {"a": {"type": "string", "pattern": "(?=a)"}},
            'value.a.pattern: "(?=a)" is not a pattern that every engine reads',
        ),
        ({"a": {"type": "date", "pattern": "a"}}, 'value.a.pattern: "a" is for texts, not for a date'),
        ({"a": {"type": "date", "description": 1}}, "value.a.description: 1 is not a text"),
    ],
)
def test_a_parameter_is_refused(rules: Any, message: str) -> None:
    told = refusal(document(customProperties=custom(parameters=rules)))
    assert told.startswith("customProperties[0].")
    assert message in told

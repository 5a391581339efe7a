from __future__ import annotations

from typing import Any

import pytest

from lambda_generate_param import datasets


def dataset(**parameters: dict[str, Any]) -> datasets.Dataset:
    return datasets.Dataset("any", "1.0.0", ("out",), parameters, "", "")


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"type": "integer"}, 5),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "number"}, 5),
        ({"type": "string", "pattern": "[a-z]+"}, "abc"),
        ({"type": "string", "validValues": ["a", "b"]}, "b"),
        ({"type": "boolean"}, False),
        ({"type": "date"}, "2026-02-28"),
    ],
)
def test_a_value_of_the_declared_type_is_taken(rule: dict[str, Any], value: Any) -> None:
    assert dataset(p=rule).resolve({"p": value}) == {"p": value}


@pytest.mark.parametrize(
    ("rule", "value", "accepted"),
    [
        ({"type": "string", "pattern": "[a-z]+"}, "abc1", r"text that matches \[a-z\]\+"),
        ({"type": "string", "validValues": ["a", "b"]}, "c", "a, b"),
        ({"type": "string"}, None, "a text"),
        ({"type": "boolean"}, "true", "true or false"),
        ({"type": "date"}, "2026-02-30", "a date, YYYY-MM-DD"),
        ({"type": "date"}, "20260228", "a date, YYYY-MM-DD"),
        ({"type": "number"}, True, "a number"),
    ],
)
def test_another_value_is_refused(rule: dict[str, Any], value: Any, accepted: str) -> None:
    with pytest.raises(datasets.ParameterError, match=rf"parameters\.p is .*; accepted: {accepted}"):
        dataset(p=rule).resolve({"p": value})


def test_a_parameter_without_default_has_to_be_given() -> None:
    with pytest.raises(datasets.ParameterError, match=r"parameters\.p is missing; dataset 'any' requires it"):
        dataset(p={"type": "integer"}).resolve({})

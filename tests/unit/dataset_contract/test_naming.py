from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dataset_contract import naming
from dataset_contract.errors import ContractError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("é", '"é"'),
        (Decimal("1.50"), "1.50"),
        (date(2024, 12, 31), '"2024-12-31"'),
        ({"a": Decimal("0.10"), "b": (1, [Decimal("2.0")])}, '{"a": 0.10, "b": [1, [2.0]]}'),
        ({1: {}}, '{"1": {}}'),
    ],
)
def test_a_value_is_shown_as_json_writes_it(value: object, text: str) -> None:
    assert naming.as_json(value) == text


def test_a_long_value_is_cut() -> None:
    assert naming.as_json("x" * 198) == f'"{"x" * 198}"'
    assert naming.as_json("x" * 199) == f'"{"x" * 199} …'


def test_a_number_of_very_many_digits_is_told_by_how_many() -> None:
    assert naming.as_json(2**799) == f"{str(2**799)[:200]} …"
    assert naming.as_json(2**800) == "a number of some 240 digits"
    assert naming.as_json([-(10**10_000)]) == "[a number of some 9966 digits]"


def nested(depth: int, *, mapping: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"": value} if mapping else [value]
    return value


@pytest.mark.parametrize(("mapping", "opened", "closed"), [(True, '{"": ', "}"), (False, "[", "]")])
def test_a_deep_value_is_cut(mapping: bool, opened: str, closed: str) -> None:
    assert naming.as_json(nested(20, mapping=mapping)) == f"{opened * 20}1{closed * 20}"
    for depth in (21, 100_000):
        assert naming.as_json(nested(depth, mapping=mapping)) == f"{opened * 20}…{closed * 20}"


def test_tuples_are_as_deep_as_lists() -> None:
    value: Any = 1
    for _ in range(21):
        value = (value,)
    assert naming.as_json(value) == f"{'[' * 20}…{']' * 20}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.B_9-", "a.B_9-"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a\n", '"a\\n"'),
        ("é", '"é"'),
        ("x" * 201, f'"{"x" * 199} …'),
    ],
)
def test_a_name_is_shown_bare_where_it_is_plain(name: str, text: str) -> None:
    assert naming.as_name(name) == text


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("order", ["orders", "totals"], '; did you mean "orders"?'),
        ("colum", ["columns", "column", "columna", "other"], '; did you mean "column" or "columns"?'),
        ("xyz", ["orders"], ""),
    ],
)
def test_a_name_that_is_near_is_told(name: str, known: list[str], text: str) -> None:
    assert naming.near(name, known) == text


@pytest.mark.parametrize("text", ["2)", '2)"', "2)'"])
def test_a_part_of_a_type_that_yaml_split_is_explained(text: str) -> None:
    error = naming.unknown(("a",), text, ["b"])
    assert isinstance(error, ContractError)
    assert error.place == ("a", text)
    assert 'quote it, as in "DECIMAL(15,2)"' in error.problem


def test_an_unknown_element_is_told_with_those_that_are_known() -> None:
    assert naming.unknown((), 5, []).problem == "is not an element here; accepted: none"
    assert naming.unknown((), ")x", ["a", "b"]).problem == "is not an element here; accepted: a, b"

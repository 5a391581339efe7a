from __future__ import annotations

from decimal import Decimal

import pytest

from dataset_contract import types, wording
from dataset_contract.model import RuleArgument, ValueRule


@pytest.mark.parametrize(
    ("keyword", "argument", "text"),
    [
        ("required", "", "required but empty"),
        ("minimum", 1, "less than 1 (minimum)"),
        ("exclusiveMinimum", Decimal("1E+3"), "not more than 1000 (exclusiveMinimum)"),
        ("maximum", "2024-12-31", "more than 2024-12-31 (maximum)"),
        ("exclusiveMaximum", Decimal("0.10"), "not less than 0.10 (exclusiveMaximum)"),
        ("multipleOf", 5, "not a multiple of 5"),
        ("minLength", 2, "shorter than 2 characters (minLength)"),
        ("maxLength", 4, "longer than 4 characters (maxLength)"),
        ("pattern", "^[A-Z]$", "does not match the pattern ^[A-Z]$"),
        ("validValues", ("NO", "SE"), 'not one of "NO", "SE"'),
        ("validValues", (True,), "not one of true"),
        ("validValues", tuple(range(11)), "not one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … (11 values)"),
        ("missingValues", ("", "N/A"), 'counts as missing: one of "", "N/A"'),
    ],
)
def test_why_a_value_is_refused(keyword: str, argument: RuleArgument, text: str) -> None:
    assert wording.reason(ValueRule(keyword, argument)) == text


@pytest.mark.parametrize(
    ("name", "not_a", "too_long"),
    [
        ("INT", "not an INTEGER", None),
        ("DATE", "not a DATE", None),
        ("VARCHAR(8)", "not a VARCHAR(8)", "longer than the 8 bytes of VARCHAR(8)"),
        ("CHAR(4)", "not a CHAR(4)", "longer than the 4 characters of CHAR(4)"),
    ],
)
def test_why_a_value_is_not_of_its_type(name: str, not_a: str, too_long: str | None) -> None:
    assert wording.not_a(types.parse(name)) == not_a
    if too_long:
        assert wording.too_long(types.parse(name)) == too_long

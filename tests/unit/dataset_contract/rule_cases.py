"""Value rules at their edges: what every engine has to say of the same values."""

from __future__ import annotations

from decimal import Decimal

from dataset_contract.model import ValueRule
from dataset_contract.types import ColumnType, parse


def _case(type_: str, keyword: str, argument: object, broken: list[str], kept: list[str]) -> Case:
    return parse(type_), ValueRule(keyword, argument), broken, kept  # type: ignore[arg-type]


# type, rule, values that break it, values that keep it (as texts that the engines cast)
Case = tuple[ColumnType, ValueRule, list[str], list[str]]
CASES: list[Case] = [
    _case("INTEGER", "minimum", Decimal("1.5"), ["1", "-5"], ["2", "3"]),
    _case("INTEGER", "exclusiveMinimum", 1, ["1"], ["2"]),
    _case("SMALLINT", "maximum", Decimal("2.5"), ["3"], ["2", "-5"]),
    _case("DECIMAL(38,2)", "maximum", Decimal("1E+35"), ["100000000000000000000000000000000000.01"], ["1E+35", "0"]),
    _case("BIGINT", "exclusiveMaximum", 9007199254740993, ["9007199254740993"], ["9007199254740992"]),
    _case("DECIMAL(10,2)", "exclusiveMaximum", Decimal("0.125"), ["0.13"], ["0.12"]),
    _case("DECIMAL(38,2)", "multipleOf", Decimal("0.05"), ["0.01", "99999999999999.99"], ["0.10", "0.00", "-0.15"]),
    _case("BIGINT", "multipleOf", 3, ["9007199254740994"], ["9007199254740993", "0", "-3"]),
    _case("VARCHAR(20)", "minLength", 2, ["ü"], ["üü"]),
    _case("VARCHAR(20)", "maxLength", 2, ["abc"], ["üü", ""]),
    _case("VARCHAR(20)", "pattern", "^[A-Z]{2}$", ["ABC", "AB\n", "ab"], ["AB"]),
    _case("CHAR(2)", "validValues", ("NO", "it's"), ["SE"], ["NO"]),
    _case("VARCHAR(20)", "missingValues", ("", "N/A"), ["", "N/A"], ["x"]),
    _case("BOOLEAN", "validValues", (True,), ["false"], ["true"]),
    _case("BOOLEAN", "validValues", (False,), ["true"], ["false"]),
    _case("DATE", "minimum", "2024-02-29", ["2024-02-28"], ["2024-02-29"]),
    _case("TIMESTAMP", "maximum", "2024-01-01T12:00:00", ["2024-01-01 12:00:00.000001"], ["2024-01-01 12:00:00"]),
    _case(
        "TIMESTAMPTZ", "exclusiveMinimum", "2024-01-01T12:00:00", ["2024-01-01 13:00:00+01"], ["2024-01-01 12:00:01Z"]
    ),
    _case("DOUBLE PRECISION", "minimum", Decimal("0.1"), ["0.09"], ["0.1"]),
]

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dataset_contract import judging
from dataset_contract.model import SetRule


def rule(operator: str, *bounds: float, **more: Any) -> SetRule:
    numbers = tuple(Decimal(str(bound)) for bound in bounds)
    return SetRule(
        **{"id": "r", "object": "orders", "metric": "nullValues", "operator": operator, "bounds": numbers, **more}
    )


@pytest.mark.parametrize(
    ("operator", "bounds", "passing", "failing"),
    [
        ("mustBe", (2,), [2], [1, 3]),
        ("mustNotBe", (2,), [1, 3], [2]),
        ("mustBeGreaterThan", (2,), [3], [1, 2]),
        ("mustBeGreaterOrEqualTo", (2,), [2, 3], [1]),
        ("mustBeLessThan", (2,), [1], [2, 3]),
        ("mustBeLessOrEqualTo", (2,), [1, 2], [3]),
        ("mustBeBetween", (2, 4), [2, 3, 4], [1, 5]),
        ("mustNotBeBetween", (2, 4), [1, 5], [2, 3, 4]),
    ],
)
def test_operators(operator: str, bounds: tuple[int, ...], passing: list[int], failing: list[int]) -> None:
    for value in passing:
        assert judging.judge(rule(operator, *bounds), value, 9).passed
    for value in failing:
        assert not judging.judge(rule(operator, *bounds), value, 9).passed


def test_a_share_is_exact() -> None:
    third = rule("mustBeLessThan", 33.33, unit="percent")
    assert not judging.judge(third, 1, 3).passed
    assert judging.judge(rule("mustBeLessThan", 33.34, unit="percent"), 1, 3).passed
    assert judging.judge(rule("mustBe", 12.5, unit="percent"), 1, 8).measured == Decimal("12.5")


def test_no_row_is_no_percent() -> None:
    verdict = judging.judge(rule("mustBeLessThan", 1, unit="percent"), 0, 0)
    assert (verdict.measured, verdict.passed) == (Decimal(0), True)


@pytest.mark.parametrize("operator", list(judging.OPERATORS))
def test_nothing_measured_never_passes(operator: str) -> None:
    verdict = judging.judge(rule(operator, 0, 1, metric="latency"), None, 9)
    assert (verdict.passed, verdict.halts) == (False, True)


def test_a_warning_does_not_halt() -> None:
    assert judging.judge(rule("mustBe", 0), 1, 9).halts
    assert not judging.judge(rule("mustBe", 0, severity="warning"), 1, 9).halts
    assert not judging.judge(rule("mustBe", 0), 0, 9).halts


def test_the_message_says_what_is_and_what_was_expected() -> None:
    verdict = judging.judge(rule("mustBeBetween", 1, 5.5, unit="percent", columns=("a", "b")), 1, 3)
    assert judging.message(verdict) == (
        "orders: nullValues of a, b is 33.333333, expected mustBeBetween 1 and 5.5 percent (rule r)"
    )
    nothing = judging.judge(rule("mustBe", 1, metric="sql", unit="value"), None, 3)
    assert judging.message(nothing) == "orders: sql gave no value, expected mustBe 1 (rule r)"


def test_the_document_of_a_verdict() -> None:
    verdict = judging.judge(rule("mustBeLessThan", 10, columns=("a",), severity="warning"), 12, 30)
    assert judging.document(verdict, 4) == {
        "number": 4, "rule": "r", "object": "orders", "columns": ["a"], "metric": "nullValues",
        "expected": "mustBeLessThan 10 rows", "severity": "warning", "measured": "12", "passed": False,
    }  # fmt: skip
    assert judging.document(judging.judge(rule("mustBe", 1), None, 3), 0)["measured"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E+3", "1000"),
        ("0.10", "0.1"),
        ("100", "100"),
        ("0.123456789012", "0.123456789012"),
        ("0.1234567890123", "0.123457"),
        ("0.000000000000001", "0"),
        ("33.3333333333333333", "33.333333"),
    ],
)
def test_numbers_as_people_write_them(value: str, text: str) -> None:
    assert judging.plain(Decimal(value)) == text

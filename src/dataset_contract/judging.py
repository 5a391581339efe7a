"""Set rules judged: what was measured against what the contract expects. The engines only measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Union

from dataset_contract.json_types import JsonObject
from dataset_contract.model import SetRule, Verdict

Number = Union[int, Decimal]

OPERATORS: Mapping[str, Callable[[Decimal, Sequence[Decimal]], bool]] = {
    "mustBe": lambda value, bounds: value == bounds[0],
    "mustNotBe": lambda value, bounds: value != bounds[0],
    "mustBeGreaterThan": lambda value, bounds: value > bounds[0],
    "mustBeGreaterOrEqualTo": lambda value, bounds: value >= bounds[0],
    "mustBeLessThan": lambda value, bounds: value < bounds[0],
    "mustBeLessOrEqualTo": lambda value, bounds: value <= bounds[0],
    "mustBeBetween": lambda value, bounds: bounds[0] <= value <= bounds[1],
    "mustNotBeBetween": lambda value, bounds: not bounds[0] <= value <= bounds[1],
}


def judge(rule: SetRule, measured: Number | None, rows: int) -> Verdict:
    """Compare a measurement with its rule.

    Args:
        rule: a rule of the contract.
        measured: rows for the library metrics, seconds for latency, the query's value for sql; None: there was nothing
            to measure (a query that gave null, no timestamp), which never passes.
        rows: of the object, which a percentage is of; 0 rows are 0 percent.
    """
    if measured is None:
        return Verdict(rule, None, passed=False)
    value = Decimal(measured)
    if rule.unit == "percent" and rows:
        # Exact: 1 of 3 rows is not less than 33.33 percent, so the comparison is of the products.
        bounds = [bound * rows for bound in rule.bounds]
        passed = OPERATORS[rule.operator](value * 100, bounds)
        return Verdict(rule, value * 100 / rows, passed)
    return Verdict(rule, value, OPERATORS[rule.operator](value, rule.bounds))


def expected(rule: SetRule) -> str:
    """`mustBeBetween 1 and 5 percent`."""
    bounds = " and ".join(plain(bound) for bound in rule.bounds)
    return f"{rule.operator} {bounds}" + ("" if rule.unit == "value" else f" {rule.unit}")


def plain(value: Decimal) -> str:
    """A number without an exponent or trailing zeros, at most 6 digits after the point where it has no end."""
    text = f"{value:f}"
    if "." not in text:
        return text
    if len(text.partition(".")[2]) > 12:
        text = f"{value:.6f}"
    return text.rstrip("0").rstrip(".")


def message(verdict: Verdict) -> str:
    """`orders: rowCount is 3, expected mustBeGreaterThan 10 rows (rule orders.rowCount)`."""
    rule = verdict.rule
    about = f" of {', '.join(rule.columns)}" if rule.columns else ""
    found = "gave no value" if verdict.measured is None else f"is {plain(verdict.measured)}"
    return f"{rule.object}: {rule.metric}{about} {found}, expected {expected(rule)} (rule {rule.id})"


def document(verdict: Verdict, number: int) -> JsonObject:
    """A verdict as the manifests list it. `number`: the rule's position in `Contract.set_rules`."""
    rule = verdict.rule
    return {
        "number": number,
        "rule": rule.id,
        "object": rule.object,
        "columns": list(rule.columns),
        "metric": rule.metric,
        "expected": expected(rule),
        "severity": rule.severity,
        "measured": None if verdict.measured is None else plain(verdict.measured),
        "passed": verdict.passed,
    }

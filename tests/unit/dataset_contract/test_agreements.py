from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dataset_contract.model import SetRule
from tests.unit.dataset_contract.documents import accepted, custom, document, refusal

LATENCY = {"property": "latency", "value": 4, "unit": "d", "element": "orders.at"}


def agreed(**changes: Any) -> tuple[SetRule, ...]:
    return accepted(document(slaProperties=[{**LATENCY, **changes}])).set_rules


def test_latency_is_a_rule_in_seconds() -> None:
    assert agreed() == (
        SetRule(
            "orders.at.latency",
            "orders",
            "latency",
            "mustBeLessOrEqualTo",
            (Decimal(345600),),
            "error",
            "seconds",
            ("at",),
        ),
    )


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [(90, "s", 90), (1.5, "m", 90), (2, "hours", 7200), (1, "day", 86400), (0, "minutes", 0)],
)
def test_units_of_latency(value: float, unit: str, seconds: int) -> None:
    assert agreed(value=value, unit=unit)[0].bounds == (Decimal(seconds),)


def test_what_latency_is_also_called() -> None:
    assert agreed(property="freshness") == agreed(property="ly") == agreed(property="Latency") == agreed()


def test_a_reference_may_have_a_latency_and_a_severity() -> None:
    (rule,) = agreed(element="products.since", id="fresh", customProperties=custom(severity="warning"))
    assert (rule.id, rule.object, rule.severity) == ("fresh", "products", "warning")


def test_completeness_is_the_share_of_rows_with_a_value() -> None:
    (rule,) = agreed(property="completeness", value=99.9, unit="percent", element="totals.total")
    assert (rule.metric, rule.operator, rule.bounds, rule.unit) == (
        "nullValues", "mustBeLessOrEqualTo", (Decimal("0.1"),), "percent",
    )  # fmt: skip
    assert (rule.object, rule.columns, rule.id) == ("totals", ("total",), "totals.total.completeness")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"property": "retention"}, '.property: "retention" is refused: no stage can judge it; accepted: latency'),
        ({"property": "latencie"}, 'did you mean "latency"'),
        ({"value": None}, ".value: null is not a number"),
        ({"value": "4"}, '.value: "4" is not a number'),
        ({"value": -1}, ".value: -1 is below 0"),
        ({"unit": "y"}, '.unit: "y" is not known here; accepted: s, '),
        ({"element": "orders.att"}, '.element: "orders.att" is not a column; did you mean "orders.at"'),
        ({"element": "at"}, ".element: "),
        ({"element": "orders.at, products.since"}, "accepted: one column, as object.column"),
        ({"element": "orders.id"}, '.element: "orders.id" is not a date or timestamp of a source or reference'),
        ({"element": "totals.total"}, "is not a date or timestamp of a source or reference"),
        ({"valueExt": 1}, ".valueExt: 1 is refused"),
        ({"schedule": "0 30 * * *"}, ".schedule: "),
        ({"scheduler": "cron"}, ".scheduler: "),
        ({"customProperties": custom(severity="info")}, '.customProperties[0].value: "info" is not known here'),
        ({"customProperties": custom(weight=1)}, '"weight" is not a customProperty here; accepted: severity'),
        ({"vlaue": 4}, '.vlaue: is not an element here; did you mean "value"'),
        ({"property": "completeness", "unit": "d"}, '.unit: "d" is not known here; accepted: percent, %'),
        ({"property": "completeness", "unit": "%", "value": 101}, ".value: 101 is not a share in percent"),
        (
            {"property": "completeness", "unit": "%", "value": 0},
            ".value: 0 is not a share in percent that has to have a",
        ),
    ],
)
def test_an_agreement_is_refused(changes: dict[str, Any], message: str) -> None:
    told = refusal(document(slaProperties=[{**LATENCY, **changes}]))
    assert told.startswith("slaProperties[0].")
    assert message in told


@pytest.mark.parametrize("element", ["property", "value", "unit", "element"])
def test_an_agreement_is_whole(element: str) -> None:
    value = {name: item for name, item in LATENCY.items() if name != element}
    assert refusal(document(slaProperties=[value])).startswith(f"slaProperties[0].{element}: is missing; accepted: ")

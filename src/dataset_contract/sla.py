"""slaProperties: latency of the newest row, and completeness of a column, judged as set rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dataset_contract import elements
from dataset_contract.elements import Element, custom_properties
from dataset_contract.errors import ContractError
from dataset_contract.model import OUTPUT, Column, DataObject, SetRule
from dataset_contract.naming import as_json, near
from dataset_contract.quality import SEVERITIES
from dataset_contract.types import TIME_KINDS

ENFORCED = ("id", "property", "value", "unit", "element", "customProperties")
REFUSED = {
    "valueExt": "each agreement has one value; leave it out",
    "schedule": "the pipeline judges each run; leave it out",
    "scheduler": "the pipeline judges each run; leave it out",
}
# freshness is what several tools call latency.
PROPERTIES = ("latency", "freshness", "completeness")
_ALIASES = {"ly": "latency", "freshness": "latency"}  # ly is the standard's own short form
_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_PERCENT = ("percent", "%")


@dataclass(frozen=True)
class _Subject:
    """The column that an agreement is about."""

    table: DataObject
    column: Column


def read(document: Element, objects: Sequence[DataObject]) -> list[SetRule]:
    """The set rules of slaProperties.

    Raises:
        ContractError: an agreement is one that no stage can judge.
    """
    return [_rule(Element(item, place, ENFORCED, REFUSED), objects) for item, place in document.items("slaProperties")]


def _rule(element: Element, objects: Sequence[DataObject]) -> SetRule:
    listed = ", ".join(PROPERTIES)
    name = element.text("property", accepted=listed).lower()
    name = _ALIASES.get(name, name)
    if name not in PROPERTIES:
        raise element.refuse(
            "property", f"is refused: no stage can judge it{near(name, PROPERTIES)}; accepted: {listed}"
        )
    subject = _subject(element, objects)
    if "value" not in element:
        raise element.missing("value", "a number")
    value = Decimal(elements.number(element.get("value"), (*element.place, "value")))
    severity = _severity(element)
    place = f"{subject.table.name}.{subject.column.name}"
    if name == "completeness":
        return _completeness(element, subject, value, severity, element.text("id", f"{place}.completeness"))
    if value < 0:
        raise element.refuse("value", "is below 0; accepted: a number of 0 or more")
    unit = element.choice("unit", tuple(_SECONDS))
    if subject.table.role == OUTPUT or subject.column.type.kind not in TIME_KINDS:
        raise element.refuse(
            "element",
            "is not a date or timestamp of a source or reference; accepted: such a column, by which age is told",
        )
    return SetRule(
        id=element.text("id", f"{place}.latency"),
        object=subject.table.name,
        metric="latency",
        operator="mustBeLessOrEqualTo",
        bounds=(value * _SECONDS[unit],),
        severity=severity,
        unit="seconds",
        columns=(subject.column.name,),
    )


def _completeness(element: Element, subject: _Subject, value: Decimal, severity: str, id_: str) -> SetRule:
    """At least `value` percent of the rows have a value, so at most the rest are null."""
    element.choice("unit", _PERCENT)
    if not 0 < value <= 100:
        raise element.refuse("value", "is not a share in percent that has to have a value; accepted: above 0 to 100")
    return SetRule(
        id=id_,
        object=subject.table.name,
        metric="nullValues",
        operator="mustBeLessOrEqualTo",
        bounds=(100 - value,),
        severity=severity,
        unit="percent",
        columns=(subject.column.name,),
    )


def _subject(element: Element, objects: Sequence[DataObject]) -> _Subject:
    given = element.text("element", accepted="object.column")
    name, _, column = given.partition(".")
    for table in objects:
        for candidate in table.columns:
            if (table.name, candidate.name) == (name, column):
                return _Subject(table, candidate)
    known = [f"{table.name}.{candidate.name}" for table in objects for candidate in table.columns]
    raise element.refuse("element", f"is not a column{near(given, known)}; accepted: one column, as object.column")


def _severity(element: Element) -> str:
    custom = custom_properties(element, ("severity",))
    if "severity" not in custom:
        return "error"
    value, place = custom["severity"]
    if value not in SEVERITIES:
        raise ContractError(place, f"{as_json(value)} is not known here; accepted: {', '.join(SEVERITIES)}")
    return str(value)

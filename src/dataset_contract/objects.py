"""The objects of a contract: source, references and outputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dataset_contract import dialects, elements, load_modes, nulls, quality
from dataset_contract.columns import Properties
from dataset_contract.elements import Element, custom_properties
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.judging import OPERATORS
from dataset_contract.model import (
    JOB_ID_COLUMN,
    OUTPUT,
    PARAMETERS_VIEW,
    REFERENCE,
    ROLES,
    SOURCE,
    CsvDialect,
    DataObject,
    Distribution,
    Key,
    Load,
    SetRule,
)
from dataset_contract.naming import as_json, near

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
NAME_ACCEPTED = "1 to 63 lower-case letters, digits and _, a letter first"

ENFORCED = ("name", "logicalType", "physicalName", "properties", "quality", "customProperties")
REFUSED = {
    "relationships": "no stage checks a foreign key; write a quality rule of type sql that counts the rows without a "
    "partner",
}
# customProperty -> the roles that may have it.
CUSTOM = {
    "role": ROLES,
    "nullValues": (SOURCE, REFERENCE),
    "csv": (SOURCE, REFERENCE),
    "rejectedRows": (SOURCE,),
    "load": (OUTPUT,),
    "distributionStyle": (OUTPUT,),
    "distributionKey": (OUTPUT,),
    "sortKey": (OUTPUT,),
}
_STYLES = ("AUTO", "EVEN", "ALL", "KEY")
_MOST_SORT_COLUMNS = 400  # of a compound sort key in Redshift

Custom = dict[str, tuple[Any, ElementPath]]


def read(value: object, place: ElementPath, taken: Sequence[str]) -> DataObject:
    """An object of the document.

    Args:
        value: what stands there.
        place: its path.
        taken: the names of the objects before it.

    Raises:
        ContractError: an element cannot be honoured.
    """
    element = Element(value, place, ENFORCED, REFUSED)
    name = _name(element, taken)
    custom = custom_properties(element, tuple(CUSTOM))
    role = _role(element, custom)
    csv = dialects.read(*custom["csv"]) if "csv" in custom else CsvDialect()
    null_values = nulls.read(*custom["nullValues"], csv) if "nullValues" in custom else ("",)
    properties = Properties(element, role, csv, null_values)
    names = [column.name for column in properties.columns]
    made = quality.of_object(element, name, names, role)
    keys = tuple(dict.fromkeys((*properties.keys, *made.keys)))
    refused = [_rejected_rows(*custom["rejectedRows"], name)] if "rejectedRows" in custom else []
    return DataObject(
        name=name,
        role=role,
        columns=tuple(properties.columns),
        keys=_different(keys),
        primary_key=properties.primary_key,
        rules=(*properties.rules, *made.sets, *refused),
        csv=csv,
        load=load_modes.read(*custom["load"], properties.columns, properties.primary_key)
        if "load" in custom
        else Load(),
        distribution=_distribution(custom, names),
    )


def _name(element: Element, taken: Sequence[str]) -> str:
    name = element.text("name", accepted=NAME_ACCEPTED)
    if not NAME.fullmatch(name):
        raise element.refuse("name", f"is not a name of an object; accepted: {NAME_ACCEPTED}")
    if name == PARAMETERS_VIEW:
        raise element.refuse("name", "is the name of the view with the parameters; accepted: another")
    if name in taken:
        raise element.refuse("name", "occurs twice; accepted: another, since each object becomes a view")
    element.choice("logicalType", ("object",), "object")
    if element.text("physicalName", name) != name:
        raise element.refuse(
            "physicalName", f"is not the name, by which the pipeline calls the table; accepted: {name}"
        )
    return name


def _role(element: Element, custom: Custom) -> str:
    listed = ", ".join(ROLES)
    if "role" not in custom:
        raise ContractError(
            (*element.place, "customProperties"),
            f"has no role; accepted: {{property: role, value: …}} with one of {listed}",
        )
    value, place = custom["role"]
    if value not in ROLES:
        raise ContractError(place, f"{as_json(value)} is not a role{near(str(value), ROLES)}; accepted: {listed}")
    for name, (_, where) in custom.items():
        if value not in CUSTOM[name]:
            accepted = " and ".join(CUSTOM[name])
            raise ContractError(where, f"{name} does not apply to an object of role {value}; accepted for: {accepted}")
    return str(value)


def _different(keys: Sequence[Key]) -> tuple[Key, ...]:
    """Keys of the same columns in another order are one."""
    found: list[Key] = []
    for key in keys:
        if set(key.columns) not in [set(other.columns) for other in found]:
            found.append(key)
    return tuple(found)


def _rejected_rows(value: object, place: ElementPath, name: str) -> SetRule:
    """How many rows of the source may be refused; the share is of the rows that came in."""
    element = Element(value, place, (*OPERATORS, "unit", "severity"))
    operator, bounds = quality.threshold(element)
    unit = quality.measured_in(element, bounds, operator)
    return SetRule(f"{name}.rejectedRows", name, "rejectedRows", operator, bounds, quality.severity(element), unit)


def _distribution(custom: Custom, names: Sequence[str]) -> Distribution:
    default = Distribution()
    known = (*names, JOB_ID_COLUMN)
    key = elements.column(*custom["distributionKey"], known) if "distributionKey" in custom else ""
    style = "KEY" if key else default.style
    if "distributionStyle" in custom:
        given, place = custom["distributionStyle"]
        style = elements.text(given, place, ", ".join(_STYLES)).upper()
        if style not in _STYLES:
            raise ContractError(place, f"{as_json(given)} is not a distribution style; accepted: {', '.join(_STYLES)}")
        if (style == "KEY") != bool(key):
            problem = "needs a distributionKey" if style == "KEY" else "has no distributionKey; accepted with one: KEY"
            raise ContractError(place, f"{as_json(given)} {problem}")
    sort_key = default.sort_key
    if "sortKey" in custom:
        sort_key = elements.columns(*custom["sortKey"], known, most=_MOST_SORT_COLUMNS)
    return Distribution(style, key, sort_key)

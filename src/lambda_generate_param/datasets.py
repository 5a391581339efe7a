"""The datasets that were packaged beside this code: contract, SQL files, and what a caller may pass."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ParameterValue = str | int | float | bool


class UnknownDatasetError(ValueError):
    """No folder of that name was packaged."""


class ParameterError(ValueError):
    """A parameter is unknown, or its value is not what the contract accepts."""


@dataclass(frozen=True)
class Dataset:
    """One folder of sql/datasets: its contract (Open Data Contract Standard v3) and its Redshift SQL."""

    name: str
    contract_version: str
    outputs: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, Any]]
    table_sql: str
    load_sql: str

    def resolve(self, given: Mapping[str, Any]) -> dict[str, ParameterValue]:
        """Return every declared parameter with the given value, or else its default.

        Raises:
            ParameterError: an unknown name, a missing value without default, or a value out of what is accepted.
        """
        for name in given:
            if name not in self.parameters:
                known = ", ".join(sorted(self.parameters)) or "none"
                raise ParameterError(f"parameters.{name} is unknown for dataset {self.name!r}; known: {known}")
        resolved: dict[str, ParameterValue] = {}
        for name, rule in self.parameters.items():
            if name not in given and "default" not in rule:
                raise ParameterError(f"parameters.{name} is missing; dataset {self.name!r} requires it")
            resolved[name] = checked(name, given.get(name, rule.get("default")), rule)
        return resolved


def names(sql: Path) -> list[str]:
    """The packaged datasets, sorted. `sql` is the packaged folder sql/."""
    return sorted(path.parent.name for path in sql.glob("datasets/*/contract.json"))


def load(sql: Path, name: str) -> Dataset:
    """Read one dataset.

    Raises:
        UnknownDatasetError: it names what is known.
    """
    known = names(sql)
    if name not in known:
        raise UnknownDatasetError(f"dataset {name!r} is unknown; known: {', '.join(known) or 'none'} (sql/datasets/)")
    folder = sql / "datasets" / name
    return read(folder, json.loads((folder / "contract.json").read_text(encoding="utf-8")))


def read(folder: Path, contract: Mapping[str, Any]) -> Dataset:
    """Make a dataset of its contract, which may not be compiled yet, and of the SQL files in its folder."""
    return Dataset(
        name=folder.name,
        contract_version=str(contract["version"]),
        outputs=tuple(table["name"] for table in contract["schema"] if custom(table).get("role") == "output"),
        parameters=custom(contract).get("parameters") or {},
        table_sql=(folder / "table.sql").read_text(encoding="utf-8"),
        load_sql=(folder / "load.sql").read_text(encoding="utf-8"),
    )


def custom(element: Mapping[str, Any]) -> dict[str, Any]:
    """The customProperties of a contract, or of one of its objects, by their names."""
    return {item["property"]: item["value"] for item in element.get("customProperties") or []}


_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "string": ((str,), "a text"),
    "boolean": ((bool,), "true or false"),
    "date": ((str,), "a date, YYYY-MM-DD"),
}


PARAMETER_TYPES = tuple(_TYPES)


def checked(name: str, value: Any, rule: Mapping[str, Any]) -> ParameterValue:
    """Return a parameter's value if its rule accepts it, or else raise ParameterError."""
    given = value
    kinds, accepted = _TYPES[rule["type"]]
    where = f"parameters.{name}"
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ParameterError(f"{where} is {value!r}; accepted: {accepted}")
    if rule["type"] == "date" and not _is_date(str(value)):
        raise ParameterError(f"{where} is {value!r}; accepted: {accepted}")
    if "minimum" in rule and value < rule["minimum"]:
        raise ParameterError(f"{where} is {value!r}; accepted: {rule['minimum']} or more")
    if "maximum" in rule and value > rule["maximum"]:
        raise ParameterError(f"{where} is {value!r}; accepted: {rule['maximum']} or less")
    if "validValues" in rule and value not in rule["validValues"]:
        raise ParameterError(f"{where} is {value!r}; accepted: {', '.join(map(str, rule['validValues']))}")
    if "pattern" in rule and not re.fullmatch(rule["pattern"], str(value)):
        raise ParameterError(f"{where} is {value!r}; accepted: text that matches {rule['pattern']}")
    accepted_value: ParameterValue = given
    return accepted_value


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

"""Mappings of the document, read so that no element can be passed over.

An `Element` is made with the names that its reader enforces, and those that it refuses with the reason; with the names
of dataset_contract.describing these are all that may be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from dataset_contract import describing
from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.naming import as_json, near, unknown

_VARIABLE = re.compile(r"\$\{[A-Za-z_][^}]*\}")
_LARGEST_EXPONENT = 400  # a DOUBLE reaches 308; one of a million digits is never meant
# What YAML makes of unquoted texts, and how to keep them.
_QUOTE = {
    bool: 'YAML reads an unquoted NO, yes, on or off as true or false; quote it, as in "NO"',
    int: 'quote it, as in "1"',
    float: 'quote it, as in "1.0"',
    Decimal: 'quote it, as in "1.0"',
    date: 'quote it, as in "2024-12-31"',
}


class Element:
    """A mapping of the document at its place.

    Args:
        value: what stands there.
        place: its path in the document.
        enforced: the names that the reader acts on.
        refused: name -> why it is refused, and what to write instead.

    Raises:
        ContractError: it is not a mapping, or has a name that is refused or unknown.
    """

    def __init__(
        self, value: object, place: ElementPath, enforced: Sequence[str], refused: Mapping[str, str] | None = None
    ) -> None:
        describes = describing.below("".join(_step(step) for step in place).lstrip("."))
        if not isinstance(value, Mapping):
            raise ContractError(place, f"{as_json(value)} is not a mapping; accepted: {', '.join(enforced)}")
        for name in value:
            if name in (refused or {}):
                raise ContractError((*place, name), f"{as_json(value[name])} is refused: {(refused or {})[name]}")
            if name in describes and name not in enforced:
                describing.check(value[name], (*place, name))
            elif name not in enforced:
                raise unknown(place, name, (*enforced, *describes))
        self.value = value
        self.place = place

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def get(self, name: str, default: object = None) -> Any:
        """What stands there as it is."""
        return self.value.get(name, default)

    def refuse(self, name: str, problem: str) -> ContractError:
        """The error for an element below: `problem` says of its value what it is not, and what is accepted."""
        return ContractError((*self.place, name), f"{as_json(self.get(name))} {problem}")

    def missing(self, name: str, accepted: str) -> ContractError:
        """The error for an element that has to be there."""
        return ContractError((*self.place, name), f"is missing; accepted: {accepted}")

    def text(self, name: str, default: str | None = None, accepted: str = "a text", *, variables: bool = False) -> str:
        """A text that is not empty; `default` None: it has to be there. `variables`: ${NAME} may be in it."""
        if name not in self.value and default is not None:
            return default
        if name not in self.value:
            raise self.missing(name, accepted)
        value = text(self.get(name), (*self.place, name), accepted, variables=variables)
        if not value:
            raise self.refuse(name, f"is empty; accepted: {accepted}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """The value of a name that is true or false."""
        value = self.get(name, default)
        if not isinstance(value, bool):
            raise self.refuse(name, "is not true or false; accepted: true, false")
        return value

    def whole(self, name: str, default: int, least: int = 0) -> int:
        """The value of a name that is a whole number of `least` or more."""
        value = self.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.refuse(name, f"is not a whole number of {least} or more; accepted: such a number")
        return value

    def choice(self, name: str, accepted: Sequence[str], default: str | None = None) -> str:
        """One of several texts."""
        listed = ", ".join(accepted)
        value = self.text(name, default, listed)
        if value not in accepted:
            raise self.refuse(name, f"is not known here; accepted: {listed}")
        return value

    def items(self, name: str) -> Iterator[tuple[Any, ElementPath]]:
        """The items of a list with their places; none where the list is not there."""
        value = self.get(name, [])
        if not isinstance(value, list):
            raise self.refuse(name, "is not a list; accepted: a list")
        for index, item in enumerate(value):
            yield item, (*self.place, name, index)


def text(value: object, place: ElementPath, accepted: str = "a text", *, variables: bool = False) -> str:
    """The text at a place. `variables`: ${NAME} may be in it.

    Raises:
        ContractError: it is not a text, or has a variable of version 3.2. Where YAML made something else of an unquoted
            text, the message says so.
    """
    if not isinstance(value, str):
        advice = next((f"; {advice}" for kind, advice in _QUOTE.items() if isinstance(value, kind)), "")
        raise ContractError(place, f"{as_json(value)} is not a text; accepted: {accepted}{advice}")
    if _VARIABLE.search(value) and not variables:
        raise ContractError(place, f"{as_json(value)} has a variable, and the pipeline sets none; accepted: {accepted}")
    return value


def column(value: object, place: ElementPath, known: Sequence[str]) -> str:
    """The name of one of the known columns. Raises ContractError."""
    listed = ", ".join(known)
    name = text(value, place, listed)
    if name not in known:
        raise ContractError(place, f"{as_json(name)} is not a column{near(name, known)}; accepted: {listed}")
    return name


def columns(value: object, place: ElementPath, known: Sequence[str], *, most: int) -> tuple[str, ...]:
    """The names of 1 to `most` of the known columns, each once. Raises ContractError."""
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise ContractError(
            place, f"{as_json(value)} is not a list of columns; accepted: a list of 1 to {most} columns"
        )
    names = tuple(column(item, (*place, index), known) for index, item in enumerate(value))
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ContractError((*place, index), f"{as_json(name)} occurs twice; accepted: each column once")
    return names


def number(value: object, place: ElementPath) -> int | Decimal:
    """The number at a place, exact.

    Raises:
        ContractError: it is not a number, or not finite.
    """
    if isinstance(value, float):
        value = Decimal(repr(value))  # what the document says, not the double's own digits
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or not Decimal(value).is_finite():
        raise ContractError(place, f"{as_json(value)} is not a number; accepted: a number")
    if abs(Decimal(value).adjusted()) > _LARGEST_EXPONENT:
        raise ContractError(place, f"{as_json(value)} is out of all bounds; accepted: a number that a DOUBLE holds")
    return value


def custom_properties(
    element: Element, known: Sequence[str], refused: Mapping[str, str] | None = None
) -> dict[str, tuple[Any, ElementPath]]:
    """The customProperties of an element: name -> value and its place. One with a `vendor` is another tool's.

    Raises:
        ContractError: one is unknown, refused, or there twice.
    """
    found: dict[str, tuple[Any, ElementPath]] = {}
    for item, place in element.items("customProperties"):
        entry = Element(item, place, ("property", "value"))
        if "vendor" in entry:
            continue
        name = entry.text("property", accepted=", ".join(known) or "one with a vendor")
        if "value" not in entry:
            raise entry.missing("value", f"the value of {name}")
        if name in found:
            raise entry.refuse("property", "occurs twice; accepted: each customProperty once")
        if name in (refused or {}):
            raise entry.refuse("property", f"is refused: {(refused or {})[name]}")
        if name not in known:
            raise _unknown_property(entry, name, known)
        found[name] = (entry.get("value"), (*place, "value"))
    return found


def _unknown_property(entry: Element, name: str, known: Sequence[str]) -> ContractError:
    accepted = ", ".join(known) or "none here"
    return entry.refuse(
        "property",
        f"is not a customProperty here{near(name, known)}; accepted: {accepted}, "
        "and any with a `vendor`, the tool that it belongs to",
    )


def _step(step: str | int) -> str:
    return "[]" if isinstance(step, int) else f".{step}"

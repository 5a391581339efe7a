"""Where in a state each expression stands, as AWS names it in an error: `Output/rows`, `Choices[0]/Condition`.

The interpreters' components do not know it, so they are told when a definition is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from aws_facts import jsonata as facts

_LISTS: Final = {"ChoicesDecl": "Choices", "CatchDecl": "Catch"}
_FIELDS: Final = sorted(
    (*facts.FIELD_TYPES, "Credentials", "ItemReader", "ItemBatcher", "ReaderConfig", "ResultWriter"),
    key=len,
    reverse=True,
)
_IN_TEMPLATE: Final = re.compile(r"(^|/)(Arguments|Assign|BatchInput|ItemSelector|Output)(\b|$)")
_TYPED: Final = re.compile(
    rf"(?:Choices\[\d+\]/|Credentials/|ItemReader/ReaderConfig/|ItemBatcher/)?({'|'.join(facts.FIELD_TYPES)})"
)


@dataclass(frozen=True)
class FieldPlace:
    """A field by its path within its state, and the type that its result has to have; empty where it is not known."""

    field: str = ""
    expected: str | None = None


def of(expression: object) -> FieldPlace:
    """The place of an expression's component."""
    return getattr(expression, "_place", FieldPlace())


def note(component: Any, path: str = "", _seen: set[int] | None = None) -> None:
    """Give each expression below a component its place."""
    seen = _seen if _seen is not None else set()
    if id(component) in seen:
        return
    seen.add(id(component))
    kind = type(component).__name__
    if kind == "StringJSONata":
        typed = _TYPED.fullmatch(path)
        component._place = FieldPlace(path, facts.FIELD_TYPES[typed.group(1)] if typed else None)
    elif isinstance(component, dict | list | tuple):
        for each in component.values() if isinstance(component, dict) else component:
            note(each, path, seen)
    elif ".asl.component." in type(component).__module__:
        path = _path(component, kind, path)
        for part in vars(component).values():
            if isinstance(part, list) and (kind in _LISTS or kind.endswith("ValueArray")):
                for index, each in enumerate(part):
                    note(each, f"{path}[{index}]", seen)
            else:
                note(part, path, seen)


def _path(component: object, kind: str, path: str) -> str:
    if kind.startswith(("Program", "State")):
        return ""  # a state of its own
    if "Binding" in kind and hasattr(component, "identifier"):
        return f"{path}/{component.identifier}"
    if kind in _LISTS:
        return _LISTS[kind]
    if _IN_TEMPLATE.search(path):
        return path
    field = next((name for name in _FIELDS if kind.startswith(name)), None)
    if field is None or path.split("/")[-1] == field:
        return path
    return f"{path}/{field}" if path else field

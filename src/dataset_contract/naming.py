"""Values and names as the messages of this package show them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dataset_contract.errors import ContractError, ElementPath

_LONGEST = 200


def as_json(value: Any) -> str:
    """A value as JSON writes it, `true` and `"a"`, numbers with every digit; cut where it is long."""
    text = _json(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


def _json(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_json(str(name))}: {_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_json(item) for item in value) + "]"
    return json.dumps(value, default=str, ensure_ascii=False)


def near(name: str, known: Iterable[str]) -> str:
    """`; did you mean "required"?`, or nothing."""
    found = difflib.get_close_matches(name, tuple(known), 2)
    return f"; did you mean {' or '.join(as_json(item) for item in found)}?" if found else ""


def unknown(place: ElementPath, name: object, known: Sequence[str]) -> ContractError:
    """The error for an element that does not exist at a place."""
    text = str(name)
    problem = f"is no element here{near(text, known)}; accepted: {', '.join(known) or 'none'}"
    if text.rstrip("\"'").endswith(")"):
        problem = (
            f"YAML reads {as_json(text)} as an element of its own, since a comma ends an unquoted text within {{ }}; "
            'quote it, as in "DECIMAL(15,2)"'
        )
    return ContractError((*place, text), problem)

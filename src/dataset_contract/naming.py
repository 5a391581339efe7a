"""Values and names as the messages of this package show them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from dataset_contract.errors import ContractError, ElementPath

_LONGEST = 200
_DEEPEST = 20  # a caller's value may be nested until Python's own stack ends
_PLAIN_NAME = re.compile(r"[0-9A-Za-z_.-]{1,200}")


def as_json(value: object) -> str:
    """A value as JSON writes it, `true` and `"a"`, numbers with every digit; cut where it is long or deep."""
    text = _json(value, _DEEPEST)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


def as_name(name: str) -> str:
    """A name that a caller made up: as it is where it is short and plain, else as JSON writes it."""
    return name if _PLAIN_NAME.fullmatch(name) else as_json(name)


def _json(value: object, depth: int) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, int) and value.bit_length() > 4 * _LONGEST:
        return f"a number of some {value.bit_length() * 3 // 10} digits"  # Python writes no more than 4,300
    if isinstance(value, (Mapping, list, tuple)) and not depth:
        return "…"
    if isinstance(value, Mapping):
        pairs = (f"{_json(str(name), 0)}: {_json(item, depth - 1)}" for name, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_json(item, depth - 1) for item in value) + "]"
    return json.dumps(value, default=str, ensure_ascii=False)


def near(name: str, known: Iterable[str]) -> str:
    """`; did you mean "required"?`, or nothing."""
    found = difflib.get_close_matches(name, tuple(known), 2)
    return f"; did you mean {' or '.join(as_json(item) for item in found)}?" if found else ""


def unknown(place: ElementPath, name: object, known: Sequence[str]) -> ContractError:
    """The error for an element that does not exist at a place."""
    text = str(name)
    problem = f"is not an element here{near(text, known)}; accepted: {', '.join(known) or 'none'}"
    if text.rstrip("\"'").endswith(")"):
        problem = (
            f"YAML reads {as_json(text)} as an element of its own, since a comma ends an unquoted text within {{ }}; "
            'quote it, as in "DECIMAL(15,2)"'
        )
    return ContractError((*place, text), problem)

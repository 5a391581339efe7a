"""What differs between two values of a plan, leaf by leaf."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class _Absent:
    def __repr__(self) -> str:
        return "(none)"


ABSENT = _Absent()
_Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Difference:
    """One leaf that differs; ABSENT stands for a leaf that only one side has."""

    path: _Path
    before: Any
    after: Any


def differences(before: object, after: object, path: _Path = ()) -> Iterator[Difference]:
    """Differences of two values.

    None and an empty text, list or object count as absent: the provider does not tell them apart. Text that is JSON on
    both sides is compared as JSON. A list of plain values is compared as a bag, a list of objects (Terraform's blocks)
    by position once equal ones are set aside.
    """
    if _same(before, after):
        return
    before, after = _decoded(before, after)
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        yield from _of_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list) and before and after:
        yield from _of_lists(before, after, path)
    else:
        yield Difference(path, _or_absent(before), _or_absent(after))


def following(before: object, after: object, renames: Iterable[tuple[str, str]]) -> Any:
    """The value before, with each text that only follows a rename as it is after it.

    A text that is still there after, or that is not there in its new form, stays: it does not follow.
    """
    renames = list(renames)
    return _following(before, set(_texts(after)), renames) if renames else before


def at(value: object, path: Iterable[str | int]) -> Any:
    """What is at a path, or ABSENT."""
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(str(step))
        elif isinstance(value, list):
            value = value[step] if isinstance(step, int) and step < len(value) else None
        # What is unknown or sensitive as a whole is so in its parts.
    return _or_absent(value)


def decoded(value: object) -> Any:
    """The object or list that a JSON text holds; None for anything else."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _following(value: object, texts: set[str], renames: list[tuple[str, str]]) -> Any:
    if isinstance(value, Mapping):
        return {_following(key, texts, renames): _following(inner, texts, renames) for key, inner in value.items()}
    if isinstance(value, list):
        return [_following(inner, texts, renames) for inner in value]
    if not isinstance(value, str) or value in texts:
        return value
    renamed = value
    for old, new in renames:
        renamed = renamed.replace(old, new)
    return renamed if renamed in texts else value


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _of_objects(before: object, after: object, path: _Path) -> Iterator[Difference]:
    empty = (None, ABSENT)
    if not all(isinstance(side, Mapping) or side in empty or side == [] for side in (before, after)):
        yield Difference(path, _or_absent(before), _or_absent(after))
        return
    left = before if isinstance(before, Mapping) else {}
    right = after if isinstance(after, Mapping) else {}
    for name in {**left, **right}:
        yield from differences(left.get(name), right.get(name), (*path, name))


def _of_lists(before: list[Any], after: list[Any], path: _Path) -> Iterator[Difference]:
    left, right = list(before), list(after)
    for item in before:
        match = next((other for other in right if _same(item, other)), ABSENT)
        if match is not ABSENT:
            left.remove(item)
            right.remove(match)
    if not left and not right:
        # The order alone.
        yield Difference(path, before, after)
        return
    blocks = all(isinstance(item, Mapping) for item in [*before, *after])
    if not blocks:
        yield from (Difference(path, item, ABSENT) for item in left)
        yield from (Difference(path, ABSENT, item) for item in right)
        return
    single = len(before) <= 1 and len(after) <= 1
    for index in range(max(len(left), len(right))):
        one = left[index] if index < len(left) else None
        other = right[index] if index < len(right) else None
        position = before.index(one) if one is not None else after.index(other)
        yield from differences(one, other, path if single else (*path, position))


def _decoded(before: object, after: object) -> tuple[Any, Any]:
    left, right = decoded(before), decoded(after)
    return (left, right) if left is not None and right is not None and type(left) is type(right) else (before, after)


def _or_absent(value: object) -> Any:
    return ABSENT if _is_empty(value) else value


def _is_empty(value: object) -> bool:
    return value is None or value is ABSENT or value in ("", [], {})


def _same(before: object, after: object) -> bool:
    return (_is_empty(before) and _is_empty(after)) or bool(before == after)

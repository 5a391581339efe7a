"""Sample values: JSON as it may be in a run, with UNKNOWN where only a run can tell."""

from __future__ import annotations

from typing import Any, Final, final


@final
class Unknown:
    """A value that only a run can tell."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


def is_known(value: object) -> bool:
    """Whether no part of the value is UNKNOWN."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    return all(map(is_known, value)) if isinstance(value, list) else value is not UNKNOWN


def filled(value: object) -> Any:
    """The value with a text in the place of what is UNKNOWN."""
    if isinstance(value, dict):
        return {key: filled(each) for key, each in value.items()}
    return [filled(each) for each in value] if isinstance(value, list) else "sample" if value is UNKNOWN else value


def merge(one: object, other: object) -> Any:
    """What holds for both values, which meet where two paths do."""
    if one is UNKNOWN or other is UNKNOWN:
        return UNKNOWN
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return {key: merge(value, other[key]) for key, value in one.items()}
    if isinstance(one, list) and isinstance(other, list):
        if not one or not other:
            return one or other
        if len(one) == len(other):
            return [merge(value, beside) for value, beside in zip(one, other, strict=True)]
        return one if one == other else [merge(one[0], other[0])]
    return one if type(one) is type(other) and one == other else UNKNOWN

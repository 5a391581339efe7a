"""The error of this package."""

from __future__ import annotations

from typing import Union

# Where an element stands in the document: keys of objects and positions in lists, from the root.
ElementPath = tuple[Union[str, int], ...]


class ContractError(ValueError):
    """An element of a contract cannot be honoured.

    place: the element's path in the document, empty for the document itself. problem: what is there and what is
    accepted instead. Packaging adds file and line.
    """

    def __init__(self, place: ElementPath, problem: str) -> None:
        super().__init__(f"{shown(place)}: {problem}" if place else problem)
        self.place = place
        self.problem = problem


def shown(place: ElementPath) -> str:
    """`schema[0].properties[3].name`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text

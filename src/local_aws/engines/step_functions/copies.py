"""Copies of JSON: an interpreter makes several of each state's input and output, most of what a state takes.

copy.deepcopy keeps account of each object it meets, of which JSON has no use.
"""

from __future__ import annotations

import copy
from typing import Any, Final

from local_aws.engines.step_functions.interpreter import Changes

_PLAIN: Final = (str, int, float, bool, type(None))


def change(changes: Changes) -> None:
    """Have inputs, outputs and histories copied as JSON."""
    interpreter = changes.interpreter
    for path in ("asl.eval.states", "asl.eval.environment", "asl.eval.event.event_manager"):
        changes.replace(interpreter.module(path), "copy", _Copy)
    # It is read only, and each new state of a program is a new object.
    environment = interpreter.get("asl.eval.environment", "Environment")
    changes.replace(environment, "program_state", lambda self: self._program_state)


def copied(value: Any) -> Any:
    """A copy that shares no dict and no list with the value."""
    kind = type(value)
    if kind is dict:
        return {name: copied(member) for name, member in value.items()}
    if kind is list:
        return [copied(member) for member in value]
    return value if kind in _PLAIN else copy.deepcopy(value)


class _Copy:
    """The module `copy`, as far as the interpreters use it."""

    deepcopy = staticmethod(copied)

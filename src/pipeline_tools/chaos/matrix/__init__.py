"""The matrix: every state of the pipeline's state machines with every fault that AWS documents for it, as data."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

from pipeline_tools.chaos.cases import ChaosCase
from pipeline_tools.chaos.matrix import lives, recorder, tasks, twice, work


class MatrixError(ValueError):
    """Two cases have one name."""


def cases() -> list[ChaosCase]:
    """All named cases, each of a name of its own.

    Raises:
        MatrixError: two have the same.
    """
    found = [*tasks.cases(), *work.cases(), *lives.cases(), *twice.cases(), *recorder.cases()]
    repeated = [name for name, times in Counter(case.name for case in found).items() if times > 1]
    if repeated:
        raise MatrixError(f"several cases are called {', '.join(repeated)}")
    return found


def subset(found: Sequence[ChaosCase], most: int) -> list[ChaosCase]:
    """At most `most` cases, in turn from each part of the matrix, and there from each state."""
    machines = [_in_turn(_grouped(each, part)) for each in _grouped(found, lambda name: name.split(".")[0])]
    return _in_turn(machines)[:most]


def _grouped(found: Sequence[ChaosCase], key: Callable[[str], str]) -> list[list[ChaosCase]]:
    groups: dict[str, list[ChaosCase]] = {}
    for case in found:
        groups.setdefault(key(case.name), []).append(case)
    return list(groups.values())


def _in_turn(groups: Sequence[Sequence[ChaosCase]]) -> list[ChaosCase]:
    return [case for turn in itertools.zip_longest(*groups) for case in turn if case is not None]


def part(name: str) -> str:
    """The first two parts of a case's name: a state machine or a job, and its state or what it does."""
    return ".".join(name.split(".")[:2])

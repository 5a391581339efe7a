"""The commands that messages advise. They reach the deployment that the command which says so was told of."""

from __future__ import annotations

import shlex

_given: list[str] = []


def for_stack(named: str | None) -> None:
    """Let all hints from now on name a deployment, or none."""
    _given[:] = [] if named is None else ["--stack", named]


def command(*words: str) -> str:
    """`pipeline` with these words, as a shell takes them, and with --stack if that was given."""
    return shlex.join(["pipeline", *words, *_given])

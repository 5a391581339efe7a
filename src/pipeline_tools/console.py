"""What a tool tells while it works."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import click

Say = Callable[[str], None]


def say(text: str) -> None:
    """Progress goes to stderr, one line per stage."""
    print(text, file=sys.stderr, flush=True)


def say_stage(number: int, of: int, text: str) -> None:
    """The begin of a stage, which a terminal shows in bold."""
    click.echo(click.style(f"[{number}/{of}] {text}", bold=True), err=True)


class StateLines:
    """A line for each state of an execution: while a long one runs, and when it has ended.

    A terminal shows the second one in the place of the first.
    """

    def __init__(self, long: Collection[str]) -> None:
        self._long = long
        self._back = ""

    def entered(self, name: str) -> None:
        """A state has begun."""
        if name in self._long:
            on_terminal = sys.stderr.isatty()
            self._back = "\r\x1b[K" * on_terminal
            click.echo(f"  {name} …", err=True, nl=not on_terminal)

    def left(self, name: str, seconds: float) -> None:
        """A state has ended."""
        say(f"{self._back}  {name:<20} {seconds:6.2f} s")
        self._back = ""


def tell_findings(name: str, check: Callable[[Path], Iterable[object]], root: Path, arguments: Sequence[str]) -> int:
    """Print what a step of lint finds in a checkout. The exit code: 0 without findings, 1 with some, 2 for usage."""
    if arguments:
        print(f"{name} takes no arguments", file=sys.stderr)
        return 2
    findings = list(check(root))
    for finding in findings:
        print(finding)
    return 1 if findings else 0

"""What a tool tells while it works."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

Say = Callable[[str], None]


def say(text: str) -> None:
    """Progress goes to stderr, one line per stage."""
    print(text, file=sys.stderr, flush=True)


def tell_findings(name: str, check: Callable[[Path], Iterable[object]], root: Path, arguments: Sequence[str]) -> int:
    """Print what a step of lint finds in a checkout. The exit code: 0 without findings, 1 with some, 2 for usage."""
    if arguments:
        print(f"{name} takes no arguments", file=sys.stderr)
        return 2
    findings = list(check(root))
    for finding in findings:
        print(finding)
    return 1 if findings else 0

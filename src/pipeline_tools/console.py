"""What a tool tells while it works."""

from __future__ import annotations

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def say(text: str) -> None:
    """Progress goes to stderr, one line per stage."""
    print(text, file=sys.stderr, flush=True)

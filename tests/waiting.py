"""How tests wait for what has to come: the bound is against hanging, also on a starved machine; it measures nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import pytest

T = TypeVar("T")
SECONDS: Final = 600.0


def until(look: Callable[[], T | None], what: str, *, seconds: float = SECONDS) -> T:
    """Return the first answer of `look` that is neither None nor False; fail when there was none in time."""
    deadline, pause = time.monotonic() + seconds, 0.002
    while True:
        found = look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)
        pause = min(pause * 1.2, 0.1)  # so a fifth of the time that it takes, at most, is added

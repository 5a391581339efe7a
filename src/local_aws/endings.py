"""Who waits in this process for work of it to end looks again as soon as it has, and need not look all the time.

Step Functions does so with Glue and nested executions: their events tell it, and it looks now and then besides.
https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Endings:
    """Work by its name, such as the ID of a job run, and who is woken at its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._awaited: dict[str, list[threading.Event]] = {}

    def tell(self, name: str) -> None:
        """Wake who waits for the end of this work."""
        with self._lock:
            for event in self._awaited.get(name, ()):
                # Whoever waits at this moment; the event has other uses.
                event.set()
                event.clear()

    @contextmanager
    def waking(self, name: str, event: threading.Event) -> Iterator[None]:
        """Within the block, the end of the work wakes who waits for the event. What ended before wakes nobody."""
        with self._lock:
            self._awaited.setdefault(name, []).append(event)
        try:
            yield
        finally:
            with self._lock:
                self._awaited[name].remove(event)
                if not self._awaited[name]:
                    del self._awaited[name]

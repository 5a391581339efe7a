"""Work beside the event loop that may take long and that the end of the process does not wait for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_daemon_thread(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a thread of its own, and return or raise what it does.

    asyncio.to_thread has few threads, and the interpreter waits for them at its end.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], value: object) -> None:
        if not outcome.done():  # nobody waits any more
            set_outcome(value)

    def run() -> None:
        settled: tuple[Callable[[Any], None], Any]
        try:
            settled = outcome.set_result, function(*arguments)
        except Exception as error:  # handed over to who waits
            settled = outcome.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, *settled)

    threading.Thread(target=run, name="request", daemon=True).start()
    return await outcome

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from local_aws.engines.ministack.threads import in_daemon_thread
from tests.waiting import SECONDS

pytestmark = pytest.mark.endpoint  # an event loop opens a pair of sockets


def test_it_gives_what_the_function_gives() -> None:
    assert asyncio.run(in_daemon_thread(pow, 2, 3)) == 8
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_daemon_thread(divmod, 1, 0))


def test_any_number_waits_at_once_and_the_end_waits_for_none() -> None:
    all_in, go_on = threading.Barrier(41), threading.Event()

    def wait() -> bool:
        all_in.wait(SECONDS)
        return go_on.wait(SECONDS)

    async def ask() -> None:
        waiting = [asyncio.create_task(in_daemon_thread(wait)) for _ in range(40)]
        await asyncio.sleep(0)
        await in_daemon_thread(all_in.wait, SECONDS)
        threads = [found for found in threading.enumerate() if found.name == "request"]
        assert len(threads) >= 40
        assert all(found.daemon for found in threads)
        for task in waiting:
            task.cancel()

    asyncio.run(ask())
    go_on.set()  # to a loop that has ended


def test_an_error_of_a_cancelled_request_is_dropped(recwarn: pytest.WarningsRecorder) -> None:
    go_on, done = threading.Event(), threading.Event()

    def fail() -> None:
        go_on.wait(SECONDS)
        done.set()
        raise ValueError

    async def ask() -> None:
        task: asyncio.Task[Any] = asyncio.create_task(in_daemon_thread(fail))
        await asyncio.sleep(0)
        task.cancel()
        go_on.set()
        await in_daemon_thread(done.wait, SECONDS)
        await asyncio.sleep(0)

    asyncio.run(ask())
    assert list(recwarn) == []

from __future__ import annotations

import asyncio
from typing import Any

import hypercorn.protocol
import pytest
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import RawData, Updated
from hypercorn.protocol import ProtocolWrapper
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ConnectionState

from local_aws.engines.ministack import whole_answers

# An event loop has a pair of sockets of its own.
pytestmark = pytest.mark.endpoint


@pytest.fixture(autouse=True)
def used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hypercorn.protocol, "H11Protocol", H11Protocol)
    whole_answers.answer_in_one_piece()


def written(parts: list[bytes], *, status: int = 200, method: str = "POST", requests: int = 1) -> list[bytes]:
    """What hypercorn writes, write by write, for an application that answers each request with these parts."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-length", str(sum(map(len, parts))).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, part in enumerate(parts, 1):
            await send({"type": "http.response.body", "body": part, "more_body": number < len(parts)})

    async def serve() -> list[bytes]:
        writes: list[bytes] = []
        idle = asyncio.Event()

        async def send(event: Any) -> None:
            if isinstance(event, RawData):
                writes.append(event.data)
            elif isinstance(event, Updated) and event.idle:
                idle.set()

        loop = asyncio.get_running_loop()
        async with TaskGroup(loop) as tasks:
            wrapper = ASGIWrapper(app)
            context, state = WorkerContext(None), ConnectionState({})
            protocol = ProtocolWrapper(wrapper, Config(), context, tasks, state, False, None, None, send)
            for _ in range(requests):
                idle.clear()
                line = f"{method} / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n"
                await protocol.handle(RawData(line.encode()))
                await protocol.handle(RawData(b"body"))
                await idle.wait()
        return [data for data in writes if data]

    return asyncio.run(serve())


def test_a_body_is_written_with_its_head() -> None:
    (answer,) = written([b"<CreateRoleResponse/>"])
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n<CreateRoleResponse/>")


def test_an_answer_without_a_body_is_written() -> None:
    (answer,) = written([b""], status=204)
    assert answer.startswith(b"HTTP/1.1 204")
    assert answer.endswith(b"\r\n\r\n")


def test_the_head_of_a_body_is_written() -> None:
    (answer,) = written([b"12345"], method="HEAD")
    assert b"content-length: 5\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_what_follows_is_written_as_it_comes() -> None:
    first, second = written([b"one", b"two"])
    assert first.endswith(b"\r\n\r\none")
    assert second == b"two"


def test_each_answer_of_a_connection_has_its_own_head() -> None:
    answers = written([b"one"], requests=3)
    assert [answer.endswith(b"\r\n\r\none") and answer.count(b"HTTP/1.1 200") == 1 for answer in answers] == [True] * 3

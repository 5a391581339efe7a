from __future__ import annotations

import contextlib
from collections.abc import MutableMapping
from typing import Any

import pytest

from local_aws.engines.repeats import Receive, Repeats, Send

Answer = tuple[int, bytes]


class Counting:
    """An application that tells how often it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.asked = 0
        self.status = status

    async def __call__(self, _scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.asked += 1
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": str(self.asked).encode()})


def ask(app: Repeats, *, call: str = "a", attempt: int = 1, method: str = "POST") -> Answer:
    headers = [(b"Amz-Sdk-Invocation-Id", call.encode()), (b"amz-sdk-request", f"attempt={attempt}; max=3".encode())]
    body = iter([{"type": "http.request", "more_body": True}, {"type": "http.request", "more_body": False}])
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(body)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    # Nothing in it waits, so no event loop is needed, which would open a socket.
    with contextlib.suppress(StopIteration):
        app({"type": "http", "method": method, "headers": headers}, receive, send).send(None)
    assert next(body, None) is None, "the request was not read to its end"
    return sent[0]["status"], sent[1]["body"]


def test_a_second_try_gets_the_answer_of_the_first() -> None:
    counting = Counting()
    app = Repeats(counting)
    assert ask(app) == ask(app, attempt=2) == ask(app, attempt=3) == (200, b"1")
    assert counting.asked == 1


def test_another_call_is_carried_out() -> None:
    app = Repeats(Counting())
    assert ask(app, call="a") == (200, b"1")
    assert ask(app, call="b", attempt=2) == (200, b"2")


@pytest.mark.parametrize("status", [400, 429, 500])
def test_what_was_refused_is_tried_again(status: int) -> None:
    counting = Counting(status)
    app = Repeats(counting)
    ask(app)
    counting.status = 200
    assert ask(app, attempt=2) == (200, b"2")


def test_what_changes_nothing_is_asked_anew() -> None:
    app = Repeats(Counting())
    assert ask(app, method="GET") == (200, b"1")
    assert ask(app, method="GET", attempt=2) == (200, b"2")


def test_what_has_no_name_is_carried_out() -> None:
    app = Repeats(Counting())
    assert ask(app, call="") == (200, b"1")
    assert ask(app, call="", attempt=2) == (200, b"2")

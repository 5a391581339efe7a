"""Faults at requests, over real connections to a server as MiniStack has it, with an application that only answers."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import hypercorn.protocol
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.protocol.h11 import H11Protocol

from local_aws.engines.ministack import whole_answers
from local_aws.engines.ministack.http_faults import with_faults
from local_aws.services.faults.fault_rules import Error, FaultPlan, Faults, Rule
from tests.waiting import SECONDS, until

pytestmark = pytest.mark.endpoint
BODY = b"0123456789" * 100


@dataclass
class Server:
    """Where it is, its faults, and the bodies of the requests that were carried out."""

    port: int
    faults: Faults = field(default_factory=Faults)
    done: list[bytes] = field(default_factory=list)
    opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def connection(self) -> http.client.HTTPConnection:
        return self.opened.enter_context(
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS))
        )


def ask(connection: http.client.HTTPConnection, body: bytes = b"body") -> tuple[int, bytes]:
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"
    connection.request("PUT", "/bucket/key", body=body, headers={"Authorization": scope})
    with connection.getresponse() as answer:
        return answer.status, answer.read()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(hypercorn.protocol, "H11Protocol", H11Protocol)
    whole_answers.answer_in_one_piece()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        made = Server(free.getsockname()[1])

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        parts = []
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        made.done.append(b"".join(parts))
        headers = [(b"content-length", str(len(BODY)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY[:500], "more_body": True})
        await send({"type": "http.response.body", "body": BODY[500:], "more_body": False})

    config, stop = Config(), threading.Event()
    config.bind, config.graceful_timeout, config.loglevel = [f"127.0.0.1:{made.port}"], 0, "ERROR"

    async def run() -> None:
        async def stopped() -> None:
            await asyncio.to_thread(stop.wait)

        served = with_faults(application, made.faults)
        await serve(cast(Any, served), config, shutdown_trigger=stopped)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()

    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", made.port)):
            return True
        return False

    until(listens, "the server listens")
    with made.opened:
        yield made
    stop.set()
    thread.join()


def put(server: Server, **fields: Any) -> None:
    server.faults.put(FaultPlan((Rule("r", "request", **fields),)))


def test_without_a_fault_the_answer_is_the_applications(server: Server) -> None:
    connection = server.connection()
    put(server, service="s3", operation="GetObject", error=Error("X"))
    for _ in range(2):
        assert ask(connection) == (200, BODY)
    assert server.done == [b"body"] * 2


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
def test_an_error_is_answered(server: Server, when: Any, done: int) -> None:
    connection = server.connection()
    put(server, when=when, service="s3", operation="PutObject", match={"Key": "key"}, error=Error("SlowDown"))
    status, body = ask(connection)
    assert (status, b"<Code>SlowDown</Code>" in body, len(server.done)) == (503, True, done)
    assert ask(connection) == (200, BODY)  # by the same connection


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
def test_nothing_is_answered(server: Server, when: Any, done: int) -> None:
    first, second = server.connection(), server.connection()
    for connection in (first, second):
        assert ask(connection) == (200, BODY)
    put(server, when=when, cut=0)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        ask(first)
    assert len(server.done) == 2 + done
    assert ask(second) == (200, BODY)  # that of another client stays


@pytest.mark.parametrize("sent", [1, 500, 999])
def test_a_body_is_cut(server: Server, sent: int) -> None:
    put(server, when="after", cut=sent)
    with pytest.raises(http.client.IncompleteRead) as broken:
        ask(server.connection())
    assert broken.value.partial == BODY[:sent]
    assert ask(server.connection()) == (200, BODY)


def test_the_admin_call(server: Server) -> None:
    connection = server.connection()
    connection.request("PUT", "/_local/faults", body=json.dumps({"faults": [{"name": "r", "at": "request", "cut": 0}]}))
    assert connection.getresponse().read()
    assert [each.rule.name for each in server.faults.request] == ["r"]
    connection.request("DELETE", "/_local/faults")
    assert json.loads(connection.getresponse().read()) == {"waits": 1.0, "faults": [], "met": {}}
    assert server.faults.request == ()

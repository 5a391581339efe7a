"""Faults at the HTTP requests of MiniStack: between its ASGI application and the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from local_aws.engines.ministack.whole_answers import HANG_UP
from local_aws.services import wire
from local_aws.services.faults.fault_rules import Faults, Rule
from local_aws.services.faults.requests import PATH, administer, answer_of, occasion_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Receive, Send], Awaitable[None]]


def with_faults(application: Application, faults: Faults) -> Application:
    """The application with the admin call, and with what rules at requests do."""

    async def serve(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
        elif scope["path"] == PATH:
            body = await _body(receive)
            await _answer(send, administer(faults, scope["method"], body))
        elif faults.request:
            await _Served(application, faults, scope, send, await _body(receive)).serve(receive)
        else:
            await application(scope, receive, send)

    return serve


class _Served:
    """One request, at which faults may arise."""

    def __init__(self, application: Application, faults: Faults, scope: Any, send: Send, body: bytes) -> None:
        self._application, self._faults, self._scope, self._send, self._body = application, faults, scope, send, body
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        query = dict(parse_qsl(scope.get("query_string", b"").decode(errors="replace"), keep_blank_values=True))
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        self._request = wire.HttpRequest(scope["method"], path, query, headers, body)

    async def serve(self, receive: Receive) -> None:
        # Models are read from disk when they are first needed.
        occasion = await asyncio.to_thread(occasion_of, self._request)
        if (rule := self._faults.take(self._faults.request, "before", occasion)) is not None:
            await self._meet(rule)
            if rule.cut is not None:
                await self._hang_up()
                return
            if (answer := answer_of(rule, occasion, self._request)) is not None:
                await _answer(self._send, answer)
                return
        if not any(each.rule.when == "after" and occasion.fits(each.rule) for each in self._faults.request):
            await self._application(self._scope, self._given(receive), self._send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._application(self._scope, self._given(receive), hold)
        if (rule := self._faults.take(self._faults.request, "after", occasion)) is not None:
            await self._meet(rule)
            if rule.cut is not None:
                await self._cut(held, rule.cut)
                return
            if (answer := answer_of(rule, occasion, self._request)) is not None:
                await _answer(self._send, answer)
                return
        for message in held:
            await self._send(message)

    async def _meet(self, rule: Rule) -> None:
        await asyncio.sleep(rule.delay)
        await asyncio.to_thread(self._faults.kill, rule)

    def _given(self, receive: Receive) -> Receive:
        """The body once more, which was read already."""
        left: list[Message] = [{"type": "http.request", "body": self._body, "more_body": False}]

        async def give() -> Message:
            return left.pop() if left else await receive()

        return give

    async def _cut(self, held: list[Message], bytes_left: int) -> None:
        """Send the head of an answer and this many bytes of its body; with 0, send nothing at all."""
        for message in held if bytes_left else ():
            if message["type"] == "http.response.body":
                part = bytes(message.get("body", b""))[:bytes_left]
                bytes_left -= len(part)
                message = {**message, "body": part, "more_body": True}
            await self._send(message)
        await self._hang_up()

    async def _hang_up(self) -> None:
        await self._scope["state"][HANG_UP]()


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, answer: wire.Answer) -> None:
    status, headers, body = answer
    given = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    given.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": given})
    await send({"type": "http.response.body", "body": body, "more_body": False})

"""Answers whose head goes out together with the beginning of their body.

Hypercorn writes a head by itself, so its body comes a moment later. The SDK for Go lets go of a request's body once it
has the head of an answer (smithy-go's ClientHandler), and where net/http has not noticed the end of that body yet, it
closes the connection: an answer whose body is still under way is lost, though the request was carried out, and the SDK
sends the request again. A busy machine meets that about once in 2,000 requests of Terraform's provider, since nothing
here takes the time that AWS's network does. What arrives with the head is kept (4 KB: net/http's buffer).
"""

from __future__ import annotations

from typing import Any, Final

from hypercorn.events import Closed, Event, RawData
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import ConnectionState

# In the state of a connection: a coroutine function that closes it at once.
HANG_UP: Final = "hang_up"


class WholeAnswers(H11Protocol):
    """Hypercorn's HTTP/1.1 with an answer's head held back until what follows it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._write = self.send
        self.send = self._send_joined
        self._holding = False
        self._head = b""
        # What its requests have in their scope; by itself it is one for all connections.
        self.connection_state = ConnectionState({**self.connection_state, HANG_UP: self._hang_up})

    async def stream_send(self, event: StreamEvent) -> None:
        """Take one event of an answer."""
        # As ASGI wants it: an answer does not start before there is something of its body, be it the end.
        self._holding = isinstance(event, Response) and event.status_code >= 200
        await super().stream_send(event)

    async def _hang_up(self) -> None:
        """Close the connection, whatever of an answer is still to come."""
        await self._write(Closed())

    async def _send_joined(self, event: Event) -> None:
        if isinstance(event, RawData) and self._holding:
            self._holding = False
            self._head = event.data
            return
        head, self._head = self._head, b""
        if isinstance(event, RawData):
            event = RawData(head + event.data)
        elif head:
            await self._write(RawData(head))
        await self._write(event)


def answer_in_one_piece() -> None:
    """Have hypercorn use it. Not a setting: it has none for that."""
    import hypercorn.protocol

    hypercorn.protocol.H11Protocol = WholeAnswers  # type: ignore[attr-defined]

"""The POSTs of a polling session: one at a time, and in turns with other connections' work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final, Protocol

from aiohttp import web

from app.core.refused import Refusal, Refused
from app.engine.poll_buffer import SEPARATOR
from app.transport.flow import ProtocolError, ReceiveQueue
from app.transport.http_connection import expect_body
from app.transport.intake import Intake
from app.transport.websocket import FRAMES_A_TURN

#: A payload that would take longer, for its client sends more than it may, ends the session: it has
#: arrived as a whole, and would be held until then.
MOST_SECONDS: Final = 10.0


class Receiver(Protocol):
    """A session, as its POSTs know it."""

    intake: Intake

    @property
    def closed(self) -> bool:
        """Whether it is closed."""

    def receive(self, packet: str) -> None:
        """Handle one packet. Raises `ProtocolError`."""

    def on_flood(self) -> None:
        """It sends more than its intake, and waits for a moment."""


class Posts:
    """The POSTs of one session.

    Args:
        queue: the session's receive queue.
    """

    __slots__ = ("_queue", "_receiver", "held_bytes", "resting", "turn")

    def __init__(self, receiver: Receiver, queue: ReceiveQueue) -> None:
        self._receiver = receiver
        self._queue = queue
        #: Held by the POST that is read and handled; the next one waits, unread.
        self.turn = asyncio.Lock()
        #: Whether one waits until others have had their turn.
        self.resting = False
        #: The size of the payload that is handled, in characters.
        self.held_bytes = 0

    async def handle(self, payload: str) -> None:
        """Handle the packets of a payload, and return once the receive queue has room.

        Not when it is empty: a polling client sends nothing, neither ack nor pong, before its
        POST is answered.

        Raises:
            ProtocolError: clients send no such packet, or not so many.
        """
        self.held_bytes = len(payload)
        try:
            await self._handle(payload)
        finally:
            self.held_bytes = 0
        await self._queue.until_room()

    async def _handle(self, payload: str) -> None:
        receiver, intake = self._receiver, self._receiver.intake
        left, seconds = FRAMES_A_TURN, MOST_SECONDS
        for packet in _packets(payload):
            if receiver.closed:
                return
            intake.take(len(packet))
            receiver.receive(packet)
            left -= 1
            pause = intake.pause() if intake.left < 0 else 0.0
            if pause:
                receiver.on_flood()
                seconds -= pause
                if seconds < 0:
                    raise ProtocolError("more packets in one POST than it may send in some seconds")
            if left == 0 or pause:
                left = FRAMES_A_TURN
                await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        self.resting = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self.resting = False


def _packets(payload: str) -> Iterator[str]:
    """Iterate over the packets of a payload, without a list of them: it may have a million."""
    at = 0
    while (end := payload.find(SEPARATOR, at)) >= 0:
        yield payload[at:end]
        at = end + 1
    yield payload[at:]


async def read_body(request: web.Request, limit: int) -> bytes:
    """Return the body, up to a limit of bytes of our own (`request.read` has another one)."""
    body = bytearray()
    if (request.content_length or 0) <= limit:
        expect_body(request)
        try:
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    break
            else:
                return bytes(body)
        except web.RequestPayloadError:  # not what its Content-Encoding says
            raise Refusal(Refused.REQUEST, "Bad payload.") from None
        except ConnectionResetError:  # it left while a middleware waited
            raise web.HTTPBadRequest(text="The client is gone.\n") from None
    raise Refusal(Refused.TOO_LARGE, f"A POST has at most {limit} bytes.")

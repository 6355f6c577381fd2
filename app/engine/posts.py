"""The POSTs of a polling session: one at a time, and in turns with other connections' work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

from app.engine.poll_buffer import SEPARATOR
from app.transport.intake import Intake
from app.transport.websocket import FRAMES_A_TURN


class Receiver(Protocol):
    """A session, as its POSTs know it."""

    intake: Intake

    def receive(self, packet: str) -> None:
        """Handle one packet. Raises `ProtocolError`."""

    def on_flood(self) -> None:
        """It sends more than its intake, and waits for a moment."""

    async def until_room(self) -> None:
        """Wait while the receive queue is full."""


class Posts:
    """The POSTs of one session."""

    __slots__ = ("_receiver", "resting", "turn")

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        #: Held by the POST that is read and handled; the next one waits, unread.
        self.turn = asyncio.Lock()
        #: Whether one waits until others have had their turn.
        self.resting = False

    async def handle(self, payload: str) -> None:
        """Handle the packets of a payload, and return once the receive queue has room.

        Not when it is empty: a polling client sends nothing, neither ack nor pong, before its
        POST is answered.

        Raises:
            ProtocolError: clients send no such packet.
        """
        receiver, intake = self._receiver, self._receiver.intake
        left = FRAMES_A_TURN
        for packet in _packets(payload):
            intake.take(len(packet))
            receiver.receive(packet)
            left -= 1
            pause = intake.pause() if intake.left < 0 else 0.0
            if pause:
                receiver.on_flood()
            if left == 0 or pause:
                left = FRAMES_A_TURN
                await self._rest(pause)
        await receiver.until_room()

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

"""What a polling connection has not fetched yet."""

from __future__ import annotations

import asyncio
import base64
from typing import Final

from app.realtime import frames

SEPARATOR: Final = "\x1e"


class Outbox:
    """Keep encoded frames until they are polled for, or move to a WebSocket as they are.

    Args:
        limit: bytes past which it is full.
    """

    __slots__ = ("_bytes", "_frames", "_limit", "_poll")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: list[bytes] = []
        self._bytes = 0
        self._poll: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        """Whether more is unsent than may be."""
        return self._bytes > self._limit

    @property
    def polled(self) -> bool:
        """Whether a request is waiting for something to send."""
        return self._poll is not None

    def add(self, data: bytes) -> None:
        """Keep encoded frames, and have a waiting request fetch them."""
        self._frames.append(data)
        self._bytes += len(data)
        self.release()

    async def wait(self) -> None:
        """Return once there is something, or `release` was called."""
        if self._frames:
            return
        self._poll = asyncio.get_running_loop().create_future()
        try:
            await self._poll
        finally:
            self._poll = None

    def release(self) -> None:
        """Have a waiting request return."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def take(self) -> bytes:
        """Return everything as encoded frames, and forget it."""
        data = b"".join(self._frames)
        self._frames.clear()
        self._bytes = 0
        return data

    def take_payload(self) -> str:
        """Return everything as a polling payload (Engine.IO protocol, "HTTP long-polling")."""
        return SEPARATOR.join(
            "b" + base64.b64encode(frame.payload).decode()
            if frame.opcode == frames.BINARY
            else frame.payload.decode()
            for frame in frames.decode(self.take())
        )

"""What a polling connection has not fetched yet."""

from __future__ import annotations

import asyncio
import base64
from typing import Final

from app.transport import frames
from app.transport.flow import grace

SEPARATOR: Final = "\x1e"


class PollBuffer:
    """Keep encoded frames until they are polled for, or move to a WebSocket as they are.

    Args:
        limit: bytes that may be kept, see `grace`.
    """

    __slots__ = ("_allowed", "_bytes", "_frames", "_limit", "_poll", "over")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._allowed = limit
        self._frames: list[bytes] = []
        self._bytes = 0
        self._poll: asyncio.Future[None] | None = None
        #: Whether more is kept than the limit.
        self.over = False

    def has_room(self, size: int) -> bool:
        """Tell whether as many bytes more may be kept."""
        return not self.over or self._bytes + size <= self._allowed

    @property
    def polled(self) -> bool:
        """Whether a request is waiting for something to send."""
        return self._poll is not None

    def add(self, data: bytes) -> None:
        """Keep encoded frames, and have a waiting request fetch them."""
        self._frames.append(data)
        self._bytes += len(data)
        if not self.over and self._bytes > self._limit:
            self.over = True
            self._allowed = grace(self._bytes, self._limit)
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
        self.over = False
        return data

    def take_payload(self) -> str:
        """Return everything as a polling payload (Engine.IO protocol, "HTTP long-polling")."""
        return SEPARATOR.join(
            "b" + base64.b64encode(frame.payload).decode()
            if frame.opcode == frames.BINARY
            else frame.payload.decode()
            for frame in frames.decode(self.take())
        )

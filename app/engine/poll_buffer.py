"""The poll buffer: what a polling session has not fetched yet."""

from __future__ import annotations

import asyncio
from typing import Final

from app.engine import binary
from app.transport import frames
from app.transport.flow import grace

SEPARATOR: Final = "\x1e"


class PollBuffer:
    """Encoded frames that wait for a poll, or for the session's move to a WebSocket.

    Args:
        limit: bytes that may be buffered; see `grace` for what may follow a large write.
    """

    __slots__ = ("_frames", "_grace", "_limit", "_poll", "over", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._grace = limit
        self._frames: list[bytes] = []
        self.size = 0  # in bytes
        self._poll: asyncio.Future[None] | None = None
        #: Whether more bytes than the limit are buffered.
        self.over = False

    def has_room(self, size: int) -> bool:
        """Tell whether `size` more bytes may be buffered."""
        return not self.over or self.size + size <= self._grace

    @property
    def polled(self) -> bool:
        """Whether a poll is waiting."""
        return self._poll is not None

    def add(self, data: bytes) -> None:
        """Buffer encoded frames, and release a waiting poll."""
        self._frames.append(data)
        self.size += len(data)
        if not self.over and self.size > self._limit:
            self.over = True
            self._grace = grace(self.size, self._limit)
        self.release()

    async def wait(self) -> None:
        """Return once there is a frame, or `release` was called."""
        if self._frames:
            return
        self._poll = asyncio.get_running_loop().create_future()
        try:
            await self._poll
        finally:
            self._poll = None

    def release(self) -> None:
        """Have a waiting poll return."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def take(self) -> bytes:
        """Remove and return all frames, joined."""
        data = b"".join(self._frames)
        self._frames.clear()
        self.size = 0
        self.over = False
        return data

    def take_payload(self) -> str:
        """Remove all frames; return them as a payload (Engine.IO protocol, "HTTP long-polling")."""
        return SEPARATOR.join(
            (
                binary.to_text(frame.payload) if frame.opcode == frames.BINARY else frame.payload
            ).decode()
            for frame in frames.decode(self.take())
        )

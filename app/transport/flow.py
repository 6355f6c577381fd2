"""Flow control: the receive queue, and the grace for unsent bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

# Queued messages, and their bytes, at which reading from the client stops (backpressure).
HIGH_WATERMARK: Final = 100
HIGH_WATERMARK_BYTES: Final = 262_144


class ProtocolError(ValueError):
    """A client broke the protocol that it speaks; its connection is closed."""


def grace(unsent_bytes: int, limit: int) -> int:
    """Return how many bytes may be unsent after a write went over `limit`, to `unsent_bytes`.

    One large write (the answer to a join, say) doesn't make a slow consumer, and small ones follow
    it at once. So as many bytes as it went over the limit may follow, and at most the limit.
    """
    return unsent_bytes + min(limit, unsent_bytes - limit)


class ReceiveQueue:
    """The receive queue: messages that wait for the request before them, oldest first."""

    __slots__ = ("_has_room", "messages", "size")

    def __init__(self) -> None:
        self.messages: deque[str | bytes] = deque()
        #: Their length together; of texts, in characters.
        self.size = 0
        self._has_room: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def full(self) -> bool:
        """Whether reading from the client is to stop."""
        return len(self.messages) >= HIGH_WATERMARK or self.size >= HIGH_WATERMARK_BYTES

    def add(self, message: str | bytes) -> None:
        """Append a message."""
        self.messages.append(message)
        self.size += len(message)

    def pop(self) -> str | bytes:
        """Remove and return the oldest message."""
        message = self.messages.popleft()
        self.size -= len(message)
        if not self.full:
            self._wake()
        return message

    def clear(self) -> None:
        """Remove all messages."""
        self.messages.clear()
        self.size = 0
        self._wake()

    async def until_room(self) -> None:
        """Wait while it is full."""
        while self.full:
            if self._has_room is None:
                self._has_room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._has_room)

    def _wake(self) -> None:
        if self._has_room is not None:
            self._has_room.set_result(None)
            self._has_room = None

"""Flow control: the queue of what a client has sent, and the grace for what it has not read."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

# Messages that may wait before the client's bytes do: past it, reading stops (backpressure).
HIGH_WATERMARK: Final = 100


class ProtocolError(ValueError):
    """What a client sent breaks the protocol that it speaks; the connection ends."""


def grace(unsent_bytes: int, limit: int) -> int:
    """Return what may be unsent once a write has gone over `limit`, and made it `unsent_bytes`.

    One large write (the answer to a join, say) is no sign of a slow consumer, and small ones come
    right behind it: as many bytes as it went over, but at most the limit, may follow.
    """
    return unsent_bytes + min(limit, unsent_bytes - limit)


class ReceiveQueue:
    """The messages that have arrived and wait for the request before them, oldest first."""

    __slots__ = ("_has_room", "messages")

    def __init__(self) -> None:
        self.messages: deque[str | bytes] = deque()
        self._has_room: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def full(self) -> bool:
        """Whether no more is to be read for now."""
        return len(self.messages) >= HIGH_WATERMARK

    def add(self, message: str | bytes) -> None:
        """Let a message wait."""
        self.messages.append(message)

    def take(self) -> str | bytes:
        """Return the oldest message."""
        message = self.messages.popleft()
        if not self.full:
            self._wake()
        return message

    def clear(self) -> None:
        """Forget everything."""
        self.messages.clear()
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

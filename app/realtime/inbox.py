"""What has arrived on a connection and waits for the request before it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

# Messages that may wait before the client's bytes do.
MAX_WAITING: Final = 100


class Inbox:
    """A queue that says when it is full, and when there is room again."""

    __slots__ = ("_room", "messages")

    def __init__(self) -> None:
        self.messages: deque[str | bytes] = deque()
        self._room: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def full(self) -> bool:
        """Whether no more is to be read for now."""
        return len(self.messages) >= MAX_WAITING

    def add(self, message: str | bytes) -> None:
        """Let a message wait."""
        self.messages.append(message)

    def take(self) -> str | bytes:
        """Return the oldest message."""
        message = self.messages.popleft()
        if not self.full:
            self._tell_room()
        return message

    def clear(self) -> None:
        """Forget everything."""
        self.messages.clear()
        self._tell_room()

    async def until_room(self) -> None:
        """Wait while it is full."""
        while self.full:
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def _tell_room(self) -> None:
        if self._room is not None:
            self._room.set_result(None)
            self._room = None

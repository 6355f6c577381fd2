"""What goes in and out of a connection: requests in turn, unsent bytes within their limit."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Final

from app.core.closing import Closing
from app.core.rate import TokenBucket
from app.transport.websocket import WebSocket

# Messages that may wait before the client's bytes do.
MAX_WAITING: Final = 100


class ProtocolError(ValueError):
    """What a client sent is not Engine.IO or Socket.IO; the connection ends."""


def allowance(unsent_bytes: int, limit: int) -> int:
    """Return what may be unsent once a write has gone over `limit`, and made it `unsent_bytes`.

    One large write (the answer to a join, say) is no sign that its receiver doesn't read, and small
    ones come right behind it: as many bytes as it went over, but at most the limit, may follow.
    """
    return unsent_bytes + min(limit, unsent_bytes - limit)


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


class Flow(ABC):
    """What rooms, `Work` and the heartbeat know of a connection, of whatever protocol.

    `write` takes encoded frames and never waits, raises or changes a room. It is the transport's
    own method while all is well, something else when nobody reads or listens any more.

    Args:
        write: what to begin with.
        max_unsent_bytes: see `allowance`.
    """

    __slots__ = (
        *("_allowed", "_inbox", "_max_unsent_bytes", "bucket", "busy", "closed", "due_at"),
        *("pinged", "socket", "write"),
    )

    def __init__(self, write: Callable[[bytes], None], max_unsent_bytes: int) -> None:
        self.bucket: TokenBucket | None = None
        self.socket: WebSocket | None = None
        self.closed = False
        self.busy = False
        self.pinged = False
        self.due_at = 0.0
        self.write = write
        self._max_unsent_bytes = max_unsent_bytes
        # Unsent bytes past which it is cut off, while there are more than the limit.
        self._allowed: int | None = None
        self._inbox = Inbox()

    # Requests, one after the other

    def hold_requests(self) -> None:
        """Let what arrives wait until `go_on`."""
        self.busy = True

    def release_requests(self) -> None:
        """End what `hold_requests` began, within the very event that it began with."""
        self.busy = False

    def go_on(self) -> None:
        """Take what has waited, up to the next request that takes time."""
        self.busy = False
        self._take_waiting()

    @property
    def _blocked(self) -> bool:
        # Who has not read its last answers gets no further ones: they would add up without bound.
        return self.busy or self._allowed is not None

    def _let_wait(self, message: str | bytes) -> None:
        self._inbox.add(message)
        if self.socket is not None and self._inbox.full:
            self.socket.pause_reading()

    def _take_waiting(self) -> None:
        was_full = self._inbox.full
        try:
            while self._inbox and not self._blocked and not self.closed:
                self._handle(self._inbox.take())
        except ProtocolError as error:
            self.fail(error)
        if was_full and not self._inbox.full and self.socket is not None:
            self.socket.resume_reading()

    @abstractmethod
    def _handle(self, message: str | bytes) -> None:
        """Hand on a message whose turn it is."""

    # Unsent bytes

    def on_unsent(self, over_limit: bool) -> None:
        if self.closed or self.socket is None:
            return
        unsent = self.socket.unsent_bytes
        self._allowed = allowance(unsent, self._max_unsent_bytes) if over_limit else None
        self._choose_way_out(self.socket)
        if not over_limit:
            self._take_waiting()

    def _choose_way_out(self, socket: WebSocket) -> None:
        self.write = self._way_out(socket)

    def _way_out(self, socket: WebSocket) -> Callable[[bytes], None]:
        return socket.write if self._allowed is None else self._write_over_limit

    def _write_over_limit(self, data: bytes) -> None:
        socket, allowed = self.socket, self._allowed
        if socket is not None and allowed is not None:
            if socket.unsent_bytes + len(data) <= allowed:
                socket.write(data)
            else:
                self._cut_off()

    def _cut_off(self) -> None:
        # Called in the midst of a room's members: end now, tell of it when nobody iterates.
        self.write = discard
        if self.socket is not None:
            self.socket.abort()
        asyncio.get_running_loop().call_soon(self.close, Closing.SLOW)

    # Pings, and the end

    def ping(self, frame: bytes) -> None:
        """Send a ping."""
        self.write(frame)

    @abstractmethod
    def fail(self, error: ProtocolError) -> None:
        """End a connection that breaks the protocol."""

    @abstractmethod
    def close(self, closing: Closing) -> None:
        """End it; what is already written is still sent."""


def discard(_data: bytes) -> None:
    """Take what is sent to a connection that has ended."""

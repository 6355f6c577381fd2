"""A connection, of whatever protocol: its requests one at a time, its unsent bytes bounded."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum

from app.core.closing import Closing
from app.transport.flow import ProtocolError, ReceiveQueue, grace
from app.transport.websocket import WebSocket


class State(Enum):
    """Where a connection is in its life; it only ever moves down this list."""

    #: It has no socket: what it sends is polled for.
    POLLING = "polling"
    OPEN = "open"
    CLOSED = "closed"


class Connection(ABC):
    """What rooms, the work of handlers, the heartbeat and the Hub know of a connection.

    `write` takes encoded frames and never waits, raises or changes a room. It is the transport's
    own method while all is well, something else when nobody reads or listens any more.

    Args:
        state, write: what to begin with.
        max_unsent_bytes: unsent bytes past which it is a slow consumer, and cut off; see `grace`.
    """

    __slots__ = ("_allowed", "_busy", "_max_unsent_bytes", "_queue", "socket", "state", "write")

    def __init__(self, state: State, write: Callable[[bytes], None], max_unsent_bytes: int) -> None:
        self.state = state
        self.socket: WebSocket | None = None
        self.write = write
        self._busy = False
        self._max_unsent_bytes = max_unsent_bytes
        # Unsent bytes past which it is cut off, while there are more than the limit.
        self._allowed: int | None = None
        self._queue = ReceiveQueue()

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self.state is State.CLOSED

    # Requests, one after the other

    def hold_requests(self) -> None:
        """Let what arrives wait until `go_on`."""
        self._busy = True

    def release_requests(self) -> None:
        """End what `hold_requests` began, within the very event that it began with."""
        self._busy = False

    def go_on(self) -> None:
        """Take what has waited, up to the next request that takes time."""
        self._busy = False
        self._take_waiting()

    @property
    def _blocked(self) -> bool:
        # Who has not read its last answers gets no further ones: they would add up without bound.
        return self._busy or self._allowed is not None

    def _let_wait(self, message: str | bytes) -> None:
        self._queue.add(message)
        if self.socket is not None and self._queue.full:
            self.socket.pause_reading()

    def _take_waiting(self) -> None:
        was_full = self._queue.full
        try:
            while self._queue and not self._blocked and not self.closed:
                self._handle(self._queue.take())
        except ProtocolError as error:
            self.fail(error)
        if was_full and not self._queue.full and self.socket is not None:
            self.socket.resume_reading()

    @abstractmethod
    def _handle(self, message: str | bytes) -> None:
        """Hand on a message whose turn it is."""

    # Unsent bytes

    def on_unsent(self, over_limit: bool) -> None:
        if self.closed or self.socket is None:
            return
        unsent = self.socket.unsent_bytes
        self._allowed = grace(unsent, self._max_unsent_bytes) if over_limit else None
        self._choose_writer(self.socket)
        if not over_limit:
            self._take_waiting()

    def _choose_writer(self, socket: WebSocket) -> None:
        self.write = self._writer(socket)

    def _writer(self, socket: WebSocket) -> Callable[[bytes], None]:
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

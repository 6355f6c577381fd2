"""What goes in and out of a connection: requests in turn, unsent bytes within their limit."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from app.realtime.events import ProtocolError
from app.realtime.inbox import Inbox
from app.realtime.outbox import allowance

if TYPE_CHECKING:
    from app.core.rate import TokenBucket
    from app.realtime.websocket import WebSocket


class Flow(ABC):
    """What rooms, `Work` and the heartbeat know of a connection, of whatever protocol.

    `write` takes encoded frames and never waits, raises or changes a room. It is the transport's
    own method while all is well, something else when nobody reads or listens any more.

    Args:
        write: what to begin with.
        max_unsent_bytes: see `app.realtime.outbox.allowance`.
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
        asyncio.get_running_loop().call_soon(self.close, "slow")

    # Pings, and the end

    def ping(self, frame: bytes) -> None:
        """Send a ping."""
        self.write(frame)

    @abstractmethod
    def fail(self, error: ProtocolError) -> None:
        """End a connection that breaks the protocol."""

    @abstractmethod
    def close(self, reason: str) -> None:
        """End it; what is already written is still sent.

        Args:
            reason: for logs and metrics.
        """


def discard(_data: bytes) -> None:
    """Take what is sent to a connection that has ended."""

"""Connections, whatever their protocol: one request at a time, and bounded unsent bytes."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import Final

import structlog

from app.core.closing import Closing
from app.core.rate import TokenBucket
from app.transport.flow import ProtocolError, ReceiveQueue, grace
from app.transport.intake import Intake
from app.transport.limits import Limits
from app.transport.websocket import WebSocket

# How often a connection that doesn't take what it gets is looked at. Its transport tells of one
# mark only, the limit, and what is sent at its own pace stays far below that.
_LOOK_SECONDS: Final = 0.02

log = structlog.get_logger("hearth.realtime")


class State(Enum):
    """The state of a connection; it only ever moves down this list."""

    #: There is no socket: the client polls for what is sent.
    POLLING = "polling"
    OPEN = "open"
    CLOSED = "closed"


class Connection(ABC):
    """A connection as rooms, handlers, the heartbeat and the Hub know it.

    `write` sends encoded frames; it never waits, raises or changes a room. It is the transport's
    own method as long as the client reads, and is replaced when the client is slow or gone.

    Args:
        state, write: the initial ones.
    """

    __slots__ = (
        "_busy",
        "_grace",
        "_limits",
        "_queue",
        "admitted",
        "bucket",
        "intake",
        "socket",
        "state",
        "write",
    )

    def __init__(self, state: State, write: Callable[[bytes], None], limits: Limits) -> None:
        self.state = state
        #: Whether its client was let in; of strangers, only small messages are read.
        self.admitted = False
        self.intake = Intake(limits.per_second)
        self.socket: WebSocket | None = None
        #: By which its requests are counted; None: they aren't. See `RateLimit`.
        self.bucket: TokenBucket | None = None
        self.write = write
        self._busy = False
        self._limits = limits
        # While more than the limit is unsent: the unsent bytes past which it is cut off.
        self._grace: int | None = None
        self._queue = ReceiveQueue()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self.state is State.CLOSED

    @property
    def address(self) -> str:
        """The client's address."""
        return "" if self.socket is None else self.socket.address

    def admit(self) -> None:
        """Let its client send messages of full size."""
        self.admitted = True
        if self.socket is not None:
            self.socket.admit(self._limits.frame_bytes)

    def limit_rate(self, per_second: float) -> None:
        """Let its client send so many requests a second from now on; 0: any number."""
        if per_second <= 0:
            self.bucket = None
        elif self.bucket is None or self.bucket.rate != per_second:
            self.bucket = TokenBucket(per_second)
        self.intake.go_on_at(per_second)

    @property
    def listening(self) -> bool:
        """Whether what its client has sent will be read at once."""
        return self.socket is None or self.socket.listening

    @property
    def held_bytes(self) -> int:
        """The number of bytes that the server holds for its client."""
        incomplete = 0 if self.socket is None else self.socket.held_bytes
        return self.unsent_bytes + self._queue.size + incomplete

    # Requests, one at a time

    def hold_requests(self) -> None:
        """Queue the messages that arrive until `go_on`."""
        self._busy = True

    def release_requests(self) -> None:
        """Undo `hold_requests` while the message that called it is still being handled."""
        self._busy = False

    def go_on(self) -> None:
        """Handle queued messages, up to the next request that takes time."""
        self._busy = False
        self._handle_queued()

    @property
    def _blocked(self) -> bool:
        # A client that doesn't read its answers gets no more: they would pile up without bound.
        return self._busy or self._grace is not None

    def _enqueue(self, message: str | bytes) -> None:
        self._queue.add(message)
        if self.socket is not None and self._queue.full:
            self.socket.pause_reading()

    def _handle_queued(self) -> None:
        was_full = self._queue.full
        try:
            while self._queue and not self._blocked and not self.closed:
                self._handle(self._queue.pop())
        except ProtocolError as error:
            self.fail(error)
        if was_full and not self._queue.full and self.socket is not None:
            self.socket.resume_reading()

    @abstractmethod
    def _handle(self, message: str | bytes) -> None:
        """Handle the next message."""

    # Unsent bytes

    @property
    def unsent_bytes(self) -> int:
        """The number of bytes that the client has not taken yet."""
        return 0 if self.socket is None else self.socket.unsent_bytes

    async def until_unsent(self, most: int) -> bool:
        """Wait until at most so many bytes are unsent; return False once it is closed."""
        while not self.closed and self.unsent_bytes > most:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
        return not self.closed

    def on_unsent(self, over_limit: bool) -> None:
        if self.closed or self.socket is None:
            return
        unsent = self.socket.unsent_bytes
        self._grace = grace(unsent, self._limits.unsent_bytes) if over_limit else None
        self._choose_writer(self.socket)
        if not over_limit:
            self._handle_queued()

    def _choose_writer(self, socket: WebSocket) -> None:
        self.write = self._writer(socket)

    def _writer(self, socket: WebSocket) -> Callable[[bytes], None]:
        return socket.write if self._grace is None else self._write_over_limit

    def _write_over_limit(self, data: bytes) -> None:
        socket, allowed = self.socket, self._grace
        if socket is not None and allowed is not None:
            if socket.unsent_bytes + len(data) <= allowed:
                socket.write(data)
            else:
                self._cut_off()

    def _cut_off(self) -> None:
        # Called while a room iterates over its members: stop writing now, and close afterwards.
        log.warning(
            "cut off a connection that does not read",
            reason=Closing.SLOW.reason,
            address=self.address,
            admitted_by="MAX_UNSENT_BYTES",
        )
        self.write = discard
        if self.socket is not None:
            self.socket.abort()
        asyncio.get_running_loop().call_soon(self.close, Closing.SLOW)

    # Pings and closing

    def ping(self, frame: bytes) -> None:
        """Send a ping."""
        self.write(frame)

    def on_lost(self, reason: str) -> None:
        if reason:
            self.fail(ProtocolError(reason))
        else:
            self.close(Closing.TRANSPORT_CLOSE)

    def fail(self, error: ProtocolError) -> None:
        """Close a connection that breaks the protocol."""
        log.info(
            "closed a connection that broke the protocol", reason=str(error), address=self.address
        )
        self.close(Closing.TRANSPORT_ERROR)

    @abstractmethod
    def close(self, closing: Closing) -> None:
        """Close the connection; what is already written is still sent."""


def discard(_data: bytes) -> None:
    """Discard what is sent to a closed connection."""

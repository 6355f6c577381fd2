"""Connector: opens connections to a Redis URL by TCP, TLS, a Unix socket or Sentinel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import urlsplit

import hiredis
import structlog
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from socketio.redis_manager import parse_redis_sentinel_url

from app.redis.failures import explain

OPEN_SECONDS: Final = 3.0
#: How long one Sentinel may take to reply before the next is tried.
SENTINEL_SECONDS: Final = 1.0
FAILURES: Final = (RedisError, OSError, TimeoutError)
#: With more unsent than this, a connection is congested, until it is a quarter of that.
CONGESTED_BYTES: Final = 4 * 1024 * 1024
_INCOMPLETE: Final = object()

OnReply = Callable[[Any], None]
OnCongested = Callable[[bool], None]

log = structlog.get_logger("hearth.redis")


class Link(asyncio.Protocol):
    """One open connection, RESP 2. It writes once per iteration of the event loop.

    Redis thus receives commands together, and what it publishes for them arrives together too, so
    that rooms can write it as one (`app.transport.room.Room`).

    redis-py connects, and handles TLS, passwords and Sentinel. Then this takes the transport over,
    because redis-py's streams and locks cost more than a command.

    Args:
        connection: a connection that redis-py has opened.
        on_reply: called with each reply; errors are `hiredis.ReplyError`s.
    """

    def __init__(self, connection: AbstractConnection, on_reply: OnReply) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._unsent: list[bytes] = []
        self._on_reply = on_reply
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        # Keeps the writer alive, which would close the transport when it is collected.
        self._writer = cast(asyncio.StreamWriter, connection._writer)  # noqa: SLF001
        connection._reader = connection._writer = None  # noqa: SLF001
        self._transport = cast(asyncio.Transport, self._writer.transport)
        self._transport.set_write_buffer_limits(CONGESTED_BYTES, CONGESTED_BYTES // 4)
        self._transport.set_protocol(self)
        #: Called with whether Redis reads less than is sent.
        self.on_congested: OnCongested | None = None

    @property
    def unsent_bytes(self) -> int:
        """How much Redis has not read yet."""
        return self._transport.get_write_buffer_size()

    def send(self, *command: str | bytes | float) -> None:
        """Send one command. It is lost if the connection is."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(hiredis.pack_command(cast(Any, command)))

    def _flush(self) -> None:
        data = b"".join(self._unsent)
        self._unsent.clear()
        if not self._transport.is_closing():  # uvloop raises
            self._transport.write(data)

    def abort(self) -> None:
        """Drop the connection at once."""
        self._transport.abort()
        self._set_lost()

    async def closed(self) -> None:
        """Wait until the transport of a dropped connection is closed."""
        async with asyncio.timeout(1.0):
            await self._closed

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                self._on_reply(reply)
        except hiredis.ProtocolError:
            self.abort()
        except Exception:
            log.exception("could not read what Redis sent", redis_sent=len(data))
            self.abort()

    def pause_writing(self) -> None:
        if self.on_congested is not None:
            self.on_congested(True)

    def resume_writing(self) -> None:
        if self.on_congested is not None:
            self.on_congested(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_lost()
        if not self._closed.done():
            self._closed.set_result(None)

    def _set_lost(self) -> None:
        if not self.lost.done():
            self.lost.set_result(None)


class Connector:
    """Opens connections, and logs when they are lost.

    Args:
        url: `redis://`, `rediss://`, `unix://` or `redis+sentinel://`, as
            `socketio.AsyncRedisManager` takes it.
        service: the name of the Sentinel service if the URL has none.
    """

    def __init__(self, url: str, service: str) -> None:
        options: dict[str, Any] = {
            "protocol": 2,
            "socket_connect_timeout": OPEN_SECONDS,
            "socket_timeout": OPEN_SECONDS,
            "socket_keepalive": True,
            "retry": Retry(NoBackoff(), 0),
        }
        self._sentinel: Sentinel | None = None
        self._open_seconds = OPEN_SECONDS
        parts = urlsplit(url)
        self._tls = parts.scheme == "rediss"
        self.host = parts.netloc.rpartition("@")[2] or parts.path
        if parts.scheme == "redis+sentinel":
            sentinels, name, credentials = parse_redis_sentinel_url(url)
            limits = dict.fromkeys(("socket_connect_timeout", "socket_timeout"), SENTINEL_SECONDS)
            self._sentinel = cast(Any, Sentinel)(
                sentinels, sentinel_kwargs=options | limits, **(options | credentials)
            )
            self._open_seconds += SENTINEL_SECONDS * len(sentinels)
            client: Redis = self._sentinel.master_for(name or service)
        else:
            if parts.scheme == "unix":
                del options["socket_keepalive"]
            client = Redis.from_url(url, **options)
        self._failing: set[str] = set()
        self._logged: set[str] = set()  # kinds of failure, since all was well
        self._pool: Any = client.connection_pool

    def note_open(self, purpose: str) -> None:
        """Log that a connection is open, if that was the last one missing."""
        self._failing.discard(purpose)
        if not self._failing:
            self._logged.clear()
            log.info("connected to Redis", redis=self.host, purpose=purpose)

    def note_failure(self, purpose: str, error: BaseException) -> None:
        """Log a lost or failed connection, each cause once until all connections are open again."""
        self._failing.add(purpose)
        failure = explain(error, tls=self._tls)
        if failure.error in self._logged or (failure.is_outage and self._logged):
            return
        self._logged.add(failure.error)
        log.error(
            "Redis can't be reached; trying again until it can",
            redis=self.host,
            purpose=purpose,
            error=failure.error,
            reason=failure.reason,
        )

    async def open(self, on_reply: OnReply) -> Link:
        """Return a new connection.

        Raises:
            RedisError, OSError, TimeoutError: `FAILURES`.
        """
        connection = self._pool.make_connection()
        try:
            async with asyncio.timeout(self._open_seconds):
                await connection.connect()
            return Link(connection, on_reply)
        finally:
            # A no-op unless it has failed or was cancelled: a link takes the transport over.
            with suppress(*FAILURES):
                await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Close the connections to Sentinels."""
        if self._sentinel is not None:
            with suppress(*FAILURES):
                await self._sentinel.aclose()

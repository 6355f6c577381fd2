"""The manager of several processes: what others publish on `EMIT_CHANNEL` is done here too."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import structlog
from socketio.async_pubsub_manager import AsyncPubSubManager

from app.core.channel import listed
from app.core.counters import Counters
from app.core.emit_facts import emit_facts
from app.core.errors import HearthError
from app.core.near_miss import choice
from app.core.shown import shown
from app.realtime.manager import ChannelRooms, Manager
from app.redis.commands import Commands
from app.redis.subscriptions import Subscriptions
from app.transport.work import Work

#: Messages that may wait; further ones are dropped.
MAX_QUEUED: Final = 100_000
CLOSE_SECONDS: Final = 1.0
_NAME_BYTES: Final = 100
#: How every pickle begins since protocol 2; JSON can't begin so.
_PICKLE: Final = b"\x80"
# What stock code raises for a message that no manager has written.
_FOREIGN: Final = (ValueError, TypeError, LookupError, AttributeError)
_PICKLED: Final = (
    "A pickle, as python-socketio before 5.14 emits: python-socketio 5.14 or newer, or json, is "
    "needed."
)

log = structlog.get_logger("hearth.redis")


class EmitSink(Protocol):
    """The receiver of what others emit into channels."""

    def offer(self, emit: dict[str, Any], data: bytes) -> bool:
        """Accept an emit, parsed and as it came; False if it is not for channels."""

    def reject(self, data: bytes, reason: str) -> None:
        """Log, count and store an emit that can't be handled."""


class SharedManager(AsyncPubSubManager, Manager):  # type: ignore[misc]
    """python-socketio's manager of several processes, on our own connections to Redis.

    Stock code handles emits to one connection, `disconnect`, `enter_room`, `leave_room`,
    `close_room` and callbacks across processes.

    Args:
        channel: the Redis channel that all processes and workers share (`EMIT_CHANNEL`).
        emits: receives what others emit into channels.
        channels: the rooms that are channels.
        counters: count what is rejected.
    """

    def __init__(
        self,
        commands: Commands,
        subscriptions: Subscriptions,
        channel: str,
        emits: EmitSink,
        channels: ChannelRooms,
        counters: Counters,
    ) -> None:
        super().__init__(channel=channel)
        self._channels = channels
        self._commands = commands
        self._subscriptions = subscriptions
        self._emits = emits
        self._counters = counters
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_QUEUED)
        self._acks = Work()
        self._methods = {
            "emit": self._handle_emit,
            "disconnect": self._handle_disconnect,
            "enter_room": self._handle_enter_room,
            "leave_room": self._handle_leave_room,
            "close_room": self._handle_close_room,
        }

    async def start(self) -> None:
        """Handle what others publish from now on."""
        self._subscriptions.listen(self.channel, self._on_message)
        self.server.manager_initialized = True  # stock waits for the first client
        self.initialize()

    async def close(self) -> None:
        """Stop handling it."""
        self.thread.cancel()
        await asyncio.gather(self.thread, return_exceptions=True)
        await self._acks.finish(CLOSE_SECONDS)

    async def _publish(self, data: dict[str, Any]) -> Any:
        # Stock logs a failure and returns, so its caller can't know of it.
        return await self._commands.send("PUBLISH", self.channel, self.json.dumps(data))

    async def _thread(self) -> None:
        # Stock's stops at a message that is not an object, and logs failures as tracebacks.
        while True:
            message = await self._queue.get()
            method = message["method"]
            try:
                await self._methods[method](message)
            except HearthError as error:
                log.warning(
                    "could not handle a message of a manager", method=method, reason=error.code
                )
            except _FOREIGN as error:  # of stock, or of a room that can't be a channel
                self._reject(message, f"{method}: {error}")
            except Exception:
                log.exception("could not handle a message of a manager", method=method)

    async def _return_callback(self, *arguments: Any) -> None:
        try:
            await super()._return_callback(*arguments)
        except HearthError as error:
            log.warning("could not return an acknowledgement", reason=error.code)

    def _on_message(self, data: bytes) -> None:
        try:
            message = self.json.loads(data)
        except (ValueError, RecursionError):
            message = None
        method = message.get("method") if isinstance(message, dict) else None
        if not isinstance(method, str):
            self._emits.reject(
                data, _PICKLED if data[:1] == _PICKLE else "Not a manager's message."
            )
        elif method == "callback":
            # Not in order: the message that is being handled may be waiting for it.
            self._acks.spawn(self._handle_callback(message))
        elif message.get("host_id") == self.host_id:
            pass  # our own, handled before it was published
        elif method == "emit":
            self._on_emit(message, data)
        elif method in self._methods:
            self._enqueue(message)

    def _on_emit(self, message: dict[str, Any], data: bytes) -> None:
        namespace = str(message.get("namespace") or "/")
        if self._emits.offer(message, data):
            if sids := self.sids_apart(namespace, message.get("room")):
                self._enqueue({**message, "room": sids})
        elif namespace in self.server.namespace_handlers or namespace in self.server.handlers:
            self._enqueue(message)
        else:
            there = choice(namespace, {**self.server.namespace_handlers, **self.server.handlers})
            takes = "a manager's emit takes namespace="
            name = shown(namespace, _NAME_BYTES)
            self._emits.reject(data, f"There is no namespace {name} here; {takes}. {there}")

    def _enqueue(self, message: dict[str, Any]) -> None:
        if not _is_sound(message):
            self._reject(message, f"{message['method']}: not as managers write it")
            return
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            log.error("dropped a message of a manager", reason="too many are waiting")

    def _reject(self, message: dict[str, Any], reason: str) -> None:
        self._counters.rejected[self.channel] += 1
        facts = emit_facts(message)
        event = "rejected what a worker emitted"
        log.warning(event, source=self.channel, reason=reason[:200], **facts)


def _is_sound(message: dict[str, Any]) -> bool:
    """Tell whether a message has what managers write: stock code trusts that."""
    rooms, skipped = message.get("room"), message.get("skip_sid")
    if message["method"] == "emit":
        if not (isinstance(message.get("event"), str) and "data" in message):
            return False
        if not isinstance(message.get("callback"), list | None):
            return False
    elif not isinstance(rooms, str | int | None):
        return False
    if isinstance(rooms, dict) or isinstance(skipped, dict):
        return False
    names = [*listed(rooms), *listed(skipped), message.get("namespace"), message.get("sid")]
    return all(name is None or isinstance(name, str | int) for name in names)

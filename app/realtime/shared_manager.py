"""Rooms shared through Redis: what other processes and workers ask of connections."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Protocol

import structlog
from socketio.async_pubsub_manager import AsyncPubSubManager

from app.core.counters import Counters
from app.core.errors import HearthError
from app.realtime.manager import ChannelRooms, Manager
from app.redis.commands import Commands
from app.redis.subscriptions import Subscriptions
from app.transport.work import Work

#: What is asked while so much is waiting is not done.
MOST_ASKED: Final = 100_000
CLOSE_SECONDS: Final = 1.0

log = structlog.get_logger("hearth.redis")


class EmitSink(Protocol):
    """Who takes what others emit into channels."""

    def offer(self, emit: dict[str, Any], data: bytes) -> bool:
        """Take an emit, parsed and as it came; False when it is no channel's business."""

    def reject(self, data: bytes, reason: str) -> None:
        """Reject what nobody can take."""


class SharedManager(AsyncPubSubManager, Manager):  # type: ignore[misc]
    """python-socketio's manager of several processes, on connections of our own.

    What it does stays stock's: emits to one connection, `disconnect`, `enter_room`, `leave_room`,
    `close_room` and callbacks across processes.

    Args:
        channel: the Redis channel that all processes and workers share (`EMIT_CHANNEL`).
        emits: takes what others emit into channels.
        channels: the rooms that are channels.
        counters: of what is rejected.
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
        self._asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MOST_ASKED)
        self._answers = Work()
        self._do = {
            "emit": self._handle_emit,
            "disconnect": self._handle_disconnect,
            "enter_room": self._handle_enter_room,
            "leave_room": self._handle_leave_room,
            "close_room": self._handle_close_room,
        }

    async def start(self) -> None:
        """Begin to do what others ask."""
        self._subscriptions.listen(self.channel, self._on_message)
        self.server.manager_initialized = True  # stock waits for the first client
        self.initialize()

    async def close(self) -> None:
        """Stop what `start` began."""
        self.thread.cancel()
        await asyncio.gather(self.thread, return_exceptions=True)
        await self._answers.finish(CLOSE_SECONDS)

    async def _publish(self, data: dict[str, Any]) -> Any:
        # Stock gives up with a log line, and its caller believes that all is well.
        return await self._commands.send("PUBLISH", self.channel, self.json.dumps(data))

    async def _thread(self) -> None:
        # Stock's ends on what is no object, and tells of what fails by a traceback only.
        while True:
            message = await self._asked.get()
            method = message["method"]
            try:
                await self._do[method](message)
            except HearthError as error:
                log.warning("could not do what was asked", method=method, reason=error.code)
            except ValueError as error:  # so says stock; a room that can't be a channel
                self._reject(f"{method}: {error}")
            except Exception:
                log.exception("could not do what was asked", method=method)

    async def _return_callback(self, *arguments: Any) -> None:
        try:
            await super()._return_callback(*arguments)
        except HearthError as error:
            log.warning("could not return an answer", reason=error.code)

    def _on_message(self, data: bytes) -> None:
        try:
            message = self.json.loads(data)
        except (ValueError, RecursionError):
            message = None
        method = message.get("method") if isinstance(message, dict) else None
        if not isinstance(method, str):
            self._emits.reject(data, "Not a manager's message.")
        elif method == "callback":
            # Not in turn: what is being done may be waiting for it.
            self._answers.spawn(self._handle_callback(message))
        elif message.get("host_id") == self.host_id:
            pass  # it was done before it was published
        elif method == "emit":
            self._on_emit(message, data)
        elif method in self._do:
            self._ask(message)

    def _on_emit(self, message: dict[str, Any], data: bytes) -> None:
        namespace = str(message.get("namespace") or "/")
        if self._emits.offer(message, data):
            if sids := self.sids_apart(namespace, message.get("room")):
                self._ask({**message, "room": sids})
        elif namespace in self.server.namespace_handlers or namespace in self.server.handlers:
            self._ask(message)
        else:
            self._emits.reject(data, f"No namespace {namespace!r} here."[:200])

    def _ask(self, message: dict[str, Any]) -> None:
        try:
            self._asked.put_nowait(message)
        except asyncio.QueueFull:
            log.error("did not do what another process asked", reason="too much is asked at once")

    def _reject(self, reason: str) -> None:
        self._counters.rejected[self.channel] += 1
        log.warning("rejected what a worker emitted", reason=reason[:200])

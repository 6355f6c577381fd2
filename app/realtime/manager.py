"""Rooms shared through Redis: what other processes and workers ask of connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from socketio.async_pubsub_manager import AsyncPubSubManager

from app.realtime.rooms import Rooms
from app.redis.commands import Commands
from app.redis.subscriptions import Subscriptions

#: Is offered each emit of others, parsed and as it came; returns whether it takes it.
TakeIn = Callable[[dict[str, Any], bytes], bool]
#: Is told of what nobody can take: as it came, and why.
Refuse = Callable[[bytes, str], None]


class SharedRooms(AsyncPubSubManager, Rooms):  # type: ignore[misc]
    """python-socketio's manager of several processes, on connections of our own.

    What it does stays stock's: emits to one connection, `disconnect`, `enter_room`, `leave_room`,
    `close_room` and callbacks across processes.

    Args:
        channel: the Redis channel that all processes and workers share (`EMIT_CHANNEL`).
    """

    def __init__(self, commands: Commands, subscriptions: Subscriptions, channel: str) -> None:
        super().__init__(channel=channel)
        self.take_in: TakeIn = lambda message, data: False
        self.refuse: Refuse = lambda data, reason: None
        self._commands = commands
        self._asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        subscriptions.listen(channel, self._on_message)

    async def start(self) -> None:
        """Begin to do what others ask."""
        self.server.manager_initialized = True  # stock waits for the first client
        self.initialize()

    async def close(self) -> None:
        """Stop what `start` began."""
        self.thread.cancel()
        await asyncio.gather(self.thread, return_exceptions=True)

    async def _publish(self, data: dict[str, Any]) -> Any:
        # Stock gives up with a log line, and its caller believes that all is well.
        return await self._commands.send("PUBLISH", self.channel, self.json.dumps(data))

    async def _listen(self) -> AsyncIterator[dict[str, Any]]:
        while True:
            yield await self._asked.get()

    def _on_message(self, data: bytes) -> None:
        try:
            message = self.json.loads(data)
        except (ValueError, RecursionError):
            message = None
        # Stock's listener ends, with a traceback, on JSON that is no object.
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            self.refuse(data, "Not a manager's message.")
        elif message["method"] != "emit" or message.get("host_id") == self.host_id:
            self._asked.put_nowait(message)
        elif not self.take_in(message, data):
            namespace = str(message.get("namespace"))
            if namespace in self.server.namespace_handlers or namespace in self.server.handlers:
                self._asked.put_nowait(message)
            else:
                self.refuse(data, f"No namespace {namespace!r} here."[:200])

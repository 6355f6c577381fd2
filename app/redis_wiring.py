"""Everything that stands on Redis, and in which order it begins and ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from app.broker.keys import Keys
from app.broker.redis import RedisBroker
from app.broker.redis_sessions import RedisSessions
from app.hub.hub import Hub
from app.realtime.shared_manager import SharedRooms
from app.redis.commands import Commands
from app.redis.connector import Connector
from app.redis.subscriptions import Subscriptions
from app.settings import Settings
from app.workers.emits import is_for_channels, read_emit
from app.workers.intake import Intake
from app.workers.pending import Read, limited, refuse
from app.workers.routes import ROUTES, Route, read_event


class Shared:
    """What makes this process one of several.

    Args:
        url: where Redis is, see `Connector`.
        clock: seconds since 1970.
    """

    def __init__(self, url: str, settings: Settings, clock: Callable[[], float]) -> None:
        connector = Connector(url, settings.emit_channel)
        self._process = secrets.token_hex(8)
        self._keys = Keys(settings.hearth_prefix)
        self._commands = Commands(connector)
        self._subscriptions = Subscriptions(connector)
        self._emit_channel = settings.emit_channel
        self._max_message_bytes = settings.max_message_bytes
        self._intake: Intake | None = None
        self.rooms = SharedRooms(self._commands, self._subscriptions, settings.emit_channel)
        self.broker = RedisBroker(
            self._commands,
            self._subscriptions,
            self._keys,
            self._process,
            settings.history_size,
            settings.history_seconds,
            clock,
            settings.recovery_seconds,
        )
        self.sessions = RedisSessions(
            self._commands, self._subscriptions, self._keys, self._process
        )

    def take_in(self, hub: Hub) -> None:
        """Have what workers emit published by `hub`."""
        intake = self._intake = Intake(
            hub,
            self.broker.publish_taken,
            self._subscriptions,
            self._commands,
            self._keys,
            self._process,
        )

        def hear(source: str, data: bytes, read: Read) -> None:
            intake.hear(source, data, limited(read, len(data), self._max_message_bytes))

        def take(message: dict[str, Any], data: bytes) -> bool:
            if not is_for_channels(hub, message):
                return False
            hear(self._emit_channel, data, partial(read_emit, hub, message))
            return True

        def hear_event(source: str, route: Route, data: bytes) -> None:
            hear(source, data, partial(read_event, route, data))

        self.rooms.take_in = take
        self.rooms.refuse = lambda data, reason: hear(self._emit_channel, data, refuse(reason))
        for source, route in ROUTES.items():
            self._subscriptions.listen(source, partial(hear_event, source, route))

    async def start(self) -> None:
        """Begin to connect; nothing waits for Redis."""
        await self.rooms.start()
        await self.broker.start()
        if self._intake is not None:
            await self._intake.start()

    async def close(self) -> None:
        """End, and say so in Redis."""
        if self._intake is not None:
            await self._intake.close()
        await self.rooms.close()
        await self.broker.close()

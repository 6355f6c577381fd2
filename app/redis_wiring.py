"""Everything that stands on Redis, and in which order it begins and ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from app.broker.keys import Keys
from app.broker.redis import RedisBroker
from app.broker.redis_presence import RedisPresence
from app.broker.redis_sessions import RedisSessions
from app.broker.redis_statuses import RedisStatusQueue
from app.core.history import HistoryOptions
from app.hub.hub import Hub
from app.realtime.shared_manager import SharedRooms
from app.redis.commands import Commands
from app.redis.connector import Connector
from app.redis.subscriptions import Subscriptions
from app.settings import Settings
from app.workers.intake import Intake
from app.workers.routes import ROUTES
from app.workers.sources import BusSource, EmitSource


class RedisBackend:
    """What makes this process one of several.

    Args:
        url: where Redis is, see `Connector`.
        history: what is kept of each channel.
        clock: seconds since 1970.
    """

    def __init__(
        self, url: str, settings: Settings, history: HistoryOptions, clock: Callable[[], float]
    ) -> None:
        connector = Connector(url, settings.emit_channel)
        commands = self._commands = Commands(connector)
        subscriptions = self._subscriptions = Subscriptions(connector)
        keys = self._keys = Keys(settings.hearth_prefix)
        process = self._process = secrets.token_hex(8)
        self._settings = settings
        self.broker = RedisBroker(commands, subscriptions, keys, process, history, clock)
        self.presence = RedisPresence(commands, keys, process, clock)
        self.statuses = RedisStatusQueue(commands, keys)
        self.sessions = RedisSessions(commands, subscriptions, keys, process)
        self.manager = SharedRooms(commands, subscriptions, settings.emit_channel)

    async def start(self, hub: Hub) -> None:
        """Begin to connect, and to take in what workers emit; nothing waits for Redis."""
        settings = self._settings
        intake = self._intake = Intake(
            hub, self._subscriptions, self._commands, self._keys, self._process
        )
        most_bytes = settings.max_message_bytes
        await self.manager.start(EmitSource(hub, intake, settings.emit_channel, most_bytes))
        BusSource(intake, ROUTES, most_bytes).start(self._subscriptions)
        await self._subscriptions.start()
        await self._commands.start()
        await intake.start()

    async def stop_workers(self) -> None:
        """Take nothing more in from workers and other processes."""
        await self._intake.close()
        await self.manager.close()

    async def close(self) -> None:
        """Close the connections, when nobody needs them any more."""
        await self._subscriptions.close()
        await self._commands.close()

"""The parts that stand on Redis, wired: the stores of all processes, and the way in of workers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.broker.keys import Keys
from app.broker.redis import RedisBroker
from app.broker.redis_announcements import RedisAnnouncements
from app.broker.redis_inbox import InboxBounds
from app.broker.redis_presence import RedisPresence
from app.broker.redis_sessions import RedisSessions
from app.broker.redis_statuses import RedisStatusQueue
from app.broker.redis_tallies import RedisTallies
from app.broker.unreadable import Unreadable
from app.core.counters import Counters
from app.core.history import HistoryOptions
from app.hub.hub import Hub
from app.realtime.manager import ChannelRooms
from app.realtime.shared_manager import SharedManager
from app.redis.commands import Commands
from app.redis.connector import Connector
from app.redis.format import FormatCheck, WrongFormat
from app.redis.subscriptions import Subscriptions
from app.settings import Settings
from app.workers.inbox import RedisInbox
from app.workers.ingest import Ingest
from app.workers.routes import ROUTES
from app.workers.sources import BusSource, EmitSource

FIRST_ATTEMPT_SECONDS: Final = 1.0


class RedisBackend:
    """The two connections of this process to Redis, and the stores on them.

    Args:
        url: of Redis, see `Connector`.
        history: how much history each channel keeps.
        counters: count what goes wrong.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        url: str,
        settings: Settings,
        history: HistoryOptions,
        counters: Counters,
        clock: Callable[[], float],
    ) -> None:
        connector = Connector(url, settings.emit_channel)
        self.keys = keys = Keys(settings.hearth_prefix)
        self._format = FormatCheck(keys.format)
        self.commands = commands = Commands(
            connector,
            check=self._format,
            most_message_bytes=settings.max_message_bytes,
            lost=counters.redis_lost,
        )
        self.subscriptions = subscriptions = Subscriptions(connector, counters.redis_lost)
        counters.held["redis_sent"] = lambda: commands.window.used_bytes
        counters.held["redis_waiting"] = lambda: commands.window.waiting_bytes
        subscriptions.on_regained(commands.look_for_cuts)
        self.process = process = secrets.token_hex(8)
        inbox = InboxBounds(settings.inbox_bytes, counters)
        unreadable = Unreadable(counters)
        self.broker = RedisBroker(
            commands, subscriptions, keys, process, history, inbox, unreadable, clock
        )
        self.presence = RedisPresence(commands, keys, process, unreadable, clock)
        self.statuses = RedisStatusQueue(commands, keys, unreadable)
        self.announcements = RedisAnnouncements(commands, keys, unreadable)
        self.sessions = RedisSessions(commands, subscriptions, keys, process, unreadable)
        self.tallies = RedisTallies(commands, subscriptions, keys, process)
        self.inbox = RedisInbox(commands, keys, inbox)

    async def start(self) -> None:
        """Start connecting; this waits for the first attempt, if it doesn't take long.

        Raises:
            WrongFormat: it showed that this version can't read what is there. Where it shows later,
                Redis is as one that can't be reached.
        """
        await self.subscriptions.start()
        await self.commands.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_ATTEMPT_SECONDS):
                await self.commands.attempted.wait()
        try:
            self._format.require()
        except WrongFormat:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connections, after everything that uses them."""
        await self.subscriptions.close()
        await self.commands.close()


class RedisWorkers:
    """The way in through Redis: emits into channels go to the ingest, all others to `manager`.

    Args:
        channels: the rooms that are channels.
    """

    def __init__(
        self, backend: RedisBackend, settings: Settings, hub: Hub, channels: ChannelRooms
    ) -> None:
        commands, subscriptions = backend.commands, backend.subscriptions
        emit_channel, most_bytes = settings.emit_channel, settings.max_message_bytes
        self._ingest = Ingest(hub, subscriptions, commands, backend.keys, backend.process)
        self._bus = BusSource(subscriptions, self._ingest, ROUTES, most_bytes)
        emits = EmitSource(hub, self._ingest, emit_channel, most_bytes)
        self.manager = SharedManager(
            commands, subscriptions, emit_channel, emits, channels, hub.counters
        )

    async def start(self) -> None:
        """Listen to workers and other processes from now on."""
        await self.manager.start()
        self._bus.start()
        await self._ingest.start()

    async def close(self) -> None:
        """Stop ingesting and listening."""
        await self._ingest.close()
        await self.manager.close()

"""Redis backends of the test's own: each is what one process has."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Final

from app.broker import redis_renewal
from app.broker.keys import Keys
from app.broker.redis import RedisBroker
from app.broker.redis_announcements import RedisAnnouncements
from app.broker.redis_heartbeat import HeartbeatTimes
from app.broker.redis_inbox import InboxBounds
from app.broker.redis_presence import RedisPresence
from app.broker.redis_statuses import RedisStatusQueue
from app.broker.unreadable import Unreadable
from app.core.counters import Counters
from app.core.history import HistoryOptions
from app.redis.canary import CanaryTimes
from app.redis.commands import ANSWER_SECONDS, DROP_SECONDS, Commands
from app.redis.connector import Connector
from app.redis.subscriptions import Subscriptions
from app.workers.inbox import RedisInbox
from tests.support.listener import Listener, settle
from tests.support.ready import until

HISTORY: Final = HistoryOptions()

_numbers = itertools.count(1)


class RunningBackend:
    """A broker, a presence store and a status queue on Redis, and their connections.

    Args:
        listener: records the events of the broker and the presence store.
    """

    def __init__(
        self,
        url: str,
        history: HistoryOptions = HISTORY,
        clock: Callable[[], float] = time.time,
        prefix: str = "hearth",
        listener: Listener | None = None,
        heartbeat_times: HeartbeatTimes | None = None,
        canary_times: CanaryTimes | None = None,
        drop_seconds: float = DROP_SECONDS,
        inbox_bytes: int = 268_435_456,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        connector = Connector(url, "")
        commands = self.commands = Commands(connector, drop_seconds, answer_seconds=answer_seconds)
        subscriptions = self.subscriptions = Subscriptions(connector)
        keys = self.keys = Keys(prefix)
        process = self.process = f"p{next(_numbers)}"
        self.listener = listener or Listener()
        self.counters = Counters()
        inbox = InboxBounds(inbox_bytes, self.counters)
        unreadable = self.unreadable = Unreadable(self.counters)
        self.broker = RedisBroker(
            *(commands, subscriptions, keys, process, history, inbox, unreadable),
            *(clock, canary_times),
        )
        self.inbox = RedisInbox(commands, keys, inbox)
        self.presence = RedisPresence(commands, keys, process, unreadable, clock, heartbeat_times)
        self.statuses = RedisStatusQueue(commands, keys, unreadable)
        self.announcements = RedisAnnouncements(commands, keys, unreadable)

    @property
    def ready(self) -> bool:
        """Whether all of it works at this moment."""
        return self.broker.ready and self.presence.ready

    async def connect(self) -> None:
        """Begin to connect; the parts are started by whoever has their events."""
        await self.subscriptions.start()
        await self.commands.start()

    async def start(self, *, wait: bool = True) -> None:
        """Start all of it and wait until it is ready, unless told not to."""
        await self.connect()
        await self.broker.start(self.listener)
        await self.presence.start(self.listener)
        if wait:
            await until(lambda: self.ready)

    async def settle(self) -> None:
        """Wait until everything that history has of the team has been received."""
        await settle(self.broker)

    async def renew(self) -> None:
        """Keep what has members from expiring, as is done every `RENEW_SECONDS`."""
        for keys in (self.broker._keys_to_renew(), self.presence._keys_to_renew()):
            await redis_renewal._renew(self.commands, keys)

    async def close(self) -> None:
        """Stop it as a process does that ends."""
        await self.presence.close()
        await self.broker.close()
        await self.subscriptions.close()
        await self.commands.close()

    async def vanish(self) -> None:
        """Stop it as a process does that is killed: nobody is notified."""
        await self.broker.close()
        await self.presence._tasks.cancel()
        await self.presence._heartbeat._tasks.cancel()
        await self.subscriptions.close()
        await self.commands.close()

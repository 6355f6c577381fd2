"""Redis brokers of the test's own: each is what one process has."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.broker.keys import Keys
from app.broker.redis import RedisBroker
from app.redis.commands import Commands
from app.redis.connector import Connector
from app.redis.subscriptions import Subscriptions
from tests.support.ready import until

_numbers = itertools.count(1)


@dataclass
class RunningBroker:
    """A broker and its connections."""

    broker: RedisBroker
    commands: Commands
    subscriptions: Subscriptions
    keys: Keys
    process: str

    @classmethod
    async def start(
        cls,
        url: str,
        history_size: int = 1000,
        history_seconds: float = 86_400,
        clock: Callable[[], float] = time.time,
        prefix: str = "hearth",
        *,
        wait: bool = True,
    ) -> RunningBroker:
        """Start one and wait until it is ready, unless told not to."""
        connector = Connector(url, "")
        commands, subscriptions = Commands(connector), Subscriptions(connector)
        keys, process = Keys(prefix), f"p{next(_numbers)}"
        broker = RedisBroker(
            commands, subscriptions, keys, process, history_size, history_seconds, clock
        )
        await broker.start()
        running = cls(broker, commands, subscriptions, keys, process)
        if wait:
            await until(lambda: broker.ready)
        return running

    async def close(self) -> None:
        """Stop it as a process does that ends."""
        await self.broker.close()

    async def vanish(self) -> None:
        """Stop it as a process does that is killed: nobody is told."""
        await self.broker._feeds.close()
        await self.broker._tasks.cancel()
        await self.broker._heartbeat._tasks.cancel()
        await self.subscriptions.close()
        await self.commands.close()

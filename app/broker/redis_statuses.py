"""Status queue of all processes, in Redis."""

from __future__ import annotations

from typing import Final

from app.broker.keys import Keys
from app.broker.redis_log import LUA
from app.broker.unreadable import Unreadable, channel_of
from app.core.channel import Channel
from app.redis.commands import ANSWER_SECONDS, Commands
from app.redis.scripts import load_script

OVERDUE: Final = load_script(LUA, "overdue")
OVERDUE_AT_ONCE: Final = 100


class RedisStatusQueue:
    """See `StatusQueue`."""

    shared = True

    def __init__(self, commands: Commands, keys: Keys, unreadable: Unreadable) -> None:
        self._unreadable = unreadable
        self._commands = commands
        self._keys = keys

    async def claim(self, channel: Channel, seconds: float) -> float:
        ms = int(seconds * 1000)
        key = self._keys.status_claim(channel)
        if await self._commands.send("SET", key, "1", "NX", "PX", ms) is not None:
            await self._commands.send("ZREM", self._keys.statuses_due, str(channel))
            return 0.0
        left_ms: int = await self._commands.send("PTTL", key)
        return max(0.001, left_ms / 1000)

    async def add(self, channel: Channel) -> None:
        now_ms = self._commands.deadline() - int(ANSWER_SECONDS * 1000)  # of Redis's clock
        await self._commands.send("ZADD", self._keys.statuses_due, now_ms, str(channel))

    async def overdue(self, seconds: float) -> list[Channel]:
        return await overdue(self._commands, self._keys.statuses_due, seconds, self._unreadable)


async def overdue(
    commands: Commands, queue: str, seconds: float, unreadable: Unreadable
) -> list[Channel]:
    """Return some channels that have been in a queue for `seconds`; what is no channel goes."""
    found = []
    for name in await commands.run(OVERDUE, [queue], [int(seconds * 1000), OVERDUE_AT_ONCE]):
        if (channel := channel_of(name)) is not None:
            found.append(channel)
        else:
            unreadable.tell("queue", queue)
            await commands.send("ZREM", queue, name)
    return found

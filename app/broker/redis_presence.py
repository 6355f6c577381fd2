"""Presence over all processes, in Redis."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from app.broker.contract import PresenceEvents
from app.broker.keys import PRESENCE_SECONDS, Keys
from app.broker.redis_heartbeat import HeartbeatTimes, RedisHeartbeat
from app.broker.redis_presence_records import PresenceRecords
from app.broker.redis_renewal import renew_for_ever
from app.broker.unreadable import Unreadable
from app.core.channel import Channel
from app.core.errors import HearthError
from app.core.identity import Identity
from app.core.presence import Members
from app.redis.commands import Commands
from app.tasks import Tasks

log = structlog.get_logger("hearth.presence")


class RedisPresence:
    """See `PresenceStore`.

    Args:
        process: the unique name of this process.
        unreadable: is told of what can't be read.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        commands: Commands,
        keys: Keys,
        process: str,
        unreadable: Unreadable,
        clock: Callable[[], float] = time.time,
        times: HeartbeatTimes | None = None,
    ) -> None:
        self._commands = commands
        self._records = PresenceRecords(commands, keys, process, unreadable, clock)
        self._heartbeat = RedisHeartbeat(commands, keys, self._records, unreadable, times)
        self._tasks = Tasks("presence")

    @property
    def ready(self) -> bool:
        return self._heartbeat.alive

    async def start(self, events: PresenceEvents) -> None:
        self._heartbeat.start(events)
        self._tasks.add(renew_for_ever(self._commands, self._keys_to_renew))

    async def close(self) -> None:
        await self._tasks.cancel()
        try:
            await self._heartbeat.close()
        except HearthError:
            log.warning("could not evict this process's presence from Redis")

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        return await self._records.enter(channel, sid, identity)

    async def exit(self, channel: Channel, sid: str, identity: Identity) -> bool:
        return await self._records.exit(channel, sid)

    async def members(self, channel: Channel, limit: int | None = None) -> Members:
        return await self._records.members(channel, limit)

    def _keys_to_renew(self) -> list[tuple[str, int]]:
        return [(key, int(PRESENCE_SECONDS * 1000)) for key in self._records.keys_to_renew()]

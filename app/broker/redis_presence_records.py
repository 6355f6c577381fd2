"""Records of presence in Redis: which process has which connections, and so which identities."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, cast

from app.broker.keys import PRESENCE_SECONDS, Keys
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.identity import Identity, Kind
from app.core.presence import Members, Present
from app.redis.commands import Commands
from app.redis.scripts import load_script

_LUA: Final = Path(__file__).parent / "lua"
ENTER, EXIT = (load_script(_LUA, name) for name in ("enter", "exit"))


class PresenceRecords:
    """What this process writes of presence. `RedisHeartbeat` mends what is wrong.

    Args:
        process: this process's name.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        commands: Commands,
        keys: Keys,
        process: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.process = process
        self._commands = commands
        self._keys = keys
        self._clock = clock
        self._connections: dict[Channel, dict[str, Identity]] = {}
        self._departed: dict[tuple[Channel, str], None] = {}  # those that Redis couldn't be told of

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """As `PresenceStore.enter`."""
        connections = self._connections.setdefault(channel, {})
        is_new = sid not in connections
        self._departed.pop((channel, sid), None)
        connections[sid] = identity
        try:
            return await self.record(channel, sid, identity)
        except BaseException:
            if is_new:  # Redis may have heard of it
                self._forget(channel, sid)
                self._departed[channel, sid] = None
            raise

    async def exit(self, channel: Channel, sid: str) -> bool:
        """As `PresenceStore.exit`; when Redis can't be told it is told later."""
        self._forget(channel, sid)
        self._departed[channel, sid] = None
        try:
            return bool(await self.evict(channel, self.process, sid))
        except Unavailable:
            return False

    async def members(self, channel: Channel, limit: int | None) -> Members:
        """As `PresenceStore.members`."""
        joined, connections = self._keys.joined(channel), self._keys.connections(channel)
        if limit == 0:
            return Members(await self._commands.send("ZCARD", joined), [])
        last = -1 if limit is None else limit - 1
        count, scored = await asyncio.gather(
            self._commands.send("ZCARD", joined),
            self._commands.send("ZRANGE", joined, 0, last, "WITHSCORES"),
        )
        names = scored[::2]
        counts = await self._commands.send("HMGET", connections, *names) if names else []
        present = [
            Present(_identity(name), float(at), int(number))
            for name, at, number in zip(names, scored[1::2], counts, strict=True)
            if number is not None  # left in between
        ]
        return Members(count, present)

    def renewed(self) -> Iterable[str]:
        """Return the keys that are to be renewed."""
        for channel in list(self._connections):
            yield self._keys.connections(channel)
            yield self._keys.joined(channel)
            yield self._keys.of(channel, self.process)

    # For the heartbeat

    def connections(self) -> list[tuple[Channel, str, Identity]]:
        """Return whom this process has."""
        return [
            (channel, sid, identity)
            for channel, members in self._connections.items()
            for sid, identity in members.items()
        ]

    def departed(self) -> list[tuple[Channel, str]]:
        """Return who has left, and Redis doesn't know."""
        return list(self._departed)

    def has(self, channel: Channel, sid: str) -> bool:
        """Tell whether a connection is in a channel here."""
        return sid in self._connections.get(channel, {})

    async def recorded(self, process: str) -> list[Channel]:
        """Return the channels in which a process has members, as Redis knows it."""
        names = await self._commands.send("SMEMBERS", self._keys.process(process))
        return [Channel(*name.decode().split(":", 1)) for name in names]

    async def recorded_in(self, channel: Channel) -> list[str]:
        """Return the session ids of this process in a channel, as Redis knows them."""
        sids = await self._commands.send("HKEYS", self._keys.of(channel, self.process))
        return [sid.decode() for sid in sids]

    async def record(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Note in Redis that a connection is in `channel`. True when its identity so joins."""
        keys = self._keys
        joins = await self._commands.run(
            ENTER,
            [
                *(keys.connections(channel), keys.joined(channel)),
                *(keys.of(channel, self.process), keys.process(self.process), keys.processes),
            ],
            [
                *(self._commands.deadline(), sid, identity.key, f"{self._clock():.6f}"),
                *(int(PRESENCE_SECONDS), str(channel), self.process),
            ],
        )
        return bool(joins)

    async def evict(self, channel: Channel, process: str, sid: str | None = None) -> list[Identity]:
        """Strike a connection of a process from Redis, or all of them; return who so leaves."""
        if sid is not None and self.has(channel, sid):
            return []  # it is back
        keys = self._keys
        left = await self._commands.run(
            EXIT,
            [
                *(keys.connections(channel), keys.joined(channel)),
                *(keys.of(channel, process), keys.process(process)),
            ],
            [self._commands.deadline(), str(channel), *(() if sid is None else (sid,))],
        )
        if sid is not None:
            self._departed.pop((channel, sid), None)
        return [_identity(name) for name in left]

    def _forget(self, channel: Channel, sid: str) -> None:
        connections = self._connections.get(channel, {})
        connections.pop(sid, None)
        if not connections:
            self._connections.pop(channel, None)


def _identity(name: Any) -> Identity:
    kind, _, identity_id = name.decode().partition(":")
    return Identity(identity_id, cast(Kind, kind), ())

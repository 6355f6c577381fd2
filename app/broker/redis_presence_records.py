"""Presence records in Redis: which process has which connections, and so which identities."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from app.broker.keys import PRESENCE_SECONDS, Keys
from app.broker.unreadable import Unreadable, channel_of, identity_of, is_text
from app.core.channel import CIRCLES, Channel
from app.core.errors import HearthError
from app.core.identity import Identity
from app.core.presence import Members, Present
from app.redis.commands import Commands
from app.redis.scripts import load_script

_LUA: Final = Path(__file__).parent / "lua"
ENTER, EXIT, HEAL = (load_script(_LUA, name) for name in ("enter", "exit", "heal"))


class PresenceRecords:
    """Reads presence, and writes this process's. `RedisHeartbeat` retries what has failed.

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
    ) -> None:
        self.process = process
        self._unreadable = unreadable
        self._commands = commands
        self._keys = keys
        self._clock = clock
        self._connections: dict[Channel, dict[str, Identity]] = {}
        self._departed: dict[tuple[Channel, str], None] = {}  # has left; Redis may still have it

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """As `PresenceStore.enter`."""
        connections = self._connections.setdefault(channel, {})
        is_new = sid not in connections
        self._departed.pop((channel, sid), None)
        connections[sid] = identity
        try:
            return await self.record(channel, sid, identity)
        except BaseException:
            if is_new:  # Redis may have it all the same
                self._forget(channel, sid)
                self._departed[channel, sid] = None
            raise

    async def exit(self, channel: Channel, sid: str) -> bool:
        """As `PresenceStore.exit`; if that fails, the heartbeat repeats it."""
        self._forget(channel, sid)
        self._departed[channel, sid] = None
        try:
            return bool(await self.evict(channel, self.process, sid))
        except HearthError:
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
        present = []
        for name, at, number in zip(names, scored[1::2], counts, strict=True):
            if number is None:
                continue  # left in between
            identity = identity_of(name)
            if identity is None or not number.isdigit():
                self._unreadable.tell("presence", channel)
                count -= 1
                continue
            present.append(Present(identity, float(at), int(number)))
        return Members(count, present)

    def keys_to_renew(self) -> Iterable[str]:
        """Yield the keys of the channels in which this process has members."""
        for channel in list(self._connections):
            yield self._keys.connections(channel)
            yield self._keys.joined(channel)
            yield self._keys.connections_of(channel, self.process)
            yield self._keys.announced(channel)

    # For the heartbeat

    def connections(self) -> list[tuple[Channel, str, Identity]]:
        """Return this process's connections."""
        return [
            (channel, sid, identity)
            for channel, members in self._connections.items()
            for sid, identity in members.items()
        ]

    def departed(self) -> list[tuple[Channel, str]]:
        """Return the connections that have left, but that Redis may still have."""
        return list(self._departed)

    def has(self, channel: Channel, sid: str) -> bool:
        """Return whether a connection of this process is in `channel`."""
        return sid in self._connections.get(channel, {})

    def channels(self) -> list[Channel]:
        """Return the channels in which this process has members."""
        return list(self._connections)

    async def heal(self, channel: Channel) -> bool:
        """Restore `channel` if Redis has evicted a part of it; return whether it had.

        What is sent to enter and to leave is handled before.
        """
        keys = self._keys
        own = [
            keys.connections(channel),
            keys.joined(channel),
            keys.connections_of(channel, self.process),
            keys.process(self.process),
        ]
        if await self._commands.send("EXISTS", *own) == len(own):
            return False
        processes = await self._commands.send("ZRANGE", keys.processes, 0, -1)
        names = [name.decode() for name in processes if is_text(name)]
        others = [name for name in names if name != self.process]
        if not (connections := self._connections.get(channel)):
            return False  # all have left meanwhile
        await self.restore_announced(channel, *connections.values())
        await self._commands.run(
            HEAL,
            [*own, *(keys.connections_of(channel, process) for process in others)],
            [
                self._commands.deadline(),
                f"{self._clock():.6f}",
                int(PRESENCE_SECONDS),
                str(channel),
                *(text for sid, one in connections.items() for text in (sid, one.key)),
            ],
        )
        return True

    async def recorded(self, process: str) -> list[Channel]:
        """Return the channels in which a process has members, according to Redis."""
        key = self._keys.process(process)
        found = []
        for name in await self._commands.send("SMEMBERS", key):
            if (channel := channel_of(name)) is not None:
                found.append(channel)
            else:
                self._unreadable.tell("process", key)
                await self._commands.send("SREM", key, name)
        return found

    async def recorded_in(self, channel: Channel) -> list[str]:
        """Return the session ids of this process in a channel, according to Redis."""
        sids = await self._commands.send("HKEYS", self._keys.connections_of(channel, self.process))
        return [sid.decode() for sid in sids if is_text(sid)]

    async def record(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """Add a connection to `channel` in Redis. True if its identity joins by that."""
        keys = self._keys
        joins = await self._commands.run(
            ENTER,
            [
                keys.connections(channel),
                keys.joined(channel),
                keys.connections_of(channel, self.process),
                keys.process(self.process),
                keys.processes,
            ],
            [
                self._commands.deadline(),
                sid,
                identity.key,
                f"{self._clock():.6f}",
                int(PRESENCE_SECONDS),
                str(channel),
                self.process,
            ],
        )
        return bool(joins)

    async def evict(self, channel: Channel, process: str, sid: str | None = None) -> list[Identity]:
        """Evict a process's connections from a channel, and return the identities that leave.

        Args:
            sid: evict this connection only.
        """
        if sid is not None and self.has(channel, sid):
            return []  # it has come back
        keys = self._keys
        left = await self._commands.run(
            EXIT,
            [
                keys.connections(channel),
                keys.joined(channel),
                keys.connections_of(channel, process),
                keys.process(process),
                keys.announced(channel),
                keys.departures,
            ],
            [self._commands.deadline(), str(channel), sid or ""],
        )
        if sid is not None:
            self._departed.pop((channel, sid), None)
        found = []
        for name in left:
            if (identity := identity_of(name)) is not None:
                found.append(identity)
            else:
                self._unreadable.tell("presence", channel)
        return found

    async def restore_announced(self, channel: Channel, *identities: Identity) -> None:
        """Note that members know these, of the agents, where Redis has lost that they do."""
        agents = {one.key for one in identities if one.kind == "agent"}
        if channel.namespace == CIRCLES and agents:
            scored = [text for key in agents for text in (0, key)]
            await self._commands.send("ZADD", self._keys.announced(channel), "NX", *scored)

    def _forget(self, channel: Channel, sid: str) -> None:
        connections = self._connections.get(channel, {})
        connections.pop(sid, None)
        if not connections:
            self._connections.pop(channel, None)

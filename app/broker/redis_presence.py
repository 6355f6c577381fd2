"""Who is in the channels of all processes, and what becomes of the members of a killed one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, cast

import structlog

from app.broker.base import Changed
from app.broker.keys import PRESENCE_SECONDS, Keys
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.identity import Identity, Kind
from app.core.presence import Members, Present
from app.redis.commands import Commands
from app.redis.scripts import load_script

HEARTBEAT_SECONDS: Final = 1.0
#: After so many seconds of silence a process's members have left.
DEAD_SECONDS: Final = 4.0

_LUA: Final = Path(__file__).parent / "lua"
ENTER, EXIT, HEARTBEAT = (load_script(_LUA, name) for name in ("enter", "exit", "heartbeat"))

log = structlog.get_logger("hearth.presence")


class RedisPresence:
    """Presence in Redis: each process says what it has, and that it lives.

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
        self.changed: Changed = _tell_nobody
        self._commands = commands
        self._keys = keys
        self._process = process
        self._clock = clock
        self._beat_at = 0  # ms, by Redis's clock
        self._here: dict[Channel, dict[str, Identity]] = {}
        self._gone: set[tuple[Channel, str]] = set()  # those that Redis couldn't be told of

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        """As `Broker.enter`."""
        joins = await self._enter(channel, sid, identity)
        self._here.setdefault(channel, {})[sid] = identity
        return joins

    async def exit(self, channel: Channel, sid: str) -> bool:
        """As `Broker.exit`."""
        here = self._here.get(channel, {})
        here.pop(sid, None)
        if not here:
            self._here.pop(channel, None)
        try:
            return bool(await self._exit(channel, self._process, sid))
        except Unavailable:
            self._gone.add((channel, sid))
            return False

    async def members(self, channel: Channel, limit: int | None) -> Members:
        """As `Broker.members`."""
        joined, connections = self._keys.joined(channel), self._keys.connections(channel)
        last = -1 if limit is None else limit - 1
        if last < -1 or limit == 0:
            return Members(await self._commands.send("ZCARD", joined), [])
        count = self._commands.send("ZCARD", joined)
        scored = await self._commands.send("ZRANGE", joined, 0, last, "WITHSCORES")
        names = scored[::2]
        counts = await self._commands.send("HMGET", connections, *names) if names else []
        present = [
            Present(_identity(name), float(at), int(number))
            for name, at, number in zip(names, scored[1::2], counts, strict=True)
            if number is not None  # left in between
        ]
        return Members(await count, present)

    async def run(self) -> None:
        """Say again and again that this process lives; clear up after those that don't."""
        while True:
            try:
                known, self._beat_at, *dead = await self._commands.run(
                    HEARTBEAT,
                    [self._keys.processes, self._keys.process(self._process)],
                    [
                        *(self._process, int(DEAD_SECONDS * 1000), int(PRESENCE_SECONDS)),
                        self._beat_at,
                    ],
                )
                if not known:
                    await self._enter_again()
                await self._tell_gone()
                for process in dead:
                    await self._bury(process.decode())
            except Unavailable:
                pass  # the commands tell of it
            except Exception:
                log.exception("presence failed")
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def end(self) -> None:
        """Say that this process ends, and whom it had."""
        await self._bury(self._process)

    def renewed(self) -> Iterable[str]:
        """Return the keys that are to be renewed."""
        for channel in list(self._here):
            yield self._keys.connections(channel)
            yield self._keys.joined(channel)
            yield self._keys.of(channel, self._process)

    async def _enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        keys = self._keys
        joins = await self._commands.run(
            ENTER,
            [
                *(keys.connections(channel), keys.joined(channel)),
                *(keys.of(channel, self._process), keys.process(self._process)),
                keys.processes,
            ],
            [
                *(sid, identity.key, f"{self._clock():.6f}", int(PRESENCE_SECONDS)),
                *(str(channel), self._process),
            ],
        )
        return bool(joins)

    async def _exit(self, channel: Channel, process: str, *sid: str) -> list[Identity]:
        keys = self._keys
        left = await self._commands.run(
            EXIT,
            [
                *(keys.connections(channel), keys.joined(channel)),
                *(keys.of(channel, process), keys.process(process)),
            ],
            [str(channel), *sid],
        )
        return [_identity(name) for name in left]

    async def _enter_again(self) -> None:
        # The others thought it dead, or Redis lost what it knew.
        for channel, members in list(self._here.items()):
            for sid, identity in list(members.items()):
                if sid in self._here.get(channel, {}) and await self._enter(channel, sid, identity):
                    await self.changed(channel, identity, True)

    async def _tell_gone(self) -> None:
        while self._gone:
            channel, sid = gone = next(iter(self._gone))
            if sid not in self._here.get(channel, {}):
                for identity in await self._exit(channel, self._process, sid):
                    await self.changed(channel, identity, False)
            self._gone.discard(gone)

    async def _bury(self, process: str) -> None:
        # Whatever the order in which several try, each identity leaves once.
        names = await self._commands.send("SMEMBERS", self._keys.process(process))
        for name in names:
            namespace, _, room = name.decode().partition(":")
            channel = Channel(namespace, room)
            for identity in await self._exit(channel, process):
                await self.changed(channel, identity, False)
        await self._commands.send("DEL", self._keys.process(process))
        await self._commands.send("ZREM", self._keys.processes, process)
        if names:
            log.info("a process is gone; its members have left", process=process)


def _identity(name: Any) -> Identity:
    kind, _, identity_id = name.decode().partition(":")
    return Identity(identity_id, cast(Kind, kind), ())


async def _tell_nobody(_channel: Channel, _identity: Identity, _joined: bool) -> None: ...

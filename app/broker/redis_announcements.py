"""Announcements of all processes, in Redis."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from app.broker.announcements import Arrival, Departure, Departures
from app.broker.keys import PRESENCE_SECONDS, Keys
from app.broker.redis_log import LUA
from app.broker.redis_statuses import overdue
from app.broker.unreadable import Unreadable, identity_of
from app.core.channel import Channel
from app.core.identity import Identity
from app.redis.commands import ANSWER_SECONDS, Commands
from app.redis.scripts import load_script

ARRIVE, CONFIRM, DEPART, DEPARTURES = (
    load_script(LUA, name) for name in ("arrive", "confirm", "depart", "departures")
)
_EXPIRY: Final = int(PRESENCE_SECONDS)


class RedisAnnouncements:
    """See `Announcements`."""

    def __init__(self, commands: Commands, keys: Keys, unreadable: Unreadable) -> None:
        self._unreadable = unreadable
        self._commands = commands
        self._keys = keys

    async def arrive(self, channel: Channel, identity: Identity, absence: float) -> Arrival | None:
        arrival: list[bytes] | None = await self._commands.run(
            ARRIVE,
            [self._keys.announced(channel), self._keys.announcing(channel)],
            [
                *(self._commands.deadline(), identity.key, int(absence * 1000), _EXPIRY),
                secrets.token_hex(8),
            ],
        )
        return None if arrival is None else Arrival(*(mark.decode() for mark in arrival))

    async def confirm(self, channel: Channel, identity: Identity, mark: str) -> None:
        await self._commands.run(CONFIRM, [self._keys.announcing(channel)], [identity.key, mark])

    async def depart(self, channel: Channel, identity: Identity) -> None:
        # First, so that a process that is killed now is stood in for.
        now_ms = self._commands.deadline() - int(ANSWER_SECONDS * 1000)  # of Redis's clock
        await self._commands.send("ZADD", self._keys.departures, now_ms, str(channel))
        await self._commands.run(DEPART, self._of(channel), [identity.key, _EXPIRY])

    async def departures(
        self, channel: Channel, absence: float, told: Sequence[Departure] = ()
    ) -> Departures:
        names = [name for one in told for name in (one.identity.key, one.mark)]
        wait_ms, *rest = await self._commands.run(
            DEPARTURES,
            [*self._of(channel), self._keys.announcing(channel)],
            [int(absence * 1000), *names],
        )
        due = []
        for key, mark, untold in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
            if (identity := identity_of(key)) is not None:
                due.append(Departure(identity, mark.decode(), untold.decode()))
            else:
                self._unreadable.tell("departure", channel)
                await self._commands.send("ZREM", self._keys.announced(channel), key)
        if not due and not wait_ms:
            await self._commands.send("ZREM", self._keys.departures, str(channel))
        return Departures(due, wait_ms / 1000)

    async def overdue(self, seconds: float) -> list[Channel]:
        return await overdue(self._commands, self._keys.departures, seconds, self._unreadable)

    def _of(self, channel: Channel) -> list[str]:
        return [self._keys.announced(channel), self._keys.joined(channel)]

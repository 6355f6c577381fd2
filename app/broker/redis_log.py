"""History of channels in Redis: for each a head (epoch and newest offset) and a stream."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from app.broker.keys import LEAST_HISTORY_SECONDS, Keys
from app.broker.record import decode_entry
from app.core.channel import Channel
from app.core.epoch import name_epoch
from app.core.history import HistoryOptions, Page, Position
from app.core.message import Publication
from app.redis.commands import Commands
from app.redis.scripts import load_script

_PROCESS: Final = secrets.token_hex(6)
_numbers: Final = itertools.count()
LUA: Final = Path(__file__).parent / "lua"
RECOVER, INVALIDATE = (load_script(LUA, name) for name in ("recover", "invalidate"))


class RedisLog:
    """Reads history.

    Args:
        history: its size and age. Redis keeps the keys for at least twice the recovery time, so
            that the positions of those who come back stay valid.
        clock: seconds since 1970.
    """

    def __init__(
        self, commands: Commands, keys: Keys, history: HistoryOptions, clock: Callable[[], float]
    ) -> None:
        self.size = history.size
        self._least_seconds = max(2 * history.recovery_seconds, LEAST_HISTORY_SECONDS)
        self._commands = commands
        self._keys = keys
        self._seconds = history.seconds
        self._clock = clock

    @property
    def expiry_ms(self) -> int:
        """How long Redis keeps a channel's keys that aren't renewed, in ms; 0: for ever."""
        return int(max(self._seconds, self._least_seconds) * 1000) if self._seconds else 0

    @property
    def oldest(self) -> float | None:
        """The instant up to which messages have expired, in seconds since 1970, if any do."""
        return self._clock() - self._seconds if self._seconds else None

    async def read(
        self, channel: Channel, since: Position | None, limit: int
    ) -> tuple[Position, list[Publication]]:
        """Return the channel's position, and what follows `since` if that is of the same epoch.

        Else the newest `limit` messages follow (-1: all).
        """
        offset, epoch = (since.offset, since.epoch) if since is not None else (-1, "")
        head, newest, entries = await self._commands.run(
            RECOVER,
            [self._keys.head(channel), self._keys.log(channel)],
            [new_epoch(), offset, epoch, limit, self.expiry_ms],
        )
        position = Position(newest, head.decode())
        return position, self._decode(position, entries)

    async def page(self, channel: Channel, before: int | None, limit: int) -> Page:
        """As `Broker.history`."""
        head, _ = await self.read(channel, None, 0)
        newest = head.offset if before is None else min(before - 1, head.offset)
        entries = await self._commands.send(
            "XREVRANGE", self._keys.log(channel), f"{newest}-0", "-", "COUNT", limit + 1
        )
        publications = self._decode(head, entries)
        return Page(head, publications[-limit:], more=len(publications) > limit)

    async def beginning(self, channel: Channel) -> Position:
        """Return the position at which the channel's epoch begins; history before it is older."""
        epoch, offset = await self._commands.send(
            "HMGET", self._keys.head(channel), "epoch", "beginning"
        )
        return Position(int(offset or 0), (epoch or b"").decode())

    async def invalidate(self, channel: Channel, epoch: str) -> None:
        """Give a channel a new epoch, if it is still in this one."""
        await self._commands.run(INVALIDATE, [self._keys.head(channel)], [epoch, new_epoch()])

    def _decode(self, head: Position, entries: list[Any]) -> list[Publication]:
        """Return the publications of a stream's entries, in order.

        Those that history should no longer have are left out: Redis trims lazily.
        """
        oldest = self.oldest
        publications = [
            publication
            for publication in map(decode_entry, entries)
            if (publication.offset or 0) > head.offset - self.size
            and (oldest is None or publication.published_at > oldest)
        ]
        publications.sort(key=lambda publication: publication.offset or 0)
        return publications


def missed(
    head: Position, since: Position | None, publications: list[Publication]
) -> list[Publication] | None:
    """Return `publications` if they are exactly those from `since` to `head`."""
    if since is None or since.epoch != head.epoch or since.offset > head.offset:
        return None
    return publications if len(publications) == head.offset - since.offset else None


def new_epoch() -> str:
    """Return a name that no epoch has had."""
    # Each publish brings one in case the channel has none, so it must be cheap: a counter.
    return name_epoch(time.time(), f"{_PROCESS}{next(_numbers):x}")

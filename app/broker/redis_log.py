"""History of channels in Redis: for each a head (epoch and newest offset) and a stream."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from pathlib import Path
from typing import Any, Final

from app.broker.keys import LEAST_HISTORY_SECONDS, Keys
from app.broker.record import decode_entries
from app.core.channel import Channel
from app.core.epoch import name_epoch
from app.core.history import HistoryOptions, Page, Position, Recovery
from app.core.message import Publication, in_order
from app.redis.commands import Argument, Commands
from app.redis.scripts import Script, load_script

#: Reads whose replies may be on their way at a time: those to all other commands wait for them.
MOST_READS: Final = 16
_PROCESS: Final = secrets.token_hex(6)
_numbers: Final = itertools.count()
LUA: Final = Path(__file__).parent / "lua"
RECOVER: Final = load_script(LUA, "trim", "recover")
PAGE, INVALIDATE = (load_script(LUA, name) for name in ("page", "invalidate"))


class RedisLog:
    """Reads history.

    Args:
        history: its size and age, by Redis's clock. Redis keeps the keys for at least twice the
            recovery time, so that the positions of those who come back stay valid.
    """

    def __init__(self, commands: Commands, keys: Keys, history: HistoryOptions) -> None:
        self.size = history.size
        #: The age at which messages expire; 0: never.
        self.seconds = history.seconds
        self._least_seconds = max(2 * history.recovery_seconds, LEAST_HISTORY_SECONDS)
        self._commands = commands
        self._keys = keys
        self._reading = asyncio.Semaphore(MOST_READS)

    @property
    def expiry_ms(self) -> int:
        """How long Redis keeps a channel's keys that aren't renewed, in ms; 0: for ever."""
        return int(max(self.seconds, self._least_seconds) * 1000) if self.seconds else 0

    async def recover(
        self,
        channel: Channel,
        since: Position | None,
        limit: int | None,
        most_bytes: int | None = None,
    ) -> tuple[Position, Recovery]:
        """Return the channel's newest position, and what `Broker.recover` returns."""
        offset, epoch = (since.offset, since.epoch) if since is not None else (-1, "")
        if limit is None:
            limit = -1 if since is not None else 0
        name, newest, recovered, following, entries = await self._read(
            RECOVER,
            channel,
            *(new_epoch(), offset, epoch, limit, self.expiry_ms),
            *(self.size, self.seconds, most_bytes or 0),
        )
        head = Position(newest, name.decode())
        decoded = decode_entries(channel, entries)
        publications = in_order(decoded, offset if recovered else None)
        reached = int(entries[-1][0].partition(b"-")[0]) if following else newest
        position = Position(reached, head.epoch)
        return head, Recovery(position, publications, bool(recovered), following, newest)

    async def page(
        self, channel: Channel, before: int | None, limit: int, most_bytes: int | None = None
    ) -> Page:
        """As `Broker.history`."""
        epoch, offset, more, entries = await self._read(
            PAGE,
            channel,
            *(new_epoch(), "" if before is None else before, limit),
            *(self.size, self.seconds, most_bytes or 0),
        )
        publications = in_order(decode_entries(channel, reversed(entries)), None)
        return Page(Position(offset, epoch.decode()), publications, bool(more))

    async def entry(self, channel: Channel, offset: int) -> Publication | None:
        """Return the message at an offset, if it is still there."""
        async with self._reading:
            found: list[Any] = await self._commands.send(
                "XRANGE", self._keys.log(channel), f"{offset}-0", f"{offset}-0"
            )
        return next(decode_entries(channel, found), None)

    async def _read(self, script: Script, channel: Channel, *arguments: Argument) -> Any:
        async with self._reading:
            keys = [self._keys.head(channel), self._keys.log(channel)]
            return await self._commands.run(script, keys, arguments)

    async def beginning(self, channel: Channel) -> Position:
        """Return the position at which the channel's epoch begins; history before it is older."""
        epoch, offset = await self._commands.send(
            "HMGET", self._keys.head(channel), "epoch", "beginning"
        )
        return Position(int(offset or 0), (epoch or b"").decode())

    async def invalidate(self, channel: Channel, epoch: str) -> None:
        """Give a channel a new epoch, if it is still in this one."""
        await self._commands.run(INVALIDATE, [self._keys.head(channel)], [epoch, new_epoch()])


def new_epoch() -> str:
    """Return a name that no epoch has had."""
    # Each publish brings one in case the channel has none, so it must be cheap: a counter.
    return name_epoch(time.time(), f"{_PROCESS}{next(_numbers):x}")

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
from app.broker.unreadable import Unreadable
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
RECOVER, PAGE = (load_script(LUA, "stream", "history", name) for name in ("recover", "page"))
INVALIDATE: Final = load_script(LUA, "invalidate")


class RedisLog:
    """Reads history.

    Args:
        history: its bounds; messages expire by Redis's clock. Redis keeps the keys for at least
            twice the recovery time, so that the positions of those who come back stay valid.
    """

    def __init__(
        self, commands: Commands, keys: Keys, history: HistoryOptions, unreadable: Unreadable
    ) -> None:
        self._unreadable = unreadable
        #: As scripts read them: messages, their bytes, and their age in seconds.
        self.bounds = (history.size, history.most_bytes, history.seconds)
        least_seconds = max(2 * history.recovery_seconds, LEAST_HISTORY_SECONDS)
        #: For how long a channel is remembered that was joined, in ms.
        self.least_ms = int(least_seconds * 1000)
        #: For how long one is that has a message, in ms; 0: for ever.
        self.expiry_ms = int(max(history.seconds, least_seconds) * 1000) if history.seconds else 0
        self._commands = commands
        self._keys = keys
        self._reading = asyncio.Semaphore(MOST_READS)

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
            *(new_epoch(), offset, epoch, limit, self.least_ms),
            *(*self.bounds, most_bytes or 0),
        )
        head = Position(newest, name.decode(errors="replace"))
        decoded = decode_entries(channel, entries, self._unreadable)
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
            *(*self.bounds, most_bytes or 0),
        )
        decoded = decode_entries(channel, reversed(entries), self._unreadable)
        position = Position(offset, epoch.decode(errors="replace"))
        return Page(position, in_order(decoded, None), bool(more))

    async def entry(self, channel: Channel, offset: int) -> Publication | None:
        """Return the message at an offset, if it is still there."""
        async with self._reading:
            found: list[Any] = await self._commands.send(
                "XRANGE", self._keys.log(channel), f"{offset}-0", f"{offset}-0"
            )
        return next(decode_entries(channel, found, self._unreadable), None)

    async def _read(self, script: Script, channel: Channel, *arguments: Argument) -> Any:
        async with self._reading:
            keys = [self._keys.head(channel), self._keys.log(channel)]
            return await self._commands.run(script, keys, arguments)

    async def beginning(self, channel: Channel) -> Position:
        """Return the position at which the channel's epoch begins; history before it is older."""
        epoch, offset = await self._commands.send(
            "HMGET", self._keys.head(channel), "epoch", "beginning"
        )
        beginning = int(offset) if offset is not None and offset.isdigit() else 0
        return Position(beginning, (epoch or b"").decode(errors="replace"))

    async def invalidate(self, channel: Channel, epoch: str) -> None:
        """Give a channel a new epoch, if it is still in this one."""
        await self._commands.run(INVALIDATE, [self._keys.head(channel)], [epoch, new_epoch()])


def new_epoch() -> str:
    """Return a name that no epoch has had."""
    # Each publish brings one in case the channel has none, so it must be cheap: a counter.
    return name_epoch(time.time(), f"{_PROCESS}{next(_numbers):x}")

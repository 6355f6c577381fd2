"""What is kept of channels in Redis: a head (epoch and newest offset) and a stream for each."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from app.broker.keys import LEAST_HISTORY_SECONDS, Keys
from app.broker.record import decode_entry
from app.core.channel import Channel
from app.core.history import HistoryOptions, Page, Position
from app.core.message import Publication
from app.redis.commands import Commands
from app.redis.scripts import load_script

_PROCESS: Final = secrets.token_hex(6)
_numbers: Final = itertools.count()
LUA: Final = Path(__file__).parent / "lua"
RECOVER, INVALIDATE = (load_script(LUA, name) for name in ("recover", "invalidate"))


class RedisLog:
    """Read history.

    Args:
        history: what is kept; Redis keeps it at least twice as long as recovery takes, so that who
            comes back knows where it was.
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
        """How long Redis keeps what isn't renewed; 0: for ever."""
        return int(max(self._seconds, self._least_seconds) * 1000) if self._seconds else 0

    @property
    def oldest(self) -> float | None:
        """The instant before which messages have aged, in seconds since 1970, if any."""
        return self._clock() - self._seconds if self._seconds else None

    async def read(
        self, channel: Channel, since: Position | None, limit: int
    ) -> tuple[Position, list[Publication]]:
        """Return the newest position, and what follows `since` if it is of the same epoch; else
        the newest `limit` messages (-1: all)."""
        offset, epoch = (since.offset, since.epoch) if since is not None else (-1, "")
        head, newest, entries = await self._commands.run(
            RECOVER,
            [self._keys.head(channel), self._keys.log(channel)],
            [new_epoch(), offset, epoch, limit, self.expiry_ms],
        )
        position = Position(newest, head.decode())
        return position, self._kept(position, entries)

    async def page(self, channel: Channel, before: int | None, limit: int) -> Page:
        """As `Broker.history`."""
        head, _ = await self.read(channel, None, 0)
        newest = head.offset if before is None else min(before - 1, head.offset)
        entries = await self._commands.send(
            "XREVRANGE", self._keys.log(channel), f"{newest}-0", "-", "COUNT", limit + 1
        )
        publications = self._kept(head, entries)
        return Page(head, publications[-limit:], more=len(publications) > limit)

    async def beginning(self, channel: Channel) -> Position:
        """Return where the channel's epoch begins: what is kept up to there is of an older one."""
        epoch, offset = await self._commands.send(
            "HMGET", self._keys.head(channel), "epoch", "beginning"
        )
        return Position(int(offset or 0), (epoch or b"").decode())

    async def invalidate(self, channel: Channel, epoch: str) -> None:
        """Give a channel a new epoch, if it still has this one."""
        await self._commands.run(INVALIDATE, [self._keys.head(channel)], [epoch, new_epoch()])

    def _kept(self, head: Position, entries: list[Any]) -> list[Publication]:
        """Return those entries of a stream that are to be kept, in order.

        Redis trims a little later than it was told to.
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
    # Each publish brings one, in case that the channel has none: no randomness for each.
    return f"{_PROCESS}{next(_numbers):x}"

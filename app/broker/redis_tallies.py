"""Tallies of all processes, by Redis's pub/sub: nothing of them is kept there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import orjson

from app.broker.keys import Keys
from app.broker.tallies import TallyEvents
from app.core.errors import Unavailable
from app.core.quota import Tally
from app.redis.commands import Commands
from app.redis.replies import ReplyError
from app.redis.subscriptions import Subscriptions

#: A process that has told nothing for so long is gone.
SILENT_SECONDS: Final = 4.0
_FIELDS: Final = len(Tally._fields)


class RedisTallies:
    """See `Tallies`.

    A message is `[process, begins, {name: [connections, used, wants, left, heavy]}]`. `begins` is
    true where the process begins anew, and null in its last message.

    Args:
        process: the unique name of this process.
    """

    def __init__(
        self,
        commands: Commands,
        subscriptions: Subscriptions,
        keys: Keys,
        process: str,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._commands = commands
        self._subscriptions = subscriptions
        self._channel = keys.tallies
        self._process = process
        self._silent_seconds = silent_seconds
        self._events: TallyEvents
        self._heard_at: dict[str, float] = {}
        self._told_at: float | None = None
        self._begins = False
        # Whether what was told last may be lost: then all of it is told again once Redis is back.
        self._lost = False

    def start(self, events: TallyEvents) -> None:
        self._events = events
        self._subscriptions.listen(self._channel, self._on_message)
        self._subscriptions.on_regained(self._on_regained)

    async def tell(self, tallies: Mapping[str, Tally]) -> None:
        now = asyncio.get_running_loop().time()
        if self._told_at is not None and now - self._told_at > self._silent_seconds / 2:
            self._begins = self._lost = True  # it was suspended: others may take it for gone
        self._forget_silent(now)
        told = {name: tuple(tally) for name, tally in tallies.items()}
        message = orjson.dumps([self._process, self._begins, told])
        try:
            await self._commands.send("PUBLISH", self._channel, message)
        except (Unavailable, ReplyError):
            self._begins = self._lost = True
            raise Unavailable from None
        self._told_at = asyncio.get_running_loop().time()
        self._begins = False
        if self._lost:
            self._lost = False
            self._events.on_missed()

    def close(self) -> None:
        message = orjson.dumps([self._process, None, {}])
        with suppress(Unavailable):  # they notice by themselves
            sent = self._commands.send("PUBLISH", self._channel, message)
            sent.add_done_callback(lambda future: future.exception())

    def _on_regained(self) -> None:
        self._begins = True
        self._events.on_missed()

    def _forget_silent(self, now: float) -> None:
        for process, heard_at in list(self._heard_at.items()):
            if now - heard_at > self._silent_seconds:
                del self._heard_at[process]
                self._events.on_gone(process)

    def _on_message(self, message: bytes) -> None:
        process, begins, tallies, *_ = orjson.loads(message)
        if process == self._process:
            return
        self._heard_at[process] = asyncio.get_running_loop().time()
        if begins is None:
            del self._heard_at[process]
            self._events.on_gone(process)
        elif begins:
            self._events.on_anew(process)
        if tallies:
            # A process of a later version may tell more.
            told = {name: Tally(*tally[:_FIELDS]) for name, tally in tallies.items()}
            self._events.on_tallies(process, told)

"""Canary: checks that what is published in Redis comes back to this process."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

import structlog

from app.core.clock import isoformat
from app.core.errors import Unavailable
from app.redis.commands import Commands
from app.redis.subscriptions import Subscriptions

log = structlog.get_logger("hearth.redis")


@dataclass(frozen=True, slots=True)
class CanaryTimes:
    """All in seconds.

    Args:
        interval: between two numbers.
        retry: the same, while none comes back.
        lost: the canary is dead when nothing has come back for so long.
        drop: the connection for subscriptions is dropped after so long.
    """

    interval: float = 1.0
    retry: float = 0.1
    lost: float = 3.0
    drop: float = 8.0


class Canary:
    """Publishes a number every second, and waits for it to come back.

    A missing number reveals that pub/sub lost messages though no connection was lost: a demoted
    master, for one, still accepts subscribers.

    Args:
        channel: a Redis channel of this process alone.
    """

    def __init__(
        self,
        commands: Commands,
        subscriptions: Subscriptions,
        channel: str,
        times: CanaryTimes | None = None,
    ) -> None:
        self.alive = False
        self._times = times or CanaryTimes()
        self._commands = commands
        self._subscriptions = subscriptions
        self._channel = channel
        self._sent = 0
        self._received = 0
        self._received_at = 0.0
        subscriptions.listen(channel, self._on_message)

    async def run(self) -> None:
        """Publish for ever."""
        loop = asyncio.get_running_loop()
        self._received_at = loop.time()
        while True:
            with suppress(Unavailable):
                self._commands.send("PUBLISH", self._channel, self._sent + 1).add_done_callback(
                    lambda future: future.exception()
                )
                self._sent += 1
            pause = self._times.interval if self.alive else self._times.retry
            slept_at = loop.time()
            await asyncio.sleep(pause)
            # Else this process was suspended itself.
            if loop.time() - slept_at < pause + self._times.lost / 2:
                self._check(loop.time())

    def _check(self, now: float) -> None:
        silent = now - self._received_at
        if self.alive and silent > self._times.lost:
            self.alive = False
            since = isoformat(time.time() - silent)
            log.error("nothing comes back from Redis", since=since)
        if silent > self._times.drop and self._commands.ready:
            self._received_at = now  # drop again only after as long
            self._subscriptions.drop()

    def _on_message(self, data: bytes) -> None:
        if not data.isdigit():
            return  # somebody else's
        self._received_at = asyncio.get_running_loop().time()
        previous, self._received = self._received, int(data)
        if self._received != previous + 1 and previous:
            self._subscriptions.suspect()
        if not self.alive:
            self.alive = True
            log.info("what is published in Redis comes back")

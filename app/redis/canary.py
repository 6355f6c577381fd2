"""See whether what is published in Redis comes back to this process."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

import structlog

from app.core.clock import isoformat
from app.core.errors import Unavailable
from app.redis.commands import Commands
from app.redis.subscriptions import Subscriptions

SEND_SECONDS: Final = 1.0
_FIRST_SECONDS: Final = 0.1
#: A round trip that takes longer has stopped.
LOST_SECONDS: Final = 3.0
#: The connection for subscriptions is dropped when nothing has come back for so long.
DROP_SECONDS: Final = 8.0

log = structlog.get_logger("hearth.redis")


class Canary:
    """Publish a number every second, and wait for it.

    A number that is left out tells that something was lost on the way, also where no connection
    was: a master that is none any more still takes subscribers.

    Args:
        channel: a Redis channel of this process alone.
    """

    def __init__(self, commands: Commands, subscriptions: Subscriptions, channel: str) -> None:
        self.alive = False
        self._commands = commands
        self._subscriptions = subscriptions
        self._channel = channel
        self._sent = 0
        self._heard = 0
        self._heard_at = 0.0
        subscriptions.listen(channel, self._on_message)

    async def run(self) -> None:
        """Go on for ever."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        while True:
            with suppress(Unavailable):
                self._commands.send("PUBLISH", self._channel, self._sent + 1).add_done_callback(
                    lambda future: future.exception()
                )
                self._sent += 1
            pause = SEND_SECONDS if self.alive else _FIRST_SECONDS
            slept_at = loop.time()
            await asyncio.sleep(pause)
            if loop.time() - slept_at < pause + LOST_SECONDS / 2:  # else it is us who stood still
                self._check(loop.time())

    def _check(self, now: float) -> None:
        silent = now - self._heard_at
        if self.alive and silent > LOST_SECONDS:
            self.alive = False
            since = isoformat(time.time() - silent)
            log.error("nothing comes back from Redis", since=since)
        if silent > DROP_SECONDS and self._commands.ready:
            self._heard_at = now  # once, and then again
            self._subscriptions.drop()

    def _on_message(self, data: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        heard, self._heard = self._heard, int(data)
        if self._heard != heard + 1 and heard:
            self._subscriptions.suspect()
        if not self.alive:
            self.alive = True
            log.info("what is published in Redis comes back")

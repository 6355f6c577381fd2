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

    Args:
        channel: a Redis channel of this process alone.
    """

    def __init__(self, commands: Commands, subscriptions: Subscriptions, channel: str) -> None:
        self.lives = False
        self._commands = commands
        self._subscriptions = subscriptions
        self._channel = channel
        self._heard_at = 0.0
        subscriptions.listen(channel, self._on_message)

    async def run(self) -> None:
        """Go on for ever."""
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        while True:
            with suppress(Unavailable):
                self._commands.send("PUBLISH", self._channel, "1").add_done_callback(
                    lambda future: future.exception()
                )
            await asyncio.sleep(SEND_SECONDS if self.lives else _FIRST_SECONDS)
            silent = loop.time() - self._heard_at
            if self.lives and silent > LOST_SECONDS:
                self.lives = False
                since = isoformat(time.time() - silent)
                log.error("nothing comes back from Redis", since=since)
            if silent > DROP_SECONDS and self._commands.ready:
                self._heard_at = loop.time()  # once, and then again
                self._subscriptions.drop()

    def _on_message(self, _data: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if not self.lives:
            self.lives = True
            log.info("what is published in Redis comes back")

"""Reconnecting link: a connection to Redis that is opened again whenever it is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import structlog

from app.redis.connector import FAILURES, Connector, Link
from app.tasks import Tasks

RETRY_SECONDS: Final = 0.2
#: A connection that was open for so long is opened again at once when it is lost.
STEADY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 1.0

log = structlog.get_logger("hearth.redis")


class ReconnectingLink:
    """The base of commands and subscriptions.

    Args:
        connector: opens the connection.
        purpose: what the connection is for, in logs.
        lost: counts lost connections, by purpose.
    """

    def __init__(
        self, connector: Connector, purpose: str, lost: Counter[str] | None = None
    ) -> None:
        self.link: Link | None = None
        #: Set once the first attempt to connect is over, whatever has come of it.
        self.attempted = asyncio.Event()
        self._connector = connector
        self._purpose = purpose
        self._lost = Counter[str]() if lost is None else lost
        self._tasks = Tasks(f"connection to Redis for {purpose}")

    async def start(self) -> None:
        """Begin to connect; return at once."""
        self._tasks.add(self._reconnect())

    async def close(self) -> None:
        """Close the connection for good."""
        link = self.link
        await self._tasks.cancel()
        if link is not None:
            with suppress(TimeoutError):
                await link.closed()
        await self._connector.close()

    def drop(self) -> None:
        """Drop the connection, which is broken; another one is opened."""
        if self.link is not None:
            self.link.abort()

    # To be overridden

    async def on_open(self, link: Link) -> None:
        """Handle that the connection is open, before `link` is set."""

    def on_reply(self, reply: Any) -> None:
        """Handle a reply or a pushed message."""

    def on_lost(self) -> None:
        """Handle that the connection is lost."""

    async def _reconnect(self) -> None:
        loop = asyncio.get_running_loop()
        wait = RETRY_SECONDS
        while True:
            link = None
            try:
                link = await self._connector.open(self.on_reply)
                await self.on_open(link)
                self.link = link
                self.attempted.set()
                self._connector.note_open(self._purpose)
                opened_at = loop.time()
                wait = RETRY_SECONDS
                await link.lost
                self._lost[self._purpose] += 1
                if loop.time() - opened_at > STEADY_SECONDS:
                    wait = 0.0
                raise ConnectionResetError("the connection was lost")
            except FAILURES as error:
                self._connector.note_failure(self._purpose, error)
            except Exception as error:
                log.exception("a connection to Redis failed", purpose=self._purpose)
                self._connector.note_failure(self._purpose, error)
            finally:
                self.attempted.set()
                self.link = None
                if link is not None:
                    link.abort()
                self.on_lost()
            await asyncio.sleep(wait)
            wait = min(max(2 * wait, RETRY_SECONDS), LONGEST_RETRY_SECONDS)

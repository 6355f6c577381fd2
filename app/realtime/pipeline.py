"""The order of one connection's requests: one after the other, but for publishes, which follow one
another without waiting for the broker's answers (pipelining)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.realtime.client import ClientHandler, Request
from app.transport.connection import Connection
from app.transport.work import Work

# Further ones wait, and so does whoever sends them, as long as Redis lags behind.
MOST_IN_FLIGHT: Final = 64


class Pipeline:
    """Takes the requests of one connection, each when it may be handled.

    One that takes time has the next one wait. Only what is published goes on its way to Redis right
    behind what was published before it: its place in the order is settled by that, and the answers
    come in the same order. Whatever else is asked for waits for all of them.
    """

    __slots__ = ("_connection", "_in_flight", "_last", "_work")

    def __init__(self, connection: Connection, work: Work) -> None:
        self._connection = connection
        self._work = work
        self._in_flight = 0
        self._last: asyncio.Future[Any] | None = None

    def take(self, handler: ClientHandler, request: Request) -> None:
        """Handle a request, now or as soon as it may."""
        last = self._last
        if last is not None and (
            self._in_flight >= MOST_IN_FLIGHT or not handler.publishes(request.event)
        ):
            self._work.begin(self._connection, _after(last, handler, request))
            return
        pending = handler.on_request(request)
        if pending is None:
            return
        if isinstance(pending, asyncio.Future):
            self._in_flight += 1
            self._last = pending
            self._work.keep(pending, self._on_published)
        else:
            self._work.begin(self._connection, pending)

    def _on_published(self, _published: asyncio.Future[Any]) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._last = None


async def _after(last: asyncio.Future[Any], handler: ClientHandler, request: Request) -> None:
    await asyncio.wait([last])
    pending = handler.on_request(request)
    if pending is not None:
        await pending

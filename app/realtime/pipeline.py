"""The pipeline: a connection's requests in order, and publishes without waiting for acks."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.realtime.client import ClientHandler, Request
from app.transport.connection import Connection
from app.transport.work import Work

# More publishes than this wait: backpressure on clients while Redis lags behind.
MOST_IN_FLIGHT: Final = 64


class Pipeline:
    """The pipeline of one connection.

    A request waits until the one before it is done. Only a publish that follows publishes is sent
    to Redis at once: that settles its place in the order, and the acks come in the same order. Any
    other request waits for all publishes before it.
    """

    __slots__ = ("_connection", "_in_flight", "_last", "_work")

    def __init__(self, connection: Connection, work: Work) -> None:
        self._connection = connection
        self._work = work
        self._in_flight = 0
        self._last: asyncio.Future[Any] | None = None

    def submit(self, handler: ClientHandler, request: Request) -> None:
        """Handle a request, now or when the requests before it are done."""
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

"""Whose turn it is: a connection's requests are handled in the order sent."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.engine.session import Connection
from app.realtime.request import Request, RequestHandler
from app.transport.work import Work

# Further ones wait, and so does whoever sends them, as long as Redis lags behind.
MOST_UNDER_WAY: Final = 64


class Turns:
    """Take requests, each when it is its turn.

    One that takes time has the next one wait. Only what is published goes on its way to Redis right
    behind what was published before it: its place in the order is settled by that, and the answers
    come in the same order. Whatever else is asked for waits for all of them.
    """

    def __init__(self, work: Work) -> None:
        self._work = work

    def take(
        self, connection: Connection, handler: RequestHandler, sid: str, request: Request
    ) -> None:
        """Handle a request, now or as soon as it may."""
        last = connection.last_publish
        if last is not None and (
            connection.under_way >= MOST_UNDER_WAY or not handler.publishes(request.event)
        ):
            self._work.begin(connection, _after(last, handler, sid, request))
            return
        pending = handler.on_request(sid, request)
        if isinstance(pending, asyncio.Future):
            self._let_go(connection, pending)
        elif pending is not None:
            self._work.begin(connection, pending)

    def _let_go(self, connection: Connection, published: asyncio.Future[Any]) -> None:
        def end(_published: asyncio.Future[Any]) -> None:
            connection.under_way -= 1
            if not connection.under_way:
                connection.last_publish = None

        connection.under_way += 1
        connection.last_publish = published
        self._work.keep(published, end)


async def _after(
    last: asyncio.Future[Any], handler: RequestHandler, sid: str, request: Request
) -> None:
    await asyncio.wait([last])
    pending = handler.on_request(sid, request)
    if pending is not None:
        await pending

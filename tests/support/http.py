"""HTTP connections of a server of the test's own, and their times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.transport.http_connection import HttpConnection
from app.transport.http_deadlines import HttpTimes
from tests.support.poller import Poller
from tests.support.raw import RawConnection, raw_http
from tests.support.ready import until

POLL = "/socket.io/?EIO=4&transport=polling"
LONG = 1000.0

ServeWith = Callable[[HttpTimes], Awaitable[TestServer]]


def times(**seconds: float) -> HttpTimes:
    """Return times of which only those that are given can be over."""
    return HttpTimes(LONG, LONG, LONG, LONG, LONG)._replace(**seconds)


def connections(server: TestServer) -> list[HttpConnection]:
    assert isinstance(server.runner, web.AppRunner)
    assert server.runner._server is not None
    return [one for one in server.runner._server.connections if isinstance(one, HttpConnection)]


@asynccontextmanager
async def posting(server: TestServer, *headers: str) -> AsyncIterator[RawConnection]:
    """A session's POST, whose body is still to come."""
    async with aiohttp.ClientSession() as session, raw_http(server) as connection:
        poller = await Poller(session, server).open()
        connection.write_head("POST", f"{POLL}&sid={poller.sid}", *headers)
        await until(lambda: any(one._body is not None for one in connections(server)))
        await until(lambda: not arriving(server)._body_held)
        yield connection


def arriving(server: TestServer) -> HttpConnection:
    [connection] = [one for one in connections(server) if one._body is not None]
    return connection

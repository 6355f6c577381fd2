"""Fixtures: raw connections, and everything that is logged meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import aiohttp
import pytest
import structlog
from aiohttp.test_utils import TestServer

from app.engine.session import Connection
from tests.realtime.wire import Wire
from tests.support.transport import RecordingEvents, new_connection

OpenWire = Callable[[], Awaitable[Wire]]
BAD_PACKET = "closed a connection that broke the protocol"


class Logs:
    """What Hearth logs, and what the libraries do."""

    def __init__(
        self, lines: list[structlog.typing.EventDict], caplog: pytest.LogCaptureFixture
    ) -> None:
        self.lines = lines
        self._caplog = caplog

    def events(self) -> list[str]:
        """Return the texts of all lines: ours, then the libraries' warnings and errors."""
        others = [one for one in self._caplog.records if one.levelno >= logging.WARNING]
        return [line["event"] for line in self.lines] + [one.getMessage() for one in others]

    def tracebacks(self) -> list[str]:
        """Return the texts of the lines that came with an exception."""
        ours = [line["event"] for line in self.lines if "exception" in line]
        return ours + [one.getMessage() for one in self._caplog.records if one.exc_info]


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[Logs]:
    """Record what is logged during the test."""
    processors = [structlog.processors.format_exc_info]
    with structlog.testing.capture_logs(processors) as lines:
        yield Logs(lines, caplog)


@pytest.fixture
def events() -> RecordingEvents:
    """What connections tell of."""
    return RecordingEvents()


@pytest.fixture
def connection(events: RecordingEvents) -> Connection:
    """A session that polls."""
    return new_connection(events)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def open_wire(server: TestServer, session: aiohttp.ClientSession) -> AsyncIterator[OpenWire]:
    """Return a function that opens a raw Engine.IO connection to `server`."""
    wires: list[Wire] = []

    async def open_one() -> Wire:
        wires.append(await Wire.open(session, server))
        return wires[-1]

    yield open_one
    await asyncio.gather(*(wire.close() for wire in wires))

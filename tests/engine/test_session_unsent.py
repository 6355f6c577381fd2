"""The limit of unsent bytes: of a session that polls, moves, or waits for a CONNECT reply."""

from __future__ import annotations

import asyncio

import pytest

from app.core.closing import Closing
from app.engine.session import EngineSession
from app.transport.frames import TEXT, encode
from app.transport.websocket import WebSocket
from tests.support.session import RecordingHandler, open_websocket
from tests.support.transport import RecordingTransport

LIMIT = 1000  # unsent bytes, of `new_connection`


async def test_who_does_not_poll_is_cut_off_by_what_follows_the_limit(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    connection.send("4" + "x" * 5 * LIMIT)  # one message may be larger than the limit
    connection.send("4small")
    await asyncio.sleep(0)
    assert not connection.closed
    connection.send("4" + "x" * LIMIT)
    connection.send("4b")
    assert handler.closed == []  # a room is iterating over its members
    await asyncio.sleep(0)
    assert handler.closed == [Closing.SLOW]
    assert await connection.poll() == "1"  # nothing of it is kept


async def test_who_polls_is_never_cut_off(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    for _number in range(10):
        connection.send("4" + "x" * 2 * LIMIT)
        assert len(await connection.poll()) == 2 * LIMIT + 1
    assert handler.closed == []


async def test_a_limit_that_is_passed_while_a_namespace_connects_is_remembered(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    transport = open_websocket(connection)
    connection.hold_writes()
    transport.unsent_bytes = 5 * LIMIT
    connection.on_unsent(over_limit=True)
    connection.send("4" + "x" * 2 * LIMIT)
    connection.release_writes(encode(TEXT, b"4a"))
    await asyncio.sleep(0)
    assert handler.closed == [Closing.SLOW]


async def test_what_was_buffered_for_a_poll_counts_after_the_move(
    connection: EngineSession, handler: RecordingHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = RecordingTransport()
    socket = WebSocket(1000, LIMIT, transport)

    def write(data: bytes) -> None:  # as asyncio's transports do
        transport.unsent_bytes += len(data)
        if transport.unsent_bytes > LIMIT:
            socket.pause_writing()

    monkeypatch.setattr(socket, "write", write)
    connection.send("4" + "x" * 2 * LIMIT)
    connection.open_socket(socket)
    connection.send("4" + "x" * 2 * LIMIT)
    await asyncio.sleep(0)
    assert handler.closed == [Closing.SLOW]

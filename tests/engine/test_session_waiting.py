"""What waits while a request of a session takes time, and what overtakes it."""

from __future__ import annotations

import asyncio

import pytest

from app.core.closing import Closing
from app.engine.session import EngineSession
from app.transport.flow import HIGH_WATERMARK
from tests.support.session import RecordingHandler


async def test_heartbeat_and_answers_do_not_wait(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    """A handler may be waiting for the answer."""
    handler.held = "4slow"
    for packet in ("4slow", "42[]", "43/chat,1[]", "3"):
        connection.receive(packet)
    assert handler.messages == ["4slow", "43/chat,1[]"]
    assert handler.pongs == 1


async def test_an_answer_in_pieces_overtakes_as_a_whole(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    handler.held = "4slow"
    for packet in ("4slow", "451-[]", b"event's", "461-1[]", b"answer's"):
        connection.receive(packet)
    assert handler.messages == ["4slow", "461-1[]", b"answer's"]
    connection.go_on()
    assert handler.messages[3:] == ["451-[]", b"event's"]


async def test_what_waited_waits_for_the_last_piece_of_an_answer(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    handler.held = "4slow"
    for packet in ("4slow", "4a", "461-1[]"):
        connection.receive(packet)
    connection.go_on()
    assert handler.messages == ["4slow", "461-1[]"]
    connection.receive(b"answer's")
    assert handler.messages == ["4slow", "461-1[]", b"answer's", "4a"]


async def test_a_client_that_closes_need_not_wait(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    handler.held = "4slow"
    for packet in ("4slow", "4a", "1"):
        connection.receive(packet)
    connection.go_on()
    assert handler.messages == ["4slow"]
    assert handler.closed == [Closing.CLIENT_DISCONNECT]


@pytest.fixture
def crowded(connection: EngineSession, handler: RecordingHandler) -> EngineSession:
    """A session behind whose slow message as much waits as may."""
    handler.held = "4slow"
    connection.receive("4slow")
    for _number in range(HIGH_WATERMARK):
        connection.receive("4slow")
    return connection


async def test_nobody_waits_for_one_slow_message(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    handler.held = "4slow"
    for packet in ("4slow", "4a", "4b"):
        connection.receive(packet)
    await connection._queue.until_room()
    assert handler.messages == ["4slow"]


async def test_one_can_wait_until_less_waits(
    crowded: EngineSession, handler: RecordingHandler
) -> None:
    waiting = [asyncio.ensure_future(crowded._queue.until_room()) for _waiter in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    crowded.go_on()
    await asyncio.gather(*waiting)
    assert handler.messages == ["4slow", "4slow"]


async def test_nobody_waits_for_a_connection_that_has_ended(crowded: EngineSession) -> None:
    waiting = asyncio.ensure_future(crowded._queue.until_room())
    await asyncio.sleep(0)
    crowded.close(Closing.SERVER_DISCONNECT)
    await waiting

"""What arrives while a request of the same session takes time waits its turn."""

from __future__ import annotations

import asyncio

import pytest

from app.core.closing import Closing
from app.engine.session import Connection
from app.transport.flow import MAX_WAITING
from tests.support.transport import (
    RecordingEvents,
    open_websocket,
)


async def test_what_arrives_while_something_takes_time_waits_in_order(
    connection: Connection, events: RecordingEvents
) -> None:
    events.held = "4slow"
    for packet in ("4a", "4slow", "4b", b"c", "4slow", "4d"):
        connection.receive(packet)
    assert events.messages == ["4a", "4slow"]
    connection.go_on()
    assert events.messages == ["4a", "4slow", "4b", b"c", "4slow"]
    connection.go_on()
    assert events.messages[5:] == ["4d"]
    connection.receive("4e")
    assert events.messages[6:] == ["4e"]


async def test_heartbeat_and_answers_do_not_wait(
    connection: Connection, events: RecordingEvents
) -> None:
    """A handler may be waiting for the answer."""
    events.held = "4slow"
    for packet in ("4slow", "42[]", "43/chat,1[]", "3"):
        connection.receive(packet)
    assert events.messages == ["4slow", "43/chat,1[]"]
    assert events.pongs == 1


async def test_an_answer_in_pieces_overtakes_as_a_whole(
    connection: Connection, events: RecordingEvents
) -> None:
    events.held = "4slow"
    for packet in ("4slow", "451-[]", b"event's"):
        connection.receive(packet)
    connection.receive("461-1[]")
    connection.assembly = "begun"  # as the server does
    connection.receive(b"answer's")
    connection.assembly = None
    assert events.messages == ["4slow", "461-1[]", b"answer's"]
    connection.go_on()
    assert events.messages[3:] == ["451-[]", b"event's"]


async def test_what_waited_waits_for_the_last_piece_of_an_answer(
    connection: Connection, events: RecordingEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_message = events.on_message

    def assemble(of: Connection, packet: str | bytes) -> None:
        on_message(of, packet)
        of.assembly = "begun" if packet == "461-1[]" else None

    monkeypatch.setattr(events, "on_message", assemble)
    events.held = "4slow"
    for packet in ("4slow", "4a", "461-1[]"):
        connection.receive(packet)
    connection.go_on()
    assert events.messages == ["4slow", "461-1[]"]
    connection.receive(b"answer's")
    assert events.messages == ["4slow", "461-1[]", b"answer's", "4a"]


async def test_a_client_that_closes_need_not_wait(
    connection: Connection, events: RecordingEvents
) -> None:
    events.held = "4slow"
    for packet in ("4slow", "4a", "1"):
        connection.receive(packet)
    connection.go_on()
    assert events.messages == ["4slow"]
    assert events.closed == [Closing.CLIENT_DISCONNECT]


async def test_a_bad_message_among_those_that_waited_ends_it(
    connection: Connection, events: RecordingEvents
) -> None:
    events.held = "4slow"
    for packet in ("4slow", "4a", "4bad", "4b"):
        connection.receive(packet)
    connection.go_on()
    assert events.messages == ["4slow", "4a", "4bad"]
    assert events.closed == [Closing.TRANSPORT_ERROR]


async def test_bytes_are_left_in_the_kernel_while_much_waits(
    connection: Connection, events: RecordingEvents
) -> None:
    transport = open_websocket(connection)
    events.held = "4slow"
    connection.on_text("4slow")
    for _number in range(MAX_WAITING - 1):
        connection.on_text("4a")
    assert transport.calls == []
    connection.on_text("4a")
    assert transport.calls == ["pause"]
    connection.go_on()
    assert transport.calls == ["pause", "resume"]
    assert len(events.messages) == 1 + MAX_WAITING


@pytest.fixture
def crowded(connection: Connection, events: RecordingEvents) -> Connection:
    """A session behind whose slow message as much waits as may."""
    events.held = "4slow"
    connection.receive("4slow")
    for _number in range(MAX_WAITING):
        connection.receive("4slow")
    return connection


async def test_nobody_waits_for_one_slow_message(
    connection: Connection, events: RecordingEvents
) -> None:
    events.held = "4slow"
    for packet in ("4slow", "4a", "4b"):
        connection.receive(packet)
    await connection.until_room()
    assert connection.busy


async def test_one_can_wait_until_less_waits(crowded: Connection) -> None:
    waiting = [asyncio.ensure_future(crowded.until_room()) for _waiter in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    crowded.go_on()
    await asyncio.gather(*waiting)
    assert crowded.busy


async def test_nobody_waits_for_a_connection_that_has_ended(crowded: Connection) -> None:
    waiting = asyncio.ensure_future(crowded.until_room())
    await asyncio.sleep(0)
    crowded.close(Closing.SERVER_DISCONNECT)
    await waiting

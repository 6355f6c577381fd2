"""One session: what it takes, holds, sends and ends with, on transports that only record."""

from __future__ import annotations

import asyncio

import pytest

from app.realtime.connection import Connection
from app.realtime.events import ProtocolError
from app.realtime.frames import BINARY, TEXT, encode
from app.realtime.inbox import MAX_WAITING
from tests.support.transport import (
    RecordingEvents,
    new_connection,
    open_websocket,
)

LIMIT = 1000  # unsent bytes, of `new_connection`


@pytest.fixture
def events() -> RecordingEvents:
    return RecordingEvents()


@pytest.fixture
def connection(events: RecordingEvents) -> Connection:
    """A session that polls."""
    return new_connection(events)


# What arrives


def test_messages_and_pongs_go_where_they_belong(
    connection: Connection, events: RecordingEvents
) -> None:
    for packet in ("4", "42[]", b"", b"binary", "3"):
        connection.receive(packet)
    assert events.messages == ["4", "42[]", b"", b"binary"]
    assert events.pongs == 1


@pytest.mark.parametrize(
    "packet", ["", "0", "2", "2probe", "3probe", "5", "6", "7", "x", " 4", "1x"]
)
def test_what_a_client_does_not_send_is_refused(connection: Connection, packet: str) -> None:
    with pytest.raises(ProtocolError):
        connection.receive(packet)


async def test_nothing_is_taken_after_the_end(
    connection: Connection, events: RecordingEvents
) -> None:
    connection.close("over")
    for packet in ("42[]", b"binary", "3", "1", "x"):
        connection.receive(packet)
    assert (events.messages, events.pongs, events.closed) == ([], 0, ["over"])


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
    assert events.closed == ["client disconnect"]


async def test_a_bad_message_among_those_that_waited_ends_it(
    connection: Connection, events: RecordingEvents
) -> None:
    events.held = "4slow"
    for packet in ("4slow", "4a", "4bad", "4b"):
        connection.receive(packet)
    connection.go_on()
    assert events.messages == ["4slow", "4a", "4bad"]
    assert events.closed == ["transport error"]


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
    crowded.close("over")
    await waiting


# Polling


async def test_a_poll_gets_what_there_is_or_comes(connection: Connection) -> None:
    connection.send("4a")
    connection.write(encode(BINARY, b"\x00"))
    assert await connection.poll() == "4a\x1ebAA=="
    polling = asyncio.ensure_future(connection.poll())
    await asyncio.sleep(0)
    assert connection.polled
    connection.send("4b")
    assert await polling == "4b"
    assert not connection.polled


async def test_a_poll_whose_client_is_gone_ends_the_session(
    connection: Connection, events: RecordingEvents
) -> None:
    polling = asyncio.ensure_future(connection.poll())
    await asyncio.sleep(0)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    assert events.closed == ["transport close"]


@pytest.mark.parametrize(("packet", "last"), [("1", "6"), (None, "1")])
async def test_the_last_packet_says_who_closed(
    connection: Connection, packet: str | None, last: str
) -> None:
    polling = asyncio.ensure_future(connection.poll())
    await asyncio.sleep(0)
    connection.send("4a")
    if packet is None:
        connection.close("server disconnect")
    else:
        connection.receive(packet)
    assert await polling == f"4a\x1e{last}"


# WebSocket


async def test_what_was_held_goes_the_new_way_first(connection: Connection) -> None:
    connection.send("4a")
    connection.send("4b")
    assert not connection.upgraded
    transport = open_websocket(connection)
    connection.send("4c")
    assert connection.upgraded
    assert transport.texts() == ["4a", "4b", "4c"]


async def test_a_poll_that_waits_is_released_by_the_move(connection: Connection) -> None:
    polling = asyncio.ensure_future(connection.poll())
    await asyncio.sleep(0)
    transport = open_websocket(connection)
    assert await polling == "6"
    assert transport.texts() == []


# What waits for a CONNECT reply


@pytest.mark.parametrize("upgraded", [False, True])
async def test_what_is_sent_meanwhile_follows_the_first(
    connection: Connection, upgraded: bool
) -> None:
    transport = open_websocket(connection) if upgraded else None
    connection.hold_writes()
    connection.send("4b")
    connection.send("4c")
    assert transport is None or transport.writes == []
    connection.release_writes(encode(TEXT, b"4a"))
    connection.send("4d")
    sent = transport.texts() if transport else (await connection.poll()).split("\x1e")
    assert sent == ["4a", "4b", "4c", "4d"]


async def test_a_move_meanwhile_loses_nothing(connection: Connection) -> None:
    connection.send("4a")
    connection.hold_writes()
    connection.send("4c")
    transport = open_websocket(connection)
    connection.send("4d")
    connection.release_writes(encode(TEXT, b"4b"))
    assert transport.texts() == ["4a", "4b", "4c", "4d"]


async def test_an_end_meanwhile_ends_it(connection: Connection) -> None:
    transport = open_websocket(connection)
    connection.hold_writes()
    connection.close("over")
    connection.release_writes(encode(TEXT, b"4a"))
    connection.send("4b")
    assert transport.texts() == []


# The end


async def test_the_end_is_told_once(connection: Connection, events: RecordingEvents) -> None:
    transport = open_websocket(connection)
    for reason in ("server disconnect", "ping timeout"):
        connection.close(reason)
    connection.on_lost("")
    connection.fail(ProtocolError("late"))
    assert events.closed == ["server disconnect"]
    assert transport.close_codes() == [1000]


async def test_nothing_is_sent_after_the_end(connection: Connection) -> None:
    transport = open_websocket(connection)
    connection.close("over")
    written = len(transport.writes)
    connection.send("4a")
    assert len(transport.writes) == written


@pytest.mark.parametrize(("told", "reason"), [("", "transport close"), ("x", "transport error")])
async def test_a_lost_socket_ends_it(
    connection: Connection, events: RecordingEvents, told: str, reason: str
) -> None:
    open_websocket(connection)
    connection.on_lost(told)
    assert events.closed == [reason]


async def test_a_socket_that_brings_no_packet_ends_it(
    connection: Connection, events: RecordingEvents
) -> None:
    transport = open_websocket(connection)
    connection.on_text("garbage")
    connection.on_binary(b"garbage")
    assert events.closed == ["transport error"]
    assert events.messages == []
    assert transport.calls == ["close"]

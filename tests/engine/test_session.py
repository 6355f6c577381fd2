"""One session: what it takes, holds, sends and ends with, on transports that only record."""

from __future__ import annotations

import asyncio

import pytest

from app.core.closing import Closing
from app.engine.session import EngineSession
from app.transport.flow import ProtocolError
from app.transport.frames import BINARY, TEXT, encode
from tests.support.session import RecordingHandler, open_websocket

# What arrives


def test_messages_and_pongs_go_where_they_belong(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    for packet in ("4", "42[]", b"", b"binary", "3"):
        connection.receive(packet)
    assert handler.messages == ["4", "42[]", b"", b"binary"]
    assert handler.pongs == 1


@pytest.mark.parametrize(
    "packet", ["", "0", "2", "2probe", "3probe", "5", "6", "7", "x", " 4", "1x"]
)
def test_what_a_client_does_not_send_is_refused(connection: EngineSession, packet: str) -> None:
    with pytest.raises(ProtocolError):
        connection.receive(packet)


async def test_nothing_is_taken_after_the_end(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    connection.close(Closing.SERVER_DISCONNECT)
    for packet in ("42[]", b"binary", "3", "1", "x"):
        connection.receive(packet)
    assert (handler.messages, handler.pongs, handler.closed) == ([], 0, [Closing.SERVER_DISCONNECT])


# Polling


async def test_a_poll_gets_what_there_is_or_comes(connection: EngineSession) -> None:
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
    connection: EngineSession, handler: RecordingHandler
) -> None:
    polling = asyncio.ensure_future(connection.poll())
    await asyncio.sleep(0)
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    assert handler.closed == [Closing.TRANSPORT_CLOSE]


@pytest.mark.parametrize(("packet", "last"), [("1", "6"), (None, "1")])
async def test_the_last_packet_says_who_closed(
    connection: EngineSession, packet: str | None, last: str
) -> None:
    polling = asyncio.ensure_future(connection.poll())
    await asyncio.sleep(0)
    connection.send("4a")
    if packet is None:
        connection.close(Closing.SERVER_DISCONNECT)
    else:
        connection.receive(packet)
    assert await polling == f"4a\x1e{last}"


# WebSocket


async def test_unpolled_frames_are_written_first_after_the_move(connection: EngineSession) -> None:
    connection.send("4a")
    connection.send("4b")
    assert not connection.upgraded
    transport = open_websocket(connection)
    connection.send("4c")
    assert connection.upgraded
    assert transport.texts() == ["4a", "4b", "4c"]


async def test_a_poll_that_waits_is_released_by_the_move(connection: EngineSession) -> None:
    polling = asyncio.ensure_future(connection.poll())
    await asyncio.sleep(0)
    transport = open_websocket(connection)
    assert await polling == "6"
    assert transport.texts() == []


# What waits for a CONNECT reply


@pytest.mark.parametrize("upgraded", [False, True])
async def test_what_is_sent_meanwhile_follows_the_first(
    connection: EngineSession, upgraded: bool
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


async def test_a_move_meanwhile_loses_nothing(connection: EngineSession) -> None:
    connection.send("4a")
    connection.hold_writes()
    connection.send("4c")
    transport = open_websocket(connection)
    connection.send("4d")
    connection.release_writes(encode(TEXT, b"4b"))
    assert transport.texts() == ["4a", "4b", "4c", "4d"]


async def test_an_end_meanwhile_ends_it(connection: EngineSession) -> None:
    transport = open_websocket(connection)
    connection.hold_writes()
    connection.close(Closing.SERVER_DISCONNECT)
    connection.release_writes(encode(TEXT, b"4a"))
    connection.send("4b")
    assert transport.texts() == []


# The end


async def test_on_closed_is_called_once(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    transport = open_websocket(connection)
    for closing in (Closing.SERVER_DISCONNECT, Closing.PING_TIMEOUT):
        connection.close(closing)
    connection.on_lost("")
    connection.fail(ProtocolError("late"))
    assert handler.closed == [Closing.SERVER_DISCONNECT]
    assert transport.close_codes() == [1000]


async def test_nothing_is_sent_after_the_end(connection: EngineSession) -> None:
    transport = open_websocket(connection)
    connection.close(Closing.SERVER_DISCONNECT)
    written = len(transport.writes)
    connection.send("4a")
    assert len(transport.writes) == written


@pytest.mark.parametrize(
    ("told", "closing"), [("", Closing.TRANSPORT_CLOSE), ("x", Closing.TRANSPORT_ERROR)]
)
async def test_a_lost_socket_ends_it(
    connection: EngineSession, handler: RecordingHandler, told: str, closing: Closing
) -> None:
    open_websocket(connection)
    connection.on_lost(told)
    assert handler.closed == [closing]


async def test_a_socket_that_brings_no_packet_ends_it(
    connection: EngineSession, handler: RecordingHandler
) -> None:
    transport = open_websocket(connection)
    connection.on_text("garbage")
    connection.on_binary(b"garbage")
    assert handler.closed == [Closing.TRANSPORT_ERROR]
    assert handler.messages == []
    assert transport.calls == ["close"]

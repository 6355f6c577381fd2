"""A socket is read in turns, and not at all while its owner or its client's rate says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.transport.frames import BINARY, CONTINUATION, PING, PONG, TEXT, decode
from app.transport.intake import Intake
from app.transport.websocket import FRAMES_A_TURN, WebSocket
from tests.support.raw import masked
from tests.support.transport import RecordingConnection

MANY = 5 * FRAMES_A_TURN
HOUR = 3600.0


@pytest.fixture
def connection() -> RecordingConnection:
    return RecordingConnection()


def numbers(count: int = MANY) -> bytes:
    return b"".join(masked(TEXT, b"%d" % number) for number in range(count))


async def until(done: Callable[[], bool]) -> int:
    """Return after how many turns of the loop something is so."""
    turns = 0
    while not done():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_what_came_at_once_is_handled_in_turns_and_in_order(
    connection: RecordingConnection,
) -> None:
    connection.socket.data_received(numbers())
    assert len(connection.messages) == FRAMES_A_TURN
    assert connection.transport.calls == ["pause"]
    assert connection.socket.listening  # what is left is handled at once
    assert await until(lambda: len(connection.messages) == MANY) == MANY / FRAMES_A_TURN - 1
    assert connection.messages == [str(number) for number in range(MANY)]
    await asyncio.sleep(0)
    assert connection.transport.calls[-1] == "resume"
    connection.socket.data_received(masked(TEXT, b"next"))
    assert connection.messages[-1] == "next"


async def test_a_frame_in_pieces_goes_on_after_a_turn(connection: RecordingConnection) -> None:
    socket, data = connection.socket, numbers(MANY) + masked(TEXT, b"last")
    socket.data_received(data[:-3])
    await until(lambda: connection.transport.calls[-1] == "resume")
    assert len(connection.messages) == MANY
    socket.data_received(data[-3:])
    assert connection.messages[-1] == "last"


async def test_who_is_busy_gets_no_more_until_it_asks(connection: RecordingConnection) -> None:
    socket = connection.socket
    socket.pause_reading()
    socket.data_received(numbers(3) + masked(PING, b""))
    assert connection.messages == ["0"]  # the loop had read it before it was paused
    assert not socket.listening
    socket.resume_reading()
    assert connection.messages == ["0", "1", "2"]
    assert connection.transport.calls == ["pause", "resume"]


async def test_who_sends_too_much_is_not_read_for_a_moment(
    connection: RecordingConnection,
) -> None:
    now = 0.0
    connection.intake = Intake(10, lambda: now)
    socket = connection.socket
    socket.attach(connection)
    socket.data_received(numbers(FRAMES_A_TURN))
    assert 60 < len(connection.messages) < FRAMES_A_TURN
    assert not socket.listening
    assert connection.floods == 1
    assert connection.transport.calls == ["pause"]
    now = HOUR
    await until(lambda: len(connection.messages) == FRAMES_A_TURN)
    assert socket.listening
    assert connection.transport.calls == ["pause", "resume"]


async def test_empty_fragments_have_their_turn_and_count(connection: RecordingConnection) -> None:
    now = 0.0
    connection.intake = Intake(10, lambda: now)
    socket = connection.socket
    socket.attach(connection)
    fragments = masked(CONTINUATION, b"", first=0) * FRAMES_A_TURN
    data = masked(BINARY, b"a", first=BINARY) + fragments + masked(CONTINUATION, b"b")
    socket.data_received(data)
    assert not socket.listening
    assert connection.floods == 1
    assert socket.held_bytes == len(data) + 1
    now = HOUR
    await until(lambda: connection.messages == [b"ab"])
    assert socket.held_bytes == 0


async def test_a_closed_connection_holds_nothing(connection: RecordingConnection) -> None:
    socket = connection.socket
    socket.data_received(numbers())
    socket.close()
    assert socket.held_bytes == 0
    await asyncio.sleep(0.01)
    assert len(connection.messages) == FRAMES_A_TURN
    assert "resume" not in connection.transport.calls


async def test_who_does_not_read_gets_the_newest_pong_alone(
    connection: RecordingConnection,
) -> None:
    socket: WebSocket = connection.socket
    socket.pause_writing()
    socket.data_received(b"".join(masked(PING, b"%d" % number) for number in range(50)))
    assert connection.transport.writes == []
    socket.resume_writing()
    assert list(decode(b"".join(connection.transport.writes))) == [(PONG, b"49")]


async def test_large_messages_that_wait_stop_the_reading_too(
    connection: RecordingConnection,
) -> None:
    connection.held = "slow"
    connection.receive("slow", "x" * 100_000, "y" * 100_000)
    assert "pause" not in connection.transport.calls
    connection.receive("z" * 100_000)
    assert connection.transport.calls == ["pause"]
    assert connection.held_bytes == 300_000
    connection.go_on()
    assert connection.transport.calls == ["pause", "resume"]

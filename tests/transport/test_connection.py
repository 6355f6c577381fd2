"""A connection's flow: requests one after the other, and unsent bytes within their limit."""

from __future__ import annotations

import asyncio

import pytest

from app.core.closing import Closing
from app.transport.flow import HIGH_WATERMARK
from app.transport.frames import TEXT, encode
from tests.support.raw import masked
from tests.support.transport import RecordingConnection

LIMIT = 1000  # unsent bytes


@pytest.fixture
def connection() -> RecordingConnection:
    return RecordingConnection(max_unsent_bytes=LIMIT)


def send(connection: RecordingConnection, text: str) -> None:
    connection.write(encode(TEXT, text.encode()))


# Requests


def test_what_arrives_while_something_takes_time_waits_in_order(
    connection: RecordingConnection,
) -> None:
    connection.held = "slow"
    connection.receive("a", "slow", "b", b"c", "slow", "d")
    assert connection.messages == ["a", "slow"]
    connection.go_on()
    assert connection.messages == ["a", "slow", "b", b"c", "slow"]
    connection.go_on()
    assert connection.messages[5:] == ["d"]
    connection.receive("e")
    assert connection.messages[6:] == ["e"]


def test_what_ends_within_its_own_event_holds_nothing(connection: RecordingConnection) -> None:
    connection.hold_requests()
    connection.release_requests()
    connection.receive("a")
    assert connection.messages == ["a"]


def test_a_bad_message_among_those_that_waited_ends_it(connection: RecordingConnection) -> None:
    connection.held = "slow"
    connection.receive("slow", "a", "bad", "b")
    connection.go_on()
    assert connection.messages == ["slow", "a", "bad"]
    assert connection.closings == [Closing.TRANSPORT_ERROR]
    assert connection.closed


def test_bytes_are_left_in_the_kernel_while_much_waits(connection: RecordingConnection) -> None:
    connection.held = "slow"
    for text in ("slow", *["a"] * (HIGH_WATERMARK - 1)):
        connection.socket.data_received(masked(TEXT, text.encode()))
    assert connection.transport.calls == []
    connection.socket.data_received(masked(TEXT, b"a"))
    assert connection.transport.calls == ["pause"]
    connection.go_on()
    assert connection.transport.calls == ["pause", "resume"]
    assert len(connection.messages) == 1 + HIGH_WATERMARK


# Unsent bytes


async def test_who_does_not_read_is_cut_off_by_what_follows_the_limit(
    connection: RecordingConnection,
) -> None:
    connection.transport.unsent_bytes = 5 * LIMIT  # one message may be larger than the limit
    connection.socket.pause_writing()
    send(connection, "small")
    assert connection.got == ["small"]
    connection.transport.unsent_bytes = 6 * LIMIT
    send(connection, "a")
    assert connection.transport.calls == ["abort"]
    assert connection.closings == []  # a room is iterating over its members
    send(connection, "b")
    await asyncio.sleep(0)
    assert connection.closings == [Closing.SLOW]
    assert connection.got == ["small"]


async def test_who_reads_in_time_is_not_slow(connection: RecordingConnection) -> None:
    connection.transport.unsent_bytes = 2 * LIMIT
    connection.socket.pause_writing()
    connection.transport.unsent_bytes = 0
    connection.socket.resume_writing()
    send(connection, "x" * 2 * LIMIT)
    send(connection, "a")
    await asyncio.sleep(0)
    assert connection.got[1:] == ["a"]
    assert (connection.transport.calls, connection.closings) == ([], [])


def test_who_has_not_read_its_answers_gets_no_further_ones(
    connection: RecordingConnection,
) -> None:
    connection.transport.unsent_bytes = 2 * LIMIT
    connection.socket.pause_writing()
    connection.receive("waits")
    assert connection.messages == []
    connection.socket.resume_writing()
    assert connection.messages == ["waits"]

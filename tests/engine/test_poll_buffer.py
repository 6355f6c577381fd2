"""The poll buffer: its limit, its payloads, and polls that wait for it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.poll_buffer import SEPARATOR, PollBuffer
from app.transport.frames import BINARY, TEXT, encode
from tests.support.session import RecordingHandler, new_session

# https://socket.io/docs/v4/engine-io-protocol/#encoding
PAYLOADS: dict[str, tuple[list[str | bytes], str]] = {
    "nothing": ([], ""),
    "one": (["4hello"], "4hello"),
    "several": (["4hello", "2", "4€"], "4hello\x1e2\x1e4€"),
    "binary": (["4hello", b"\x01\x02\x03\x04"], "4hello\x1ebAQIDBA=="),
    "empty binary": ([b"", b"\x00"], "b\x1ebAA=="),
}


def frame(packet: str | bytes) -> bytes:
    return encode(BINARY, packet) if isinstance(packet, bytes) else encode(TEXT, packet.encode())


@pytest.mark.parametrize(("packets", "payload"), PAYLOADS.values(), ids=PAYLOADS.keys())
def test_payloads_are_written_as_the_protocol_says(
    packets: list[str | bytes], payload: str
) -> None:
    buffer = PollBuffer(100)
    for packet in packets:
        buffer.add(frame(packet))
    assert buffer.take_payload() == payload
    assert buffer.take_payload() == ""


def test_frames_that_came_joined_are_packets_of_their_own() -> None:
    buffer = PollBuffer(100)
    buffer.add(frame("4a") + frame("4b"))
    buffer.add(frame("4c"))
    assert buffer.take_payload() == "4a\x1e4b\x1e4c"


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SEPARATOR))


@given(st.lists(texts.map(lambda text: f"4{text}") | st.binary(), min_size=1, max_size=5))
def test_what_is_in_a_payload_is_read_back(packets: list[str | bytes]) -> None:
    buffer = PollBuffer(100)
    for packet in packets:
        buffer.add(frame(packet))
    handler = RecordingHandler()
    session = new_session(handler)
    for packet in buffer.take_payload().split(SEPARATOR):
        session.receive(packet)
    assert handler.messages == packets


def test_it_has_no_room_past_its_limit() -> None:
    buffer = PollBuffer(10)
    buffer.add(bytes(10))
    assert buffer.has_room(1)  # and what goes over the limit may be large
    buffer.add(bytes(1))
    assert buffer.has_room(1)
    assert not buffer.has_room(2)
    buffer.add(bytes(1))
    assert not buffer.has_room(1)
    assert buffer.take() == bytes(12)
    assert buffer.has_room(1000)
    assert buffer.take() == b""


@pytest.mark.parametrize(
    ("unsent", "allowed"), [(101, 102), (150, 200), (200, 300), (1000, 1100), (5000, 5100)]
)
def test_behind_a_large_write_there_is_room_for_small_ones(unsent: int, allowed: int) -> None:
    buffer = PollBuffer(100)
    buffer.add(bytes(unsent))
    while buffer.has_room(1):
        buffer.add(bytes(1))
    assert len(buffer.take()) == allowed


def test_taking_a_payload_makes_room_too() -> None:
    buffer = PollBuffer(3)
    for _time in range(2):
        buffer.add(frame("4hello"))
        assert not buffer.has_room(8)
        buffer.take_payload()
        assert buffer.has_room(8)


async def test_who_waits_gets_what_comes() -> None:
    buffer = PollBuffer(100)
    waiting = asyncio.ensure_future(buffer.wait())
    await asyncio.sleep(0)
    assert buffer.polled
    assert not waiting.done()
    buffer.add(frame("4a"))
    buffer.add(frame("4b"))
    await waiting
    assert not buffer.polled
    assert buffer.take_payload() == "4a\x1e4b"


async def test_nobody_waits_for_what_is_there() -> None:
    buffer = PollBuffer(100)
    buffer.add(frame("4a"))
    await buffer.wait()
    assert not buffer.polled


async def test_who_waits_can_be_sent_away() -> None:
    buffer = PollBuffer(100)
    buffer.release()  # nobody
    waiting = asyncio.ensure_future(buffer.wait())
    await asyncio.sleep(0)
    buffer.release()
    buffer.release()
    await waiting
    assert buffer.take_payload() == ""


async def test_who_gives_up_waits_no_more() -> None:
    buffer = PollBuffer(100)
    waiting = asyncio.ensure_future(buffer.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not buffer.polled
    buffer.add(frame("4a"))
    assert buffer.take_payload() == "4a"

"""What a polling connection has not fetched: kept, counted, and put into payloads."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.poll_buffer import SEPARATOR, PollBuffer
from app.engine.server import _decode
from app.transport.frames import BINARY, TEXT, encode

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
    outbox = PollBuffer(100)
    for packet in packets:
        outbox.add(frame(packet))
    assert outbox.take_payload() == payload
    assert outbox.take_payload() == ""


def test_frames_that_came_joined_are_packets_of_their_own() -> None:
    outbox = PollBuffer(100)
    outbox.add(frame("4a") + frame("4b"))
    outbox.add(frame("4c"))
    assert outbox.take_payload() == "4a\x1e4b\x1e4c"


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SEPARATOR))


@given(st.lists(texts.map(lambda text: f"4{text}") | st.binary(), min_size=1, max_size=5))
def test_what_is_in_a_payload_is_read_back(packets: list[str | bytes]) -> None:
    outbox = PollBuffer(100)
    for packet in packets:
        outbox.add(frame(packet))
    assert [_decode(one) for one in outbox.take_payload().split(SEPARATOR)] == packets


def test_it_has_no_room_past_its_limit() -> None:
    outbox = PollBuffer(10)
    outbox.add(bytes(10))
    assert outbox.has_room(1)  # and what goes over the limit may be large
    outbox.add(bytes(1))
    assert outbox.has_room(1)
    assert not outbox.has_room(2)
    outbox.add(bytes(1))
    assert not outbox.has_room(1)
    assert outbox.take() == bytes(12)
    assert outbox.has_room(1000)
    assert outbox.take() == b""


@pytest.mark.parametrize(
    ("unsent", "allowed"), [(101, 102), (150, 200), (200, 300), (1000, 1100), (5000, 5100)]
)
def test_behind_a_large_write_there_is_room_for_small_ones(unsent: int, allowed: int) -> None:
    outbox = PollBuffer(100)
    outbox.add(bytes(unsent))
    while outbox.has_room(1):
        outbox.add(bytes(1))
    assert len(outbox.take()) == allowed


def test_taking_a_payload_makes_room_too() -> None:
    outbox = PollBuffer(3)
    for _time in range(2):
        outbox.add(frame("4hello"))
        assert not outbox.has_room(8)
        outbox.take_payload()
        assert outbox.has_room(8)


async def test_who_waits_gets_what_comes() -> None:
    outbox = PollBuffer(100)
    waiting = asyncio.ensure_future(outbox.wait())
    await asyncio.sleep(0)
    assert outbox.polled
    assert not waiting.done()
    outbox.add(frame("4a"))
    outbox.add(frame("4b"))
    await waiting
    assert not outbox.polled
    assert outbox.take_payload() == "4a\x1e4b"


async def test_nobody_waits_for_what_is_there() -> None:
    outbox = PollBuffer(100)
    outbox.add(frame("4a"))
    await outbox.wait()
    assert not outbox.polled


async def test_who_waits_can_be_sent_away() -> None:
    outbox = PollBuffer(100)
    outbox.release()  # nobody
    waiting = asyncio.ensure_future(outbox.wait())
    await asyncio.sleep(0)
    outbox.release()
    outbox.release()
    await waiting
    assert outbox.take_payload() == ""


async def test_who_gives_up_waits_no_more() -> None:
    outbox = PollBuffer(100)
    waiting = asyncio.ensure_future(outbox.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not outbox.polled
    outbox.add(frame("4a"))
    assert outbox.take_payload() == "4a"

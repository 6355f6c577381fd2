"""What members with a trail get: the same publications, each with an offset string of its own."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from app.broker.record import discontinuity
from app.core.channel import Channel
from app.core.counters import Counters
from app.core.history import Position
from app.core.message import Publication
from app.core.session import Session
from app.transport.frames import TEXT, decode, encode
from app.transport.room import Room, Sent, Trail
from tests.support.transport import RecordingTransport, new_connection, open_websocket

CHANNEL = Channel("/circles", "dev-team")


def frame(text: str) -> bytes:
    return encode(TEXT, f'42/circles,["user_message","{text}"]'.encode())


def publication(offset: int | None) -> Publication:
    return Publication(offset, "user_message", b"{}", 0.0)


class Restorable:
    """A member with a trail, and what it got."""

    def __init__(self, room: Room, pid: str, base: int) -> None:
        self.session = Session(pid, "owner", f"{pid}~", "/circles", "alice", "")
        self.session.enter("dev-team", Position(base, "e1"), trusted=False)
        self.connection = new_connection()
        self.transport: RecordingTransport = open_websocket(self.connection)
        place = self.session.places["dev-team"]
        self.trail = Trail(self.connection, self.session, place)
        room.add(self.session.sid, self.connection, self.trail)

    @property
    def got(self) -> list[str]:
        return [one.removeprefix('42/circles,["user_message",') for one in self.transport.texts()]


async def test_each_has_its_own_and_who_has_none_gets_the_plain_event() -> None:
    room = Room(Counters())
    first, second = Restorable(room, "aaaaaa", 4), Restorable(room, "bbbbbb", 4)
    plain = new_connection()
    transport = open_websocket(plain)
    room.add("plain~", plain)
    second.session.enter("ops", Position(7, "e1"), trusted=False)
    second.session.follow(second.session.places["ops"], publication(8))
    room.send(frame("x"), publication(5))
    room.send(frame("y" * 200), publication(6))
    await asyncio.sleep(0)
    assert first.got == ['"x","aaaaaa:0:1.5"]', f'"{"y" * 200}","aaaaaa:0:1.6"]']
    assert second.got == ['"x","bbbbbb:0:2.8,1.5"]', f'"{"y" * 200}","bbbbbb:0:2.8,1.6"]']
    assert [one.count(",") for one in transport.texts()] == [2, 2]
    assert len(room) == 3
    assert list(room) == ["plain~", "aaaaaa~", "bbbbbb~"]
    for sid in list(room):
        room.remove(sid)
    assert not room


async def test_what_is_not_kept_and_what_was_lost_come_in_between() -> None:
    room = Room(Counters())
    member = Restorable(room, "aaaaaa", 4)
    room.send(frame("a"), publication(5))
    room.send(frame("typing"), publication(None))
    room.send(frame("lost"), discontinuity(CHANNEL, Position(0, "e2"), 0.0))
    room.send(frame("b"), publication(1))
    await asyncio.sleep(0)
    assert member.got == [
        *('"a","aaaaaa:0:1.5"]', '"typing","aaaaaa:0:1.5"]'),
        *('"lost","aaaaaa:1:1.0"]', '"b","aaaaaa:1:1.1"]'),
    ]
    room.send(frame("c"), publication(2))
    await asyncio.sleep(0)
    assert member.got[-1] == '"c","aaaaaa:1:1.2"]'


async def test_who_enters_in_the_midst_of_a_turn_gets_what_comes_after() -> None:
    room = Room(Counters())
    first = Restorable(room, "aaaaaa", 0)
    room.send(frame("a"), publication(1))
    second = Restorable(room, "bbbbbb", 1)
    room.send(frame("b"), publication(2))
    room.remove(first.session.sid)
    room.send(frame("c"), publication(3))
    await asyncio.sleep(0)
    assert first.got == ['"a","aaaaaa:0:1.1"]', '"b","aaaaaa:0:1.2"]']
    assert second.got == ['"b","bbbbbb:0:1.2"]', '"c","bbbbbb:0:1.3"]']


@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), max_size=70_000), min_size=1, max_size=5)
    | st.lists(st.integers(90, 130).map("x".__mul__), min_size=1, max_size=5),
    st.binary(min_size=1, max_size=200).filter(lambda head: b'"' not in head),
)
def test_both_ways_to_write_them_are_the_same(texts: list[str], head: bytes) -> None:
    """Whatever the length, and with it the frame's header."""
    publications = [publication(number) for number in range(9, 9 + len(texts))]
    sent = Sent([frame(text) for text in texts], publications)
    expected = b"".join(
        encode(TEXT, f'42/circles,["user_message","{text}","'.encode() + head + b'%d"]' % number)
        for number, text in enumerate(texts, 9)
    )
    assert sent.after(head) == expected
    assert len(list(decode(expected))) == len(texts)

"""The Socket.IO encodings: events, and events with offset strings, each member's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.broker.record import discontinuity
from app.core.channel import Channel
from app.core.counters import Counters
from app.core.history import Position
from app.core.message import Publication
from app.core.session import Session
from app.realtime.encoding import RECOVERABLE, SOCKET_IO, Batch
from app.transport.deliveries import Deliveries
from app.transport.frames import TEXT, decode, encode
from app.transport.room import Room
from tests.support.transport import RecordingConnection
from tests.support.turns import until_flushed

CHANNEL = Channel("/circles", "dev-team")


def publication(offset: int | None, text: str = "x") -> Publication:
    return Publication(offset, "user_message", f'"{text}"'.encode(), 0.0)


def new_room() -> Room:
    return RECOVERABLE.room(CHANNEL, Deliveries(Counters()))


class Restorable:
    """A member of a room that can be restored, and what it got."""

    def __init__(self, room: Room, pid: str, base: int) -> None:
        self.sid = f"{pid}~"
        self.connection = RecordingConnection()
        self.session = Session(pid, "owner", self.sid, "/circles", "alice", "")
        self.session.enter("dev-team", Position(base, "e1"), trusted=False)
        room.add(self)

    @property
    def got(self) -> list[str]:
        return [one.removeprefix('42/circles,["user_message",') for one in self.connection.got]


class Plain:
    """A member that can't be restored."""

    sid = "plain~"
    session: Session | None = None

    def __init__(self) -> None:
        self.connection = RecordingConnection()


async def test_an_event_is_named_as_the_type_and_has_the_envelope() -> None:
    room, member = SOCKET_IO.room(CHANNEL, Deliveries(Counters())), Plain()
    room.add(member)
    room.send(publication(5))
    room.flush()
    SOCKET_IO.send(member, CHANNEL, publication(6, "y"))
    assert member.connection.got == [
        *('42/circles,["user_message","x"]', '42/circles,["user_message","y"]')
    ]


async def test_each_that_can_be_restored_has_offset_strings_of_its_own() -> None:
    room = new_room()
    first, second = Restorable(room, "aaaaaa", 4), Restorable(room, "bbbbbb", 4)
    second.session.enter("ops", Position(7, "e1"), trusted=False)
    second.session.follow(second.session.cursors["ops"], publication(8))
    room.send(publication(5))
    room.send(publication(6, "y" * 200))
    await until_flushed()
    assert first.got == ['"x","aaaaaa:0:1.5"]', f'"{"y" * 200}","aaaaaa:0:1.6"]']
    assert second.got == ['"x","bbbbbb:0:2.8,1.5"]', f'"{"y" * 200}","bbbbbb:0:2.8,1.6"]']
    assert list(room) == ["aaaaaa~", "bbbbbb~"]
    for sid in list(room):
        room.remove(sid)
    assert not room


async def test_what_is_not_kept_and_what_was_lost_come_in_between() -> None:
    room = new_room()
    member = Restorable(room, "aaaaaa", 4)
    lost = discontinuity(CHANNEL, Position(0, "e2"), 0.0)
    for one in (publication(5, "a"), publication(None, "typing"), lost, publication(1, "b")):
        room.send(one)
    await until_flushed()
    assert member.got == [
        *('"a","aaaaaa:0:1.5"]', '"typing","aaaaaa:0:1.5"]'),
        f'42/circles,["discontinuity",{lost.body.decode()},"aaaaaa:1:1.0"]',
        '"b","aaaaaa:1:1.1"]',
    ]
    room.send(publication(2, "c"))
    await until_flushed()
    assert member.got[-1] == '"c","aaaaaa:1:1.2"]'


async def test_who_enters_in_the_midst_of_a_turn_gets_what_comes_after() -> None:
    room = new_room()
    first = Restorable(room, "aaaaaa", 0)
    room.send(publication(1, "a"))
    second = Restorable(room, "bbbbbb", 1)
    room.send(publication(2, "b"))
    room.remove(first.sid)
    room.send(publication(3, "c"))
    await until_flushed()
    assert first.got == ['"a","aaaaaa:0:1.1"]', '"b","aaaaaa:0:1.2"]']
    assert second.got == ['"b","bbbbbb:0:1.2"]', '"c","bbbbbb:0:1.3"]']


async def test_what_one_alone_is_sent_moves_it_on() -> None:
    room = new_room()
    member = Restorable(room, "aaaaaa", 4)
    RECOVERABLE.send(member, CHANNEL, publication(5, "a"))
    room.send(publication(6, "b"))
    room.flush()
    assert member.got == ['"a","aaaaaa:0:1.5"]', '"b","aaaaaa:0:1.6"]']


@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), max_size=70_000), min_size=1, max_size=5)
    | st.lists(st.integers(90, 130).map("x".__mul__), min_size=1, max_size=5),
    st.binary(min_size=1, max_size=200).filter(lambda head: b'"' not in head),
)
def test_both_ways_to_write_them_are_the_same(texts: list[str], head: bytes) -> None:
    """Whatever the length, and with it the frame's header."""
    publications = [publication(number, text) for number, text in enumerate(texts, 9)]
    batch = Batch([RECOVERABLE.encode(CHANNEL, one) for one in publications], publications)
    expected = b"".join(
        encode(TEXT, f'42/circles,["user_message","{text}","'.encode() + head + b'%d"]' % number)
        for number, text in enumerate(texts, 9)
    )
    assert batch.after(head) == expected
    assert len(list(decode(expected))) == len(texts)

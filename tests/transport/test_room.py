"""Rooms: each member gets exactly what was sent while it was in, encoded once for all."""

from __future__ import annotations

import asyncio

import pytest

from app.core.channel import Channel
from app.core.counters import Counters
from app.core.message import Publication
from app.core.session import Session
from app.transport.deliveries import Deliveries
from app.transport.frames import TEXT, encode
from app.transport.room import MEMBERS_A_TURN, Encoding, Room
from tests.support.transport import RecordingConnection
from tests.support.turns import until_flushed

CHANNEL = Channel("/chat", "a")
LIMIT = 1000  # unsent bytes


class Texts(Encoding):
    """A publication's body as text; it has no form for one without a body."""

    def __init__(self) -> None:
        self.made = 0

    def encode(self, channel: Channel, publication: Publication) -> bytes:
        assert channel == CHANNEL
        self.made += 1
        return encode(TEXT, publication.body) if publication.body else b""


class Member:
    """A member of rooms, and what it got."""

    session: Session | None = None

    def __init__(self, sid: str) -> None:
        self.sid = sid
        self.connection = RecordingConnection(sid, LIMIT)

    @property
    def got(self) -> list[str]:
        return self.connection.got


@pytest.fixture
def encoding() -> Texts:
    return Texts()


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def room(encoding: Texts, counters: Counters) -> Room:
    return encoding.room(CHANNEL, Deliveries(counters))


@pytest.fixture
def members(room: Room) -> list[Member]:
    """Two members of the room."""
    members = [Member("first"), Member("second")]
    for member in members:
        room.add(member)
    return members


def publication(text: str) -> Publication:
    return Publication(1, "user_message", text.encode(), 0.0)


def test_it_knows_who_is_in_it(room: Room, members: list[Member]) -> None:
    assert (list(room), len(room)) == (["first", "second"], 2)
    room.remove("first")
    room.remove("first")
    room.remove("nobody")
    room.add(members[1])
    assert list(room) == ["second"]
    room.remove("second")
    assert not room


async def test_what_is_sent_in_one_turn_is_joined_and_written_once(
    room: Room, members: list[Member], encoding: Texts, counters: Counters
) -> None:
    first, second = members
    for text in "123":
        room.send(publication(text))
    assert first.connection.transport.writes == []
    await until_flushed()
    joined = b"".join(encode(TEXT, text) for text in (b"1", b"2", b"3"))
    assert first.connection.transport.writes == second.connection.transport.writes == [joined]
    assert (encoding.made, counters.delivered) == (3, 6)
    room.send(publication("4"))
    await until_flushed()
    assert first.connection.transport.writes[1:] == [encode(TEXT, b"4")]
    await until_flushed()
    assert len(first.connection.transport.writes) == 2


async def test_what_was_sent_can_be_written_at_once(room: Room, members: list[Member]) -> None:
    room.send(publication("1"))
    room.flush()
    assert members[0].got == ["1"]
    await until_flushed()
    assert members[0].got == ["1"]


async def test_who_enters_in_between_gets_what_follows(room: Room, members: list[Member]) -> None:
    third = Member("third")
    room.send(publication("before"))
    room.add(third)
    room.send(publication("after"))
    await until_flushed()
    assert (members[0].got, third.got) == (["before", "after"], ["after"])


async def test_who_leaves_in_between_gets_what_came_before(
    room: Room, members: list[Member]
) -> None:
    first, second = members
    room.send(publication("before"))
    room.remove(first.sid)
    room.send(publication("after"))
    await until_flushed()
    assert (first.got, second.got) == (["before"], ["before", "after"])


async def test_what_a_protocol_has_no_form_for_is_not_sent(
    room: Room, members: list[Member], counters: Counters
) -> None:
    room.send(publication(""))
    await until_flushed()
    assert (members[0].connection.transport.writes, counters.delivered) == ([], 0)


async def test_a_member_that_is_cut_off_disturbs_nobody(room: Room, members: list[Member]) -> None:
    first, second = members
    first.connection.transport.unsent_bytes = LIMIT + 1
    first.connection.socket.pause_writing()
    first.connection.transport.unsent_bytes = LIMIT + 2
    room.send(publication("1"))
    await until_flushed()
    assert first.connection.transport.calls == ["abort"]
    assert (first.got, second.got) == ([], ["1"])


def test_one_member_alone_can_be_sent_something(members: list[Member], encoding: Texts) -> None:
    first, second = members
    encoding.send(first, CHANNEL, publication("for you"))
    assert (first.got, second.got) == (["for you"], [])


# Rooms of thousands


@pytest.fixture
def crowd(room: Room) -> list[Member]:
    """More members than have their turn at once."""
    crowd = [Member(f"member {number}") for number in range(2 * MEMBERS_A_TURN + 1)]
    for member in crowd:
        room.add(member)
    return crowd


async def test_a_room_of_thousands_is_written_to_in_turns(room: Room, crowd: list[Member]) -> None:
    room.send(publication("a"))
    await until_flushed()
    assert sum(member.got == ["a"] for member in crowd) == MEMBERS_A_TURN
    room.send(publication("b"))
    await until_flushed()
    assert crowd[-1].got == []
    for _turn in range(10):
        await asyncio.sleep(0)
    assert {tuple(member.got) for member in crowd} == {("a", "b")}


async def test_who_comes_or_goes_between_two_turns_gets_what_was_sent_while_it_was_in(
    room: Room, crowd: list[Member], counters: Counters
) -> None:
    room.send(publication("a"))
    await until_flushed()
    room.remove("member 0")
    room.remove(crowd[-1].sid)
    late = Member("late")
    room.add(late)
    room.send(publication("b"))
    room.flush()
    assert {tuple(member.got) for member in crowd[1:-1]} == {("a", "b")}
    assert [crowd[0].got, crowd[-1].got, late.got] == [["a"], ["a"], ["b"]]
    assert counters.delivered == len(crowd) + len(crowd) - 2 + 1

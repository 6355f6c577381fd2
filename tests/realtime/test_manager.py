"""Rooms: who is in them, and that each gets exactly what was sent while it was in."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from app.core.message import Publication
from app.realtime.manager import Client, Rooms
from app.realtime.packets import Packet
from app.transport.frames import TEXT, encode
from app.transport.room import Room
from tests.support.transport import RecordingTransport, new_connection, open_websocket

NAMESPACE = "/chat"
PUBLICATION = Publication(1, "user_message", b"{}", 0.0)


class Member:
    """A client of `NAMESPACE` on a WebSocket of its own, and what it got."""

    def __init__(self, rooms: Rooms, namespace: str = NAMESPACE) -> None:
        self.connection = new_connection()
        self.transport: RecordingTransport = open_websocket(self.connection)
        self.client: Client = rooms.add_client(self.connection, namespace)
        self.client.connected = True
        self.sid = self.client.sid

    @property
    def got(self) -> list[str]:
        return self.transport.texts()


class Engine:
    """As much of a server as rooms ask for."""

    packet_class: type = Packet
    logger = logging.getLogger("tests.rooms")

    def __init__(self) -> None:
        self.eio = self
        self.sockets: dict[str, Any] = {}
        self._ids = 0

    def generate_id(self) -> str:
        self._ids += 1
        return f"sid{self._ids}"


@pytest.fixture
def rooms() -> Rooms:
    rooms = Rooms()
    rooms.set_server(Engine())
    return rooms


@pytest.fixture
def members(rooms: Rooms) -> list[Member]:
    """Three clients; the first two are in room `a`, the last two in `b`."""
    members = [Member(rooms) for _number in range(3)]
    for room, inside in {"a": members[:2], "b": members[1:]}.items():
        for member in inside:
            rooms.basic_enter_room(member.sid, NAMESPACE, room)
    return members


def room(rooms: Rooms, name: str) -> Room:
    found = rooms.room(NAMESPACE, name)
    assert found is not None
    return found


def frame(text: str) -> bytes:
    return encode(TEXT, text.encode())


async def next_turn() -> None:
    await asyncio.sleep(0)


# Who is where


def test_rooms_are_known_while_somebody_is_in_them(rooms: Rooms, members: list[Member]) -> None:
    first, second, third = members
    assert sorted(rooms.room_names(NAMESPACE)) == ["a", "b"]
    assert rooms.get_rooms(second.sid, NAMESPACE)[0] == second.sid
    assert sorted(rooms.get_rooms(second.sid, NAMESPACE)[1:]) == ["a", "b"]
    rooms.basic_leave_room(first.sid, NAMESPACE, "a")
    rooms.basic_leave_room(second.sid, NAMESPACE, "a")
    assert rooms.room_names(NAMESPACE) == ["b"]
    assert rooms.room(NAMESPACE, "a") is None
    assert rooms.get_rooms(first.sid, NAMESPACE) == [first.sid]
    rooms.basic_close_room("b", NAMESPACE)
    assert rooms._rooms == {}
    assert rooms.get_rooms(third.sid, NAMESPACE) == [third.sid]


def test_entering_and_leaving_twice_is_once(rooms: Rooms, members: list[Member]) -> None:
    first = members[0]
    rooms.basic_enter_room(first.sid, NAMESPACE, "a")
    assert list(room(rooms, "a").members) == [members[0].sid, members[1].sid]
    for _time in range(2):
        rooms.basic_leave_room(first.sid, NAMESPACE, "a")
    rooms.basic_leave_room(first.sid, NAMESPACE, "nowhere")
    rooms.basic_leave_room("nobody", NAMESPACE, "a")
    rooms.basic_close_room("nowhere", NAMESPACE)
    assert list(room(rooms, "a").members) == [members[1].sid]


def test_nobody_enters_a_room_that_is_somebodys_id(rooms: Rooms, members: list[Member]) -> None:
    first, second, _third = members
    with pytest.raises(ValueError, match="sid room"):
        rooms.basic_enter_room(first.sid, NAMESPACE, second.sid)
    with pytest.raises(ValueError, match="sid room"):
        rooms.basic_close_room(second.sid, NAMESPACE)
    with pytest.raises(ValueError, match="not connected"):
        rooms.basic_enter_room("nobody", NAMESPACE, "a")


def test_participants_are_pairs_of_ids(rooms: Rooms, members: list[Member]) -> None:
    pairs = [(member.sid, member.connection.sid) for member in members]
    assert list(rooms.get_participants(NAMESPACE, None)) == pairs
    assert list(rooms.get_participants(NAMESPACE, "a")) == pairs[:2]
    assert list(rooms.get_participants(NAMESPACE, ["a", "b"])) == pairs
    assert list(rooms.get_participants(NAMESPACE, members[2].sid)) == pairs[2:]
    assert list(rooms.get_participants(NAMESPACE, "nowhere")) == []
    assert list(rooms.get_participants("/nowhere", None)) == []


def test_namespaces_do_not_share_rooms(rooms: Rooms, members: list[Member]) -> None:
    other = Member(rooms, "/other")
    rooms.basic_enter_room(other.sid, "/other", "a")
    assert sorted(rooms.get_namespaces()) == ["/chat", "/other"]
    assert list(rooms.get_participants("/other", "a")) == [(other.sid, other.connection.sid)]
    assert not rooms.is_connected(other.sid, NAMESPACE)
    rooms.basic_disconnect(other.sid, "/other")
    assert sorted(rooms.get_namespaces()) == ["/chat"]


def test_who_disconnects_is_nowhere(rooms: Rooms, members: list[Member]) -> None:
    _first, second, _third = members
    assert rooms.is_connected(second.sid, NAMESPACE)
    assert rooms.pre_disconnect(second.sid, NAMESPACE) == second.connection.sid
    assert not rooms.is_connected(second.sid, NAMESPACE)
    for _time in range(2):
        rooms.basic_disconnect(second.sid, NAMESPACE)
    assert rooms.client(NAMESPACE, second.sid) is None
    assert second.connection.clients == {}
    assert rooms.get_rooms(second.sid, NAMESPACE) == []
    assert rooms.pre_disconnect(second.sid, NAMESPACE) is None
    assert rooms.eio_sid_from_sid(second.sid, NAMESPACE) is None
    assert [second.sid in room(rooms, name).members for name in ("a", "b")] == [False, False]


def test_an_end_leaves_the_connections_next_client_alone(rooms: Rooms) -> None:
    member = Member(rooms)
    again = rooms.add_client(member.connection, NAMESPACE)
    rooms.basic_disconnect(member.sid, NAMESPACE)
    assert member.connection.clients == {NAMESPACE: again}


def test_nothing_is_left_when_all_are_gone(rooms: Rooms, members: list[Member]) -> None:
    for member in members:
        rooms._generate_ack_id(member.sid, lambda: None)
        rooms.basic_disconnect(member.sid, NAMESPACE)
    assert (rooms._clients, rooms._rooms, rooms.callbacks) == ({}, {}, {})


class CountingRooms(dict[str, Room]):
    """Counts how often a room is asked for, and whether anybody goes through all."""

    reads = 0

    def get(self, *args: Any) -> Any:
        self.reads += 1
        return super().get(*args)

    def __getitem__(self, name: str) -> Room:
        self.reads += 1
        return super().__getitem__(name)

    def __iter__(self) -> Any:
        raise AssertionError("somebody goes through all rooms")

    keys = values = items = __iter__


@pytest.mark.parametrize("others", [0, 1000])
def test_a_disconnect_costs_what_the_client_was_in(rooms: Rooms, others: int) -> None:
    """Not what there is: stock looks into every room of the namespace."""
    member, bystander = Member(rooms), Member(rooms)
    for number in range(others):
        rooms.basic_enter_room(bystander.sid, NAMESPACE, f"other {number}")
    for name in ("a", "b"):
        rooms.basic_enter_room(member.sid, NAMESPACE, name)
    counting = rooms._rooms[NAMESPACE] = CountingRooms(rooms._rooms[NAMESPACE])
    rooms.basic_disconnect(member.sid, NAMESPACE)
    assert counting.reads == 2
    assert len(counting) == others


# What they get


async def test_frames_of_one_turn_are_joined_and_written_once(
    rooms: Rooms, members: list[Member]
) -> None:
    first, second, third = members
    for text in ("1", "2", "3"):
        room(rooms, "a").send(frame(text), PUBLICATION)
    assert first.transport.writes == []
    await next_turn()
    assert (
        first.transport.writes == second.transport.writes == [frame("1") + frame("2") + frame("3")]
    )
    assert third.transport.writes == []
    room(rooms, "a").send(frame("4"), PUBLICATION)
    await next_turn()
    assert first.transport.writes[1:] == [frame("4")]
    await next_turn()
    assert len(first.transport.writes) == 2


async def test_who_enters_in_between_gets_what_follows(rooms: Rooms, members: list[Member]) -> None:
    first, _second, third = members
    room(rooms, "a").send(frame("before"), PUBLICATION)
    rooms.basic_enter_room(third.sid, NAMESPACE, "a")
    room(rooms, "a").send(frame("after"), PUBLICATION)
    await next_turn()
    assert (first.got, third.got) == (["before", "after"], ["after"])


@pytest.mark.parametrize("way", ["leave", "disconnect", "close"])
async def test_who_leaves_in_between_gets_what_came_before(
    rooms: Rooms, members: list[Member], way: str
) -> None:
    first, second, _third = members
    room(rooms, "a").send(frame("before"), PUBLICATION)
    if way == "leave":
        rooms.basic_leave_room(first.sid, NAMESPACE, "a")
    elif way == "disconnect":
        rooms.basic_disconnect(first.sid, NAMESPACE)
    else:
        rooms.basic_close_room("a", NAMESPACE)
    if (left := rooms.room(NAMESPACE, "a")) is not None:
        left.send(frame("after"), PUBLICATION)
    await next_turn()
    assert first.got == ["before"]
    assert second.got == ["before"] + ["after"] * (way != "close")


async def test_a_room_that_is_made_anew_has_forgotten_nothing(
    rooms: Rooms, members: list[Member]
) -> None:
    _first, _second, third = members
    room(rooms, "b").send(frame("1"), PUBLICATION)
    rooms.basic_close_room("b", NAMESPACE)
    rooms.basic_enter_room(third.sid, NAMESPACE, "b")
    room(rooms, "b").send(frame("2"), PUBLICATION)
    await next_turn()
    assert third.got == ["1", "2"]


async def test_a_member_that_is_cut_off_disturbs_nobody(
    rooms: Rooms, members: list[Member]
) -> None:
    first, second, _third = members
    first.transport.unsent_bytes = 1001  # bytes, of 1000
    first.connection.on_unsent(over_limit=True)
    first.transport.unsent_bytes = 1002
    room(rooms, "a").send(frame("1"), PUBLICATION)
    await next_turn()
    assert first.transport.calls == ["abort"]
    assert (first.got, second.got) == ([], ["1"])

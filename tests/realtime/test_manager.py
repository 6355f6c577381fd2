"""Clients and their rooms: who is in them, and that nothing is left when they are gone."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable
from typing import Any

import pytest

from app.realtime.client import Client
from app.realtime.manager import Manager
from app.realtime.packets import Packet
from tests.support.session import new_session, open_websocket

NAMESPACE = "/chat"


class Member:
    """A client of `NAMESPACE` on a WebSocket of its own, and what it got."""

    def __init__(self, manager: Manager, namespace: str = NAMESPACE) -> None:
        self.connection = new_session()
        self.transport = open_websocket(self.connection)
        self.clients: dict[str, Client] = {}
        self.client = self.enter(manager, namespace)
        self.sid = self.client.sid

    def enter(self, manager: Manager, namespace: str) -> Client:
        """Become a client of a namespace; again, if it is one already."""
        client = Client(manager.generate_sid(), namespace, self.connection, self.clients)
        client.connected = client.greeted = True
        self.clients[namespace] = client
        manager.add(client)
        return client

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
def manager() -> Manager:
    manager = Manager()
    manager.set_server(Engine())
    return manager


@pytest.fixture
def members(manager: Manager) -> list[Member]:
    """Three clients; the first two are in room `a`, the last two in `b`."""
    members = [Member(manager) for _number in range(3)]
    for room, inside in {"a": members[:2], "b": members[1:]}.items():
        for member in inside:
            manager.basic_enter_room(member.sid, NAMESPACE, room)
    return members


def end(manager: Manager, member: Member) -> None:
    """End a member, as the server does."""
    manager.pre_disconnect(member.sid, NAMESPACE)
    manager.basic_disconnect(member.sid, NAMESPACE)


def sids(manager: Manager, room: str) -> list[str]:
    return [sid for sid, _eio_sid in manager.get_participants(NAMESPACE, room)]


def test_a_client_is_in_the_rooms_that_it_entered(manager: Manager, members: list[Member]) -> None:
    first, second, third = members
    assert manager.get_rooms(second.sid, NAMESPACE)[0] == second.sid
    assert sorted(manager.get_rooms(second.sid, NAMESPACE)[1:]) == ["a", "b"]
    manager.basic_leave_room(first.sid, NAMESPACE, "a")
    manager.basic_leave_room(second.sid, NAMESPACE, "a")
    assert sids(manager, "a") == []
    assert manager.get_rooms(first.sid, NAMESPACE) == [first.sid]
    manager.basic_close_room("b", NAMESPACE)
    assert sids(manager, "b") == []
    assert manager.get_rooms(third.sid, NAMESPACE) == [third.sid]


def test_entering_and_leaving_twice_is_once(manager: Manager, members: list[Member]) -> None:
    first, second, _third = members
    manager.basic_enter_room(first.sid, NAMESPACE, "a")
    assert sids(manager, "a") == [first.sid, second.sid]
    for _time in range(2):
        manager.basic_leave_room(first.sid, NAMESPACE, "a")
    manager.basic_leave_room(first.sid, NAMESPACE, "nowhere")
    manager.basic_leave_room("nobody", NAMESPACE, "a")
    manager.basic_close_room("nowhere", NAMESPACE)
    assert sids(manager, "a") == [second.sid]


def test_nobody_enters_a_room_that_is_somebodys_id(manager: Manager, members: list[Member]) -> None:
    first, second, _third = members
    with pytest.raises(ValueError, match="sid room"):
        manager.basic_enter_room(first.sid, NAMESPACE, second.sid)
    with pytest.raises(ValueError, match="sid room"):
        manager.basic_close_room(second.sid, NAMESPACE)
    with pytest.raises(ValueError, match="not connected"):
        manager.basic_enter_room("nobody", NAMESPACE, "a")


def test_participants_are_pairs_of_ids(manager: Manager, members: list[Member]) -> None:
    pairs = [(member.sid, member.connection.sid) for member in members]
    assert list(manager.get_participants(NAMESPACE, None)) == pairs
    assert list(manager.get_participants(NAMESPACE, "a")) == pairs[:2]
    assert list(manager.get_participants(NAMESPACE, ["a", "b"])) == pairs
    assert list(manager.get_participants(NAMESPACE, members[2].sid)) == pairs[2:]
    assert list(manager.get_participants(NAMESPACE, "nowhere")) == []
    assert list(manager.get_participants("/nowhere", None)) == []


def test_namespaces_do_not_share_rooms(manager: Manager, members: list[Member]) -> None:
    other = Member(manager, "/other")
    manager.basic_enter_room(other.sid, "/other", "a")
    assert sorted(manager.get_namespaces()) == ["/chat", "/other"]
    assert list(manager.get_participants("/other", "a")) == [(other.sid, other.connection.sid)]
    assert not manager.is_connected(other.sid, NAMESPACE)
    manager.pre_disconnect(other.sid, "/other")
    manager.basic_disconnect(other.sid, "/other")
    assert sorted(manager.get_namespaces()) == ["/chat"]


def test_who_disconnects_is_nowhere(manager: Manager, members: list[Member]) -> None:
    _first, second, _third = members
    assert manager.is_connected(second.sid, NAMESPACE)
    assert manager.pre_disconnect(second.sid, NAMESPACE) == second.connection.sid
    assert not manager.is_connected(second.sid, NAMESPACE)
    assert second.clients == {}  # it may enter again
    for _time in range(2):
        manager.basic_disconnect(second.sid, NAMESPACE)
    assert manager.client(NAMESPACE, second.sid) is None
    assert manager.get_rooms(second.sid, NAMESPACE) == []
    assert manager.pre_disconnect(second.sid, NAMESPACE) is None
    assert manager.eio_sid_from_sid(second.sid, NAMESPACE) is None
    assert [second.sid in sids(manager, name) for name in ("a", "b")] == [False, False]


def test_an_end_leaves_the_connections_next_client_alone(manager: Manager) -> None:
    member = Member(manager)
    again = member.enter(manager, NAMESPACE)
    end(manager, member)
    assert member.clients == {NAMESPACE: again}
    assert manager.client(NAMESPACE, again.sid) is again


def test_an_end_leaves_alone_who_was_restored_under_its_id(manager: Manager) -> None:
    member, restored = Member(manager), Member(manager)
    end(manager, restored)
    restored.client.sid = member.sid
    restored.client.leaving = False
    manager.pre_disconnect(member.sid, NAMESPACE)
    manager.add(restored.client)
    manager.basic_disconnect(member.sid, NAMESPACE)
    assert manager.client(NAMESPACE, member.sid) is restored.client


def test_nothing_is_left_when_all_are_gone(manager: Manager, members: list[Member]) -> None:
    for member in members:
        manager._generate_ack_id(member.sid, lambda: None)
        end(manager, member)
    assert (manager._clients, manager._rooms, manager.callbacks) == ({}, {}, {})


class CountingRooms(dict[Hashable, dict[str, Client]]):
    """Counts how often a room is asked for, and whether anybody goes through all."""

    reads = 0

    def get(self, *args: Any) -> Any:
        self.reads += 1
        return super().get(*args)

    def __getitem__(self, name: Hashable) -> dict[str, Client]:
        self.reads += 1
        return super().__getitem__(name)

    def __iter__(self) -> Any:
        raise AssertionError("somebody goes through all rooms")

    keys = values = items = __iter__


@pytest.mark.parametrize("others", [0, 1000])
def test_a_disconnect_costs_what_the_client_was_in(manager: Manager, others: int) -> None:
    """Not what there is: stock looks into every room of the namespace."""
    member, bystander = Member(manager), Member(manager)
    for number in range(others):
        manager.basic_enter_room(bystander.sid, NAMESPACE, f"other {number}")
    for name in ("a", "b"):
        manager.basic_enter_room(member.sid, NAMESPACE, name)
    counting = manager._rooms[NAMESPACE] = CountingRooms(manager._rooms[NAMESPACE])
    end(manager, member)
    assert counting.reads == 2
    assert len(counting) == others


class Channels:
    """Rooms that are channels: those whose names begin with `#`."""

    def __init__(self) -> None:
        self.inside: dict[str, list[str]] = {}

    def covers(self, namespace: str, room: Any) -> bool:
        return isinstance(room, str) and room.startswith("#")

    async def enter(self, client: Client, room: str) -> None:
        self.inside.setdefault(room, []).append(client.sid)

    async def leave(self, client: Client, room: str) -> None:
        self.inside[room].remove(client.sid)

    def of(self, client: Client) -> Iterable[str]:
        return [room for room, inside in self.inside.items() if client.sid in inside]

    def members(self, namespace: str, room: str) -> Iterable[str]:
        return ["of another protocol~", *self.inside.get(room, ())]


async def test_rooms_that_are_channels_are_entered_and_left_as_such() -> None:
    channels = Channels()
    manager = Manager(channels)
    manager.set_server(Engine())
    first, second, third = members = [Member(manager) for _number in range(3)]
    for member in members:
        await manager.enter_room(member.sid, NAMESPACE, "#dev")
    await manager.enter_room(first.sid, NAMESPACE, "a")
    assert channels.inside == {"#dev": [member.sid for member in members]}
    assert sorted(manager.get_rooms(first.sid, NAMESPACE)) == sorted([first.sid, "#dev", "a"])
    await manager.leave_room(second.sid, NAMESPACE, "#dev")
    await manager.leave_room("nobody", NAMESPACE, "#dev")
    with pytest.raises(ValueError, match="not connected"):
        await manager.enter_room("nobody", NAMESPACE, "#dev")
    assert sids(manager, "#dev") == [first.sid, third.sid]
    await manager.emit("news", None, NAMESPACE, room="#dev")
    assert [member.got for member in members] == [['42/chat,["news"]'], [], ['42/chat,["news"]']]
    await manager.close_room("#dev", NAMESPACE)
    assert channels.inside == {"#dev": []}
    assert sids(manager, "a") == [first.sid]

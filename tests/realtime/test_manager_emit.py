"""python-socketio's `emit` to one, a room, several, all: one encoding, the right recipients."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.realtime import packets
from app.realtime.manager import Rooms
from app.transport import codec
from app.transport.frames import BINARY, TEXT, decode, encode
from tests.realtime.test_manager import NAMESPACE, PUBLICATION, Engine, Member, room


class Packet(packets.Packet):
    """Counts how many are made."""

    json = codec
    made = 0

    def encode(self) -> Any:
        Packet.made += 1
        return super().encode()


@pytest.fixture
def rooms() -> Rooms:
    server: Any = Engine()
    server.packet_class = Packet
    Packet.made = 0
    rooms = Rooms()
    rooms.set_server(server)
    return rooms


@pytest.fixture
def members(rooms: Rooms) -> list[Member]:
    """Four clients; the first two are in room `a`, the second and third in `b`."""
    members = [Member(rooms) for _number in range(4)]
    for name, inside in {"a": members[:2], "b": members[1:3]}.items():
        for member in inside:
            rooms.basic_enter_room(member.sid, NAMESPACE, name)
    return members


def recipients(members: list[Member]) -> list[int]:
    """Return who got anything, by number; nobody gets anything twice."""
    assert all(len(member.got) <= 1 for member in members)
    return [number for number, member in enumerate(members) if member.got]


SENT: dict[str, tuple[dict[str, Any], list[int]]] = {
    "all": ({}, [0, 1, 2, 3]),
    "a room": ({"room": "a"}, [0, 1]),
    "to is room": ({"to": "a"}, [0, 1]),
    "to before room": ({"to": "a", "room": "b"}, [0, 1]),
    "two rooms, each once": ({"room": ["a", "b"]}, [0, 1, 2]),
    "a tuple of rooms": ({"room": ("a", "b")}, [0, 1, 2]),
    "one": ({"room": "sid4"}, [3]),
    "one and a room": ({"room": ["sid4", "a"]}, [0, 1, 3]),
    "nobody": ({"room": "nowhere"}, []),
    "no room of several": ({"room": ["nowhere", "no one"]}, []),
    "no rooms": ({"room": []}, []),
    "all but one": ({"skip_sid": "sid2"}, [0, 2, 3]),
    "all but two": ({"skip_sid": ["sid2", "sid3"]}, [0, 3]),
    "a room but one": ({"room": "a", "skip_sid": "sid1"}, [1]),
    "one but that": ({"room": "sid1", "skip_sid": ["sid1"]}, []),
}


@pytest.mark.parametrize(("options", "expected"), SENT.values(), ids=SENT.keys())
async def test_it_reaches_whom_it_is_for(
    rooms: Rooms, members: list[Member], options: dict[str, Any], expected: list[int]
) -> None:
    await rooms.emit("news", {"n": 1}, NAMESPACE, **options)
    assert recipients(members) == expected
    assert {text for member in members for text in member.got} <= {'42/chat,["news",{"n":1}]'}
    assert Packet.made == (1 if expected else 0)


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (None, '["news"]'),
        ((), '["news"]'),
        (("a", 1), '["news","a",1]'),
        (["a", 1], '["news",["a",1]]'),
        ("text", '["news","text"]'),
        (0, '["news",0]'),
        ((None,), '["news",null]'),
    ],
)
async def test_a_tuple_is_several_arguments(
    rooms: Rooms, members: list[Member], data: Any, payload: str
) -> None:
    await rooms.emit("news", data, NAMESPACE, room="sid1")
    assert members[0].got == [f"42/chat,{payload}"]


async def test_binary_follows_its_event_in_one_write(rooms: Rooms, members: list[Member]) -> None:
    await rooms.emit("file", {"a": b"\x01", "b": [b"\x02\x03"]}, NAMESPACE, room="a")
    first, second = members[:2]
    [written] = first.transport.writes
    places = '{"_placeholder":true,"num":0},"b":[{"_placeholder":true,"num":1}]'
    assert list(decode(written)) == [
        (TEXT, f'452-/chat,["file",{{"a":{places}}}]'.encode()),
        (BINARY, b"\x01"),
        (BINARY, b"\x02\x03"),
    ]
    assert second.transport.writes == [written]


async def test_each_recipient_answers_with_an_id_of_its_own(
    rooms: Rooms, members: list[Member]
) -> None:
    answers: list[Any] = []
    await rooms.emit("ask", None, NAMESPACE, room="sid1", callback=lambda: answers.append(1))
    await rooms.emit("ask", None, NAMESPACE, room="a", callback=answers.append)
    assert members[0].got == ['42/chat,1["ask"]', '42/chat,2["ask"]']
    assert members[1].got == ['42/chat,1["ask"]']
    await rooms.trigger_callback("sid1", 2, ["first"])
    await rooms.trigger_callback("sid1", 2, ["again"])
    await rooms.trigger_callback("sid2", 1, ["second"])
    assert answers == ["first", "second"]


async def test_what_was_sent_to_the_room_before_comes_before(
    rooms: Rooms, members: list[Member]
) -> None:
    room(rooms, "a").send(encode(TEXT, b"first"), PUBLICATION)
    await rooms.emit("second", None, NAMESPACE, room="a")
    room(rooms, "a").send(encode(TEXT, b"third"), PUBLICATION)
    await asyncio.sleep(0)
    for member in members[:2]:
        assert member.got == ["first", '42/chat,["second"]', "third"]


async def test_nobody_is_sent_anything_in_a_namespace_without_clients(rooms: Rooms) -> None:
    await rooms.emit("news", None, "/nowhere")
    assert Packet.made == 0

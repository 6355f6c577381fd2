"""python-socketio's `emit` to one, a room, several, all: one encoding, the right recipients."""

from __future__ import annotations

from typing import Any

import pytest

from app.realtime import packets
from app.realtime.manager import Manager
from app.transport import codec
from app.transport.frames import BINARY, TEXT, decode
from tests.realtime.test_manager import NAMESPACE, Engine, Member


class Packet(packets.Packet):
    """Counts how many are made."""

    json = codec
    made = 0

    def encode(self) -> Any:
        Packet.made += 1
        return super().encode()


@pytest.fixture
def manager() -> Manager:
    server: Any = Engine()
    server.packet_class = Packet
    Packet.made = 0
    manager = Manager()
    manager.set_server(server)
    return manager


@pytest.fixture
def members(manager: Manager) -> list[Member]:
    """Four clients; the first two are in room `a`, the second and third in `b`."""
    members = [Member(manager) for _number in range(4)]
    for name, inside in {"a": members[:2], "b": members[1:3]}.items():
        for member in inside:
            manager.basic_enter_room(member.sid, NAMESPACE, name)
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
    manager: Manager, members: list[Member], options: dict[str, Any], expected: list[int]
) -> None:
    await manager.emit("news", {"n": 1}, NAMESPACE, **options)
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
    manager: Manager, members: list[Member], data: Any, payload: str
) -> None:
    await manager.emit("news", data, NAMESPACE, room="sid1")
    assert members[0].got == [f"42/chat,{payload}"]


async def test_binary_follows_its_event_in_one_write(
    manager: Manager, members: list[Member]
) -> None:
    await manager.emit("file", {"a": b"\x01", "b": [b"\x02\x03"]}, NAMESPACE, room="a")
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
    manager: Manager, members: list[Member]
) -> None:
    answers: list[Any] = []
    await manager.emit("ask", None, NAMESPACE, room="sid1", callback=lambda: answers.append(1))
    await manager.emit("ask", None, NAMESPACE, room="a", callback=answers.append)
    assert members[0].got == ['42/chat,1["ask"]', '42/chat,2["ask"]']
    assert members[1].got == ['42/chat,1["ask"]']
    await manager.trigger_callback("sid1", 2, ["first"])
    await manager.trigger_callback("sid1", 2, ["again"])
    await manager.trigger_callback("sid2", 1, ["second"])
    assert answers == ["first", "second"]


async def test_nobody_is_sent_anything_in_a_namespace_without_clients(manager: Manager) -> None:
    await manager.emit("news", None, "/nowhere")
    assert Packet.made == 0

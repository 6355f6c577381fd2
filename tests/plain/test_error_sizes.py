"""An error is small, whatever a client has sent, and on whichever way it came in."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, Final

import pytest

from tests.fixtures.clients import OpenWire
from tests.fixtures.logs import Logs
from tests.plain.conftest import Open
from tests.support.tokens import SERVICE, token

MOST_BYTES: Final = 4096
LONG: Final = "\u202e开\x00" * 20_000
KEYS: Final = {f"key {number} \x01": number for number in range(20_000)}
NAME: Final = "開" * 1024  # as long as a name may be

#: Requests that fail, as event and argument; `null` stands for none.
REQUESTS: Final[dict[str, tuple[str, Any]]] = {
    "unknown keys": ("join", {"channel": "dev-team", **KEYS}),
    "unknown keys further in": ("join", {"channel": "dev-team", "since": KEYS}),
    "a long key": ("join", {"channel": "dev-team", LONG: 1}),
    "a long channel": ("join", {"channel": LONG}),
    "a forbidden channel": ("history", {"channel": NAME}),
    "members of a forbidden channel": ("presence", {"channel": NAME}),
    "publishing where that is forbidden": (
        "user_message",
        {"channel": NAME, "data": {"content": ""}},
    ),
    "a long token": ("authenticate", {"token": LONG}),
    "a long nonce": ("user_message", {"channel": "a", "data": {"content": ""}, "nonce": LONG}),
    "half a character": ("join", {"channel": "\ud800"}),
    "half a character in data": ("user_message", {"channel": "a", "data": {"\ud800": "\udc00"}}),
    "a long type": (LONG, {"channel": "a", "data": {}}),
    "a type that is nearly one": ("user_messag" + "e" * 50, {"channel": "a", "data": {}}),
    "a list": ("join", [LONG]),
}
GRANTED: Final = "circles:a:rw"

each_request = pytest.mark.parametrize(
    ("event", "argument"), REQUESTS.values(), ids=REQUESTS.keys()
)


@each_request
async def test_an_acknowledgement_is_small(
    open_wire: OpenWire, logs: Logs, event: str, argument: Any
) -> None:
    wire = await (await open_wire()).join("/circles", token("eve", "user", GRANTED))
    await wire.send("42/circles,1" + json.dumps([event, argument]))
    answer = await wire.next("43/circles,1")
    assert '"ok":false' in answer
    assert len(answer.encode()) < MOST_BYTES // 2  # an event has the same twice
    assert logs.tracebacks() == []


@each_request
async def test_so_is_an_event(open_wire: OpenWire, event: str, argument: Any) -> None:
    wire = await (await open_wire()).join("/circles", token("eve", "user", GRANTED))
    await wire.send("42/circles," + json.dumps([event, argument]))
    assert len((await wire.next('42/circles,["error"')).encode()) < MOST_BYTES


@each_request
async def test_so_is_a_frame_of_many_channels(
    open_plain: Open, logs: Logs, event: str, argument: Any
) -> None:
    client = await open_plain("/ws/channels", token("eve", "user", GRANTED))
    await client.next("connection_ack")
    whole = argument if isinstance(argument, dict) else {"argument": argument}
    message = {"type": event, "namespace": "/circles", **whole}
    for asked in (message, message | {"id": 1}):
        await client.send(asked)
        answer = await client.read()
        assert answer["ok"] is False
        assert len(json.dumps(answer, ensure_ascii=False).encode()) < MOST_BYTES
    assert logs.tracebacks() == []


FRAMES: Final[dict[str, tuple[str, Any]]] = {
    "unknown keys": ("/ws/circles/a", {"type": "user_message", "data": {}, **KEYS}),
    "a long type": ("/ws/circles/a", {"type": LONG}),
    "half a character as nonce": ("/ws/circles/a", {"type": "user_message", "nonce": "\ud800"}),
    "half a character as id": ("/ws/channels", {"type": "join", "id": "\ud800"}),
    "no topics": ("/ws", {"action": "subscribe", "topics": KEYS}),
    "half a character as a topic": ("/ws", {"action": "unsubscribe", "topics": ["\ud800"]}),
    "a topic": ("/ws", {"action": "subscribe", "topics": [f"circles:{LONG}"]}),
    "a topic of nothing": ("/ws", {"action": "subscribe", "topics": [LONG]}),
    "many topics": ("/ws", {"action": "subscribe", "topics": list(KEYS)}),
}


@pytest.mark.parametrize(("path", "message"), FRAMES.values(), ids=FRAMES.keys())
async def test_so_is_that_of_every_path(
    open_plain: Open, logs: Logs, path: str, message: Any
) -> None:
    client = await open_plain(path, SERVICE)
    await client.send({"action": "subscribe", "topics": []} if path == "/ws" else {"type": "ping"})
    await client.next("subscribed" if path == "/ws" else "pong")
    await client.send(message)
    answer = await client.next("error")
    assert answer["data"]["code"] == "invalid"
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < MOST_BYTES
    assert logs.tracebacks() == []


async def test_so_is_that_of_a_token(open_plain: Open, logs: Logs) -> None:
    for message in ({"type": "auth", "token": "x", **KEYS}, {"type": "auth", "token": LONG}):
        client = await open_plain("/ws/circles/a", None)
        await client.send(message)
        assert len(await client.socket.receive_str()) < MOST_BYTES
    assert all(len(str(line)) < MOST_BYTES for line in logs.lines)


async def test_so_is_the_answer_to_a_connect(open_wire: OpenWire) -> None:
    wire = await open_wire()
    long = LONG[:6_000]  # who isn't let in yet may send 64 kB
    for token_of_any_kind in (long, [long], dict(islice(KEYS.items(), 1_000))):
        await wire.send("40/circles," + json.dumps({"token": token_of_any_kind}))
        assert len((await wire.next("44/circles,")).encode()) < MOST_BYTES
    await wire.send(f"40/{long},")
    await wire.closed()

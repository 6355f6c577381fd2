"""Events from clients are requests: each is answered, and none reaches what isn't one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB
from app.core.errors import Internal
from namespaces.requests import REQUESTS
from schemas.type_names import RESERVED
from tests.fixtures.clients import Connect, OpenWire
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.client import Client
from tests.support.raw import raw_websocket
from tests.support.tokens import ALICE, BOB

NO_REQUESTS = [
    *("connect", "disconnect", "connect_error", "connection_ack", "error", "pong", "message", "*"),
    *("__init__", "__class__", "trigger_event", "on_connect", "on_request", "on_connected", "emit"),
    *(
        "join2",
        "Join",
        "join ",
        "_join",
        "",
        " ",
        "path",
        "hub",
        "file_changed",
        "my_plugin_update",
    ),
    *("\x00", "öffne", "x" * 100),
]


@pytest.fixture
async def alice(connect: Connect) -> Client:
    """A client in `/circles`."""
    return await connect()


def message(content: Any = "Hello", **further: Any) -> dict[str, Any]:
    return {"channel": "dev-team", "data": {"content": content}, **further}


@pytest.mark.parametrize("event", NO_REQUESTS)
async def test_what_is_no_request_is_called_so(alice: Client, logs: Logs, event: str) -> None:
    answer = await alice.request(event, message())
    assert answer["ok"] is False
    assert answer["error"]["code"] == "invalid"
    assert list(answer["error"]["fields"]) == ["type"]
    assert (await alice.request("ping"))["ok"] is True
    assert not alice.disconnected.is_set()
    assert logs.events() == []


@pytest.mark.parametrize("event", ["circle_status", "agent_joined", "agent_message"])
async def test_a_type_that_is_not_the_users_to_publish_is_forbidden(
    alice: Client, event: str
) -> None:
    answer = await alice.request(event, message())
    assert answer["error"]["code"] == "forbidden"


async def test_our_own_failure_is_in_the_log_and_not_in_the_answer(
    server: TestServer, alice: Client, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: Any) -> None:
        raise RuntimeError("the secret of /etc/hearth")

    monkeypatch.setattr(server.app[HUB], "presence", fail)
    answer = await alice.request("presence", {"channel": "dev-team"})
    assert answer == {"ok": False, "error": Internal().to_dict()}
    [line] = logs.lines
    assert line["log_level"] == "error"
    assert line["exception"].count("RuntimeError: the secret of /etc/hearth") == 1
    assert (await alice.request("ping"))["ok"] is True


async def test_our_own_failure_without_an_ack_is_an_error_event(
    server: TestServer, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_args: Any) -> None:
        raise RuntimeError("the secret of /etc/hearth")

    monkeypatch.setattr(server.app[HUB], "presence", fail)
    await alice.send("presence", {"channel": "dev-team"})
    error = await alice.next("error")
    assert error["data"] == error["error"] == Internal().to_dict()
    assert "secret" not in json.dumps(error)


async def test_a_slow_request_is_not_overtaken(
    server: TestServer, alice: Client, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await connect(token=BOB)
    hub, reached, gate = server.app[HUB], asyncio.Event(), asyncio.Event()
    publish_as = hub.publish_as

    async def publish_slowly(*arguments: Any) -> Any:
        reached.set()
        await gate.wait()
        return publish_as(*arguments)

    monkeypatch.setattr(
        hub, "publish_as", lambda *arguments: asyncio.create_task(publish_slowly(*arguments))
    )
    answered: list[str] = []

    async def ask(event: str, argument: Any) -> Any:
        answer = await alice.request(event, argument)
        answered.append(event)
        return answer

    requests = []
    for name, argument in [("user_message", message()), ("history", {"channel": "dev-team"})]:
        requests.append(asyncio.create_task(ask(name, argument)))
        await reached.wait()
    for _round in range(20):  # others are served meanwhile, and the second request has long arrived
        await bob.request("ping")
    assert answered == []
    gate.set()
    _sent, history = await asyncio.gather(*requests)
    assert answered == ["user_message", "history"]
    assert [one["type"] for one in history["messages"]] == ["user_message"]


@pytest.mark.parametrize("count", [0, 2, 3])
@pytest.mark.parametrize(
    "event", ["join", "leave", "history", "presence", "authenticate", "user_message"]
)
async def test_a_request_takes_one_argument(open_wire: OpenWire, event: str, count: int) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    arguments = [{"channel": "dev-team"}] * count
    answer = await wire.request(json.dumps([event, *arguments]))
    assert answer["error"]["code"] == "invalid"
    assert answer["error"]["fields"]
    assert await wire.settle()


WRONG_ARGUMENTS: dict[str, tuple[str, Any, str]] = {
    "null": ("join", None, ""),
    "text": ("join", "dev-team", ""),
    "number": ("join", 7, ""),
    "list": ("join", [], ""),
    "boolean": ("join", True, ""),
    "no channel": ("join", {}, "channel"),
    "channel null": ("join", {"channel": None}, "channel"),
    "channel a number": ("join", {"channel": 7}, "channel"),
    "channel a list": ("join", {"channel": ["a"]}, "channel"),
    "channel empty": ("join", {"channel": ""}, "channel"),
    "channel too long": ("join", {"channel": "x" * 256}, "channel"),
    "channel ends with a newline": ("join", {"channel": "dev-team\n"}, "channel"),
    "channel not in NFC": ("join", {"channel": "e\u0301lan"}, "channel"),
    "channel like a session id": ("join", {"channel": "AAAA~"}, "channel"),
    "channel with a lone surrogate": ("join", {"channel": "\ud800"}, "channel"),
    "unknown key": ("join", {"channel": "c", "chanel": "c"}, "chanel"),
    "since text": ("join", {"channel": "c", "since": "1"}, "since"),
    "since incomplete": ("join", {"channel": "c", "since": {"offset": 1}}, "since.epoch"),
    "offset text": (
        *("join", {"channel": "c", "since": {"offset": "1", "epoch": "e"}}),
        "since.offset",
    ),
    "offset negative": (
        *("join", {"channel": "c", "since": {"offset": -1, "epoch": "e"}}),
        "since.offset",
    ),
    "history a boolean": ("join", {"channel": "c", "history": True}, "history"),
    "history NaN": ("join", {"channel": "c", "history": float("nan")}, "history"),
    "history negative": ("join", {"channel": "c", "history": -1}, "history"),
    "history too much": ("join", {"channel": "c", "history": 1001}, "history"),
    "limit a fraction": ("history", {"channel": "c", "limit": 1.5}, "limit"),
    "limit infinite": ("history", {"channel": "c", "limit": float("inf")}, "limit"),
    "before zero": ("history", {"channel": "c", "before": 0}, "before"),
    "token a number": ("authenticate", {"token": 7}, "token"),
    "no data": ("user_message", {"channel": "c"}, "data"),
    "data a list": ("user_message", {"channel": "c", "data": []}, "data"),
    "no content": ("user_message", {"channel": "c", "data": {}}, "data.content"),
    "content a number": ("user_message", message(7), "data.content"),
    "content a lone surrogate": ("user_message", message("\udfff"), "data"),
    "nested": ("user_message", message([[[[[[[[[[]]]]]]]]]]), "data.content"),
    "nonce a number": ("user_message", message(nonce=7), "nonce"),
    "nonce too long": ("user_message", message(nonce="x" * 129), "nonce"),
    "sender set": ("user_message", message(sender={"id": "bob", "kind": "user"}), "sender"),
    "timestamp set": ("user_message", message(timestamp="2026-11-20T12:00:00Z"), "timestamp"),
}


@pytest.mark.parametrize(
    ("event", "argument", "field"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS.keys()
)
async def test_a_wrong_argument_is_named(
    alice: Client, logs: Logs, event: str, argument: Any, field: str
) -> None:
    answer = await alice.request(event, (argument,) if argument is None else argument)
    assert answer["error"]["code"] == "invalid"
    assert field in answer["error"]["fields"]
    assert (await alice.request("join", {"channel": "dev-team"}))["ok"] is True
    assert logs.events() == []


async def test_what_json_cannot_say_is_named(alice: Client) -> None:
    data = {"content": "", "more": [float("nan")]}
    answer = await alice.request("user_message", {"channel": "dev-team", "data": data})
    assert answer["error"]["code"] == "invalid"
    assert "NaN" in answer["error"]["fields"]["data"]


async def test_ten_thousand_lists_in_each_other_are_too_deep(open_wire: OpenWire) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    nested = "[" * 10_000 + "]" * 10_000
    data = f'{{"channel":"c","data":{{"content":"","x":{nested}}}}}'
    answer = await wire.request(f'["user_message",{data}]')
    assert answer["error"]["code"] == "invalid"
    assert "deep" in answer["error"]["fields"]["data"]
    assert await wire.settle()


async def test_a_message_over_the_limit_is_too_large_and_the_next_one_passes(
    serve: Serve, connect: Connect
) -> None:
    server = await serve(max_message_bytes=100_000)
    client = await connect(url=str(server.make_url("")))
    answer = await client.request("user_message", message("x" * 100_000))
    assert answer["error"]["code"] == "too_large"
    assert "100000" in answer["error"]["fields"]["data"]
    assert (await client.request("user_message", message("x" * 99_000)))["ok"] is True


async def test_a_megabyte_is_over_the_limit_that_is_set_by_default(alice: Client) -> None:
    answer = await alice.request("user_message", message("x" * 1_000_000))
    assert answer["error"]["code"] == "too_large"
    assert (await alice.request("user_message", message()))["ok"] is True


async def test_a_key_that_is_no_text_is_an_error_like_any_other(
    open_wire: OpenWire, logs: Logs
) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    answer = await wire.request('["join",{"channel":"c","\\ud800":1}]')
    assert answer["error"]["code"] == "invalid"
    assert logs.events() == []


async def test_a_token_that_is_no_text_is_refused_like_any_other(
    open_wire: OpenWire, logs: Logs
) -> None:
    wire = await open_wire()
    await wire.send('40/circles,{"token":"\\ud800"}')
    assert '"code":"unauthorized"' in await wire.next("44/circles,")
    assert [line["reason"] for line in logs.refusals()] == ["token"]
    assert logs.tracebacks() == []


async def test_who_says_everything_at_once_is_answered_in_order(
    server: TestServer, logs: Logs
) -> None:
    path = "/socket.io/?EIO=4&transport=websocket"
    channel = '"channel":"dev-team"'
    async with raw_websocket(server) as client:
        client.write_head(
            *("GET", path, "Connection: Upgrade", "Upgrade: websocket"),
            *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        )
        client.write(f'40/circles,{{"token":"{ALICE}"}}')
        client.write(f'42/circles,1["join",{{{channel}}}]')
        client.write(f'42/circles,2["user_message",{{{channel},"data":{{"content":"Hello"}}}}]')
        client.write(f'42/circles,3["leave",{{{channel}}}]')
        assert (await client.response()).status == 101
        packets = [str(packet) for packet in await client.until("43/circles,3")]
    beginnings = [
        *(
            '0{"sid"',
            '40/circles,{"sid"',
            '42/circles,["connection_ack"',
            '43/circles,1[{"ok":true',
        ),
        *('43/circles,2[{"ok":true', '42/circles,["user_message"', '43/circles,3[{"ok":true'),
    ]
    assert [packet[: len(begin)] for packet, begin in zip(packets, beginnings, strict=True)] == (
        beginnings
    )
    assert logs.events() == []


def test_no_type_of_message_can_have_the_name_of_a_request() -> None:
    assert REQUESTS.keys() <= RESERVED

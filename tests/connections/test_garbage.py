"""Frames that are no packets end their own connection, quietly, and nobody else's."""

from __future__ import annotations

import json

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.realtime.peer import FREE_CONNECTS
from tests.fixtures.clients import Connect, OpenWire
from tests.fixtures.logs import BAD_PACKET, Logs
from tests.fixtures.servers import Serve
from tests.support.raw import raw_websocket
from tests.support.tokens import ALICE, BOB

CONNECT = "40/circles," + json.dumps({"token": ALICE})
NO_PACKETS: dict[str, list[str | bytes]] = {
    "empty message": ["4"],
    "no type": ["4x"],
    "unknown type": ["49"],
    "event without payload": ["42"],
    "event without payload, in a namespace": ["42/circles,"],
    "payload is an object": ['42/circles,{"a":1}'],
    "payload is empty": ["42/circles,[]"],
    "payload is null": ["42/circles,null"],
    "name is a number": ["42/circles,[1]"],
    "name is null": ["42/circles,[null]"],
    "payload ends early": ["42/circles,["],
    "payload goes on": ['42/circles,["ping"]x'],
    "no comma after the namespace": ['42/circles["ping"]'],
    "arabic digit for a type": ['4\u0662/circles,["ping"]'],
    "arabic digits for an id": ['42/circles,\u0661["ping"]'],
    "id too long": ['42/circles,12345678901234567["ping"]'],
    "negative id": ['42/circles,-1["ping"]'],
    "attachments on a text event": ['421-/circles,["ping"]'],
    "a text frame for an attachment": ['451-/circles,["ping"]', '42/circles,["ping"]'],
    "json for an attachment": ['451-/circles,["ping"]', '4{"a":1}'],
    "one attachment too many": ['451-/circles,["ping"]', b"one", b"two"],
    "more attachments than anybody has": ['4599999999999-/circles,["ping"]'],
    "more attachments than are allowed": ['4511-/circles,["ping"]'],
    "attachments uncounted": ['45/circles,["ping"]'],
    "a placeholder of no attachment": ['451-/circles,["x",{"_placeholder":true,"num":9}]', b"one"],
    "a placeholder of text": ['451-/circles,["x",{"_placeholder":true,"num":"0"}]', b"one"],
    "binary unannounced": [b"\x00\x01"],
    "a second CONNECT": [CONNECT],
    "CONNECT with half a list": ["40/chat,[1"],
    "DISCONNECT with a payload": ['41/circles,{"a":1}'],
    "ACK without an id": ["43/circles,[1]"],
    "ACK without a list": ["43/circles,1{}"],
    "an error that is the server's to send": ['44/circles,{"message":"no"}'],
    "nested too deep to be an event": ['42/circles,[{"a":' + "[" * 10_000],
    "binary event nested too deep": [
        f'451-/circles,["x",{"[" * 1000}{{"_placeholder":true,"num":0}}{"]" * 1000}]',
        b"one",
    ],
}
NEVER_CONNECTED: dict[str, list[str | bytes]] = {
    "event": ['42/circles,["ping"]'],
    "event for an ack": ['42/circles,1["ping"]'],
    "event in the default namespace": ['42["ping"]'],
    "binary event": ['451-/circles,["ping"]', b"one"],
    "binary": [b"one"],
}


@pytest.mark.parametrize("frames", NO_PACKETS.values(), ids=NO_PACKETS.keys())
async def test_what_is_no_packet_ends_its_connection(
    server: TestServer,
    connect: Connect,
    open_wire: OpenWire,
    logs: Logs,
    frames: list[str | bytes],
) -> None:
    bystander = await connect(token=BOB)
    wire = await (await open_wire()).join("/circles", ALICE)
    for frame in frames:
        await wire.send(frame)
    await wire.closed()

    assert logs.events() == [BAD_PACKET]
    assert logs.tracebacks() == []
    assert wire.sid not in server.app[SERVER].eio.sockets
    assert (await bystander.request("ping"))["ok"] is True
    assert not bystander.disconnected.is_set()


@pytest.mark.parametrize("frames", NEVER_CONNECTED.values(), ids=NEVER_CONNECTED.keys())
async def test_who_talks_before_connecting_is_sent_away(
    open_wire: OpenWire, logs: Logs, frames: list[str | bytes]
) -> None:
    wire = await open_wire()
    for frame in frames:
        await wire.send(frame)
    await wire.closed()
    assert logs.events() == [BAD_PACKET]


async def test_the_members_are_told_that_who_sent_garbage_is_gone(
    connect: Connect, open_wire: OpenWire
) -> None:
    bystander = await connect(token=BOB)
    await bystander.join()
    wire = await (await open_wire()).join("/circles", ALICE)
    await wire.send('42/circles,1["join",{"channel":"dev-team"}]')
    await wire.next("43/circles,1")
    await wire.send("4x")
    await wire.closed()
    presence = await bystander.request("presence", {"channel": "dev-team"})
    assert [one["id"] for one in presence["members"]] == ["bob"]


async def test_nothing_is_done_with_what_follows_garbage(
    server: TestServer, open_wire: OpenWire, logs: Logs
) -> None:
    """The frames behind a bad one are read already when the connection is closed for it."""
    wire = await open_wire()
    for frame in ["4x", CONNECT, '42/circles,1["ping"]', "4x"]:
        await wire.send(frame)
    await wire.closed()
    assert logs.events() == [BAD_PACKET]
    assert list(server.app[SERVER].manager.get_namespaces()) == []


async def test_an_event_that_meets_the_end_of_its_namespace_ends_no_other(
    open_wire: OpenWire, logs: Logs
) -> None:
    """When a token ends, the client's last requests are still on their way."""
    wire = await (await open_wire()).join("/circles", ALICE)
    await wire.join("/chat", ALICE)
    for frame in ["41/circles,", '42/circles,1["ping"]', '42/chat,1["ping"]']:
        await wire.send(frame)
    assert '"ok":true' in await wire.next("43/chat,1")
    assert logs.events() == []


async def test_an_empty_frame_for_an_attachment_is_an_attachment(open_wire: OpenWire) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    await wire.send('451-/circles,7["join",{"_placeholder":true,"num":0}]')
    await wire.send(b"")
    assert '"code":"invalid"' in await wire.next("43/circles,7")


async def test_a_binary_event_without_attachments_is_an_event(open_wire: OpenWire) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    await wire.send('450-/circles,7["ping",1]')
    assert '"ok":true' in await wire.next("43/circles,7")


async def test_binary_data_is_no_json_and_says_so(open_wire: OpenWire) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    data = '{"channel":"c","data":{"content":{"_placeholder":true,"num":0}}}'
    await wire.send(f'451-/circles,7["user_message",{data}]')
    await wire.send(b"\xff")
    [answer] = json.loads((await wire.next("43/circles,7")).removeprefix("43/circles,7"))
    assert answer["error"]["code"] == "invalid"
    assert list(answer["error"]["fields"]) == ["data"]


async def test_a_frame_beyond_all_limits_ends_the_connection(
    open_wire: OpenWire, connect: Connect, logs: Logs
) -> None:
    bystander = await connect(token=BOB)
    wire = await (await open_wire()).join("/circles", ALICE)
    await wire.send('42/circles,1["ping","' + "x" * 2_100_000 + '"]')
    await wire.closed()
    assert (await bystander.request("ping"))["ok"] is True
    assert logs.tracebacks() == []


# Known defects of the stock engine, which app/realtime/packets.py can't reach: it fails before.
ENGINE_DEFECTS: dict[str, str] = {
    "empty frame": "",
    "no engine type": "x",
    "unknown engine type": "7ping",
    "engine type of another alphabet": '\u06642/circles,["ping"]',
    "nested too deep for the engine": "4" + "[" * 10_000,
    "base64 that is none": "bA",
}


@pytest.mark.parametrize("frame", ENGINE_DEFECTS.values(), ids=ENGINE_DEFECTS.keys())
async def test_what_is_no_engine_packet_ends_its_connection(
    server: TestServer, open_wire: OpenWire, logs: Logs, frame: str
) -> None:
    wire = await (await open_wire()).join("/circles", ALICE)
    await wire.send(frame)
    assert not await wire.settle()
    assert logs.tracebacks() == []
    assert wire.sid not in server.app[SERVER].eio.sockets


async def test_a_failure_while_connecting_leaves_nothing_behind(
    server: TestServer, open_wire: OpenWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_token: str | None) -> None:
        raise ValueError("a defect of ours")

    handler = server.app[SERVER].namespace_handlers["/circles"]
    monkeypatch.setattr(handler._authenticator, "identify", fail)
    wire = await open_wire()
    await wire.send(CONNECT)
    refusal = await wire.next("44/circles,")
    assert '"code":"internal"' in refusal
    assert "a defect" not in refusal
    assert list(server.app[SERVER].manager.get_namespaces()) == []


async def test_who_connects_again_and_again_is_closed(serve: Serve) -> None:
    async with raw_websocket(await serve(messages_per_second=5)) as raw:
        await raw.engine()
        for number in range(FREE_CONNECTS + 20):
            raw.write('40/circles,{"token":"bad"}' if number % 2 else "40/nowhere,")
        refused = [str(await raw.next()) for _number in range(FREE_CONNECTS + 10)]
        assert all(one.startswith("44/") for one in refused)
        await raw.closed()

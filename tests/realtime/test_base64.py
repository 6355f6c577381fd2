"""Binary as text: a `b` and base64 instead of binary frames, for clients that ask for it."""

from __future__ import annotations

import json

import pytest

from app.realtime.manager import Manager
from app.realtime.server import Server
from tests.fixtures.logs import BAD_PACKET, Logs
from tests.fixtures.servers import ServePlain
from tests.realtime.test_server import echo_server
from tests.support.node import NodeDriver
from tests.support.raw import raw_websocket

BYTES = [0, 1, 2, 255]
BUFFER = {"type": "Buffer", "data": BYTES}  # as Node writes it in JSON
EVENT = '451-["message",{"_placeholder":true,"num":0}]'
BACK = '451-["message-back",{"_placeholder":true,"num":0}]'


@pytest.mark.parametrize("in_base64", [True, False])
async def test_bytes_go_both_ways(
    serve_plain: ServePlain, node: NodeDriver, transport: str, in_base64: bool
) -> None:
    url = str((await serve_plain(echo_server())).make_url(""))
    client = await node.connect(url, "/", transport, forceBase64=in_base64)
    client.send("message", {"$bytes": BYTES}, {"and": [{"$bytes": BYTES}]})
    await client.next("message-back")
    [line] = [line for line in client.happened if line.get("event") == "message-back"]
    assert line["args"] == [BUFFER, {"and": [BUFFER]}]
    assert await client.request("message-with-ack", {"$bytes": BYTES}) == BUFFER
    assert client.moments("disconnect") == []


@pytest.mark.parametrize(
    ("query", "answer"), [("&b64=1", "bAAEC/w=="), ("&b64=", bytes(BYTES)), ("", bytes(BYTES))]
)
async def test_text_is_taken_from_everybody_and_given_to_who_asks(
    serve_plain: ServePlain, query: str, answer: str | bytes
) -> None:
    async with raw_websocket(await serve_plain(echo_server())) as socket:
        await socket.engine(f"EIO=4&transport=websocket{query}")
        socket.write("40")
        await socket.until('42["auth"')
        for packet in ("bAAEC/w==", bytes(BYTES)):
            socket.write(EVENT)
            socket.write(packet)
            assert [await socket.next(), await socket.next()] == [BACK, answer]
        assert await socket.answers_ping()


async def test_what_is_emitted_to_many_is_text_only_for_who_asks(serve_plain: ServePlain) -> None:
    realtime = Server(Manager())
    realtime.on("connect", lambda _sid, _environ: None)
    server = await serve_plain(realtime)
    async with raw_websocket(server) as one, raw_websocket(server) as other:
        for socket, query in ((one, "&b64=1"), (other, "")):
            await socket.engine(f"EIO=4&transport=websocket{query}")
            socket.write("40")
            await socket.until("40")
        await realtime.emit("news", (bytes(BYTES), "€" * 100))
        text = '451-["news",{"_placeholder":true,"num":0},' + json.dumps(
            "€" * 100, ensure_ascii=False
        )
        assert await one.next() == await other.next() == f"{text}]"
        assert (await one.next(), await other.next()) == ("bAAEC/w==", bytes(BYTES))
        await realtime.eio.disconnect()
        assert (await one.close_code(), await other.close_code()) == (1000, 1000)


@pytest.mark.parametrize("packet", ["bA", "b!", "b€", "bAQID\n"])
async def test_what_is_no_base64_ends_the_connection(
    serve_plain: ServePlain, logs: Logs, packet: str
) -> None:
    async with raw_websocket(await serve_plain(echo_server())) as socket:
        await socket.engine()
        socket.write("40")
        await socket.until('42["auth"')
        socket.write(EVENT)
        socket.write(packet)
        await socket.closed()
    assert logs.events() == [BAD_PACKET]

"""The server without Hearth's namespaces: plain handlers, byte for byte on the wire.

What the official Socket.IO protocol suite asks of a server is asked here too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio

from app.realtime.manager import Manager
from app.realtime.server import Server
from tests.fixtures.logs import BAD_PACKET, Logs
from tests.fixtures.servers import ServePlain
from tests.support.raw import RawWebSocket, raw_websocket

PLACES = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


def echo_server() -> Server:
    """Return a server that greets with what the client brought, and sends back what it says."""
    server = Server(Manager())
    for namespace in ("/", "/custom"):

        async def connect(
            sid: str, _environ: dict[str, Any], auth: Any, namespace: str = namespace
        ) -> None:
            await server.emit("auth", auth or {}, to=sid, namespace=namespace)

        async def message(sid: str, *args: Any, namespace: str = namespace) -> None:
            await server.emit("message-back", args, to=sid, namespace=namespace)

        async def message_with_ack(_sid: str, *args: Any) -> tuple[Any, ...]:
            return args

        server.on("connect", connect, namespace=namespace)
        server.on("message", message, namespace=namespace)
        server.on("message-with-ack", message_with_ack, namespace=namespace)
    return server


@pytest.fixture
def realtime() -> Server:
    return echo_server()


@pytest.fixture
async def socket(realtime: Server, serve_plain: ServePlain) -> AsyncIterator[RawWebSocket]:
    """An Engine.IO session that is in no namespace yet."""
    async with raw_websocket(await serve_plain(realtime)) as socket:
        await socket.engine()
        yield socket


@pytest.fixture
async def joined(socket: RawWebSocket) -> RawWebSocket:
    """A client of the main namespace."""
    socket.write("40")
    await socket.until('42["auth",{}]')
    return socket


@pytest.mark.parametrize("namespace", ["", "/custom,"])
@pytest.mark.parametrize("auth", ["", '{"token":"123"}'])
async def test_what_a_connect_handler_emits_comes_after_the_reply(
    socket: RawWebSocket, namespace: str, auth: str
) -> None:
    socket.write(f"40{namespace}{auth}")
    reply = str(await socket.next())
    assert reply.startswith(f"40{namespace}")
    assert list(json.loads(reply.removeprefix(f"40{namespace}"))) == ["sid"]
    assert await socket.next() == f'42{namespace}["auth",{auth or "{}"}]'


async def test_an_unknown_namespace_is_refused_with_an_object(socket: RawWebSocket) -> None:
    socket.write("40/random")
    refused = str(await socket.next())
    assert refused.startswith('44/random,{"message":"Invalid namespace","data":{"code":"invalid",')


async def test_who_is_refused_hears_why_and_is_in_no_namespace(
    realtime: Server, socket: RawWebSocket
) -> None:
    async def refuse(_sid: str, _environ: Any, auth: Any) -> bool:
        if auth == {"a": 1}:
            raise socketio.exceptions.ConnectionRefusedError("no", {"code": 7})
        return False

    realtime.on("connect", refuse, namespace="/custom")
    socket.write('40/custom,{"a":1}')
    assert await socket.next() == '44/custom,{"message":"no","data":{"code":7}}'
    socket.write("40/custom,")
    assert await socket.next() == '44/custom,{"message":"Connection rejected by server"}'
    assert list(realtime.manager.get_namespaces()) == []


async def test_leaving_a_namespace_leaves_the_others_alone(joined: RawWebSocket) -> None:
    joined.write("40/custom,")
    await joined.until('42/custom,["auth",{}]')
    joined.write("41/custom,")
    joined.write('42["message","to the main namespace"]')
    assert await joined.next() == '42["message-back","to the main namespace"]'


async def test_who_has_left_all_namespaces_may_enter_again(joined: RawWebSocket) -> None:
    joined.write("41")
    joined.write("40")
    assert str(await joined.next()).startswith('40{"sid":')


ECHOES: list[tuple[list[str | bytes], list[str | bytes]]] = [
    (['42["message",1,"2",{"3":[true]}]'], ['42["message-back",1,"2",{"3":[true]}]']),
    (['42["message"]'], ['42["message-back"]']),
    (['42456["message-with-ack",1,"2",{"3":[false]}]'], ['43456[1,"2",{"3":[false]}]']),
    (['420["message-with-ack"]'], ["430[]"]),
    (
        [f'452-["message",{PLACES}]', b"\x01\x02\x03", b"\x04"],
        [f'452-["message-back",{PLACES}]', b"\x01\x02\x03", b"\x04"],
    ),
    (
        [f'452-789["message-with-ack",{PLACES}]', b"\x01\x02\x03", b""],
        [f"462-789[{PLACES}]", b"\x01\x02\x03", b""],
    ),
]


@pytest.mark.parametrize(("sent", "expected"), ECHOES, ids=lambda frames: str(frames[0])[:24])
async def test_what_is_sent_comes_back(
    joined: RawWebSocket, sent: list[str | bytes], expected: list[str | bytes]
) -> None:
    for frame in sent:
        joined.write(frame)
    assert [await joined.next() for _frame in expected] == expected


@pytest.mark.parametrize(
    "frames",
    [
        ["4abc"],
        ["42{}"],
        ['42abc["message-with-ack",1]'],
        ['42\u0661["message-with-ack",1]'],
        ['4511-["message"]'],
        ['459999999999-["message"]'],
        ['451-["message",{"_placeholder":true,"num":1}]', b"x"],
        ['451-["message",{"_placeholder":true,"num":-1}]', b"x"],
        ['451-["message",{"_placeholder":true,"num":0}]', '42["message"]'],
        [b"x"],
    ],
    ids=str,
)
async def test_what_is_no_packet_closes_with_one_line(
    joined: RawWebSocket, logs: Logs, frames: list[str | bytes]
) -> None:
    for frame in frames:
        joined.write(frame)
    await joined.closed()
    assert logs.events() == [BAD_PACKET]
    assert logs.tracebacks() == []


async def test_ten_attachments_are_allowed(joined: RawWebSocket) -> None:
    places = ",".join(f'{{"_placeholder":true,"num":{number}}}' for number in range(10))
    joined.write(f'4510-["message",{places}]')
    for number in range(10):
        joined.write(bytes([number]))
    assert await joined.next() == f'4510-["message-back",{places}]'
    assert [await joined.next() for _number in range(10)] == [bytes([n]) for n in range(10)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_that_json_lacks_are_never_written(joined: RawWebSocket, number: str) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    joined.write(f'421["message-with-ack",{number}]')
    [answer] = [await joined.next()]
    assert json.loads(str(answer).removeprefix("431"), parse_constant=refuse) == [None]


@pytest.mark.parametrize(
    "frames", [['42["message"]'], ['421["message"]'], ["431[]"], ["41"]], ids=str
)
async def test_packets_before_connect_reach_nobody(
    socket: RawWebSocket, logs: Logs, frames: list[str]
) -> None:
    for frame in frames:
        socket.write(frame)
    if frames[0].startswith("42"):
        await socket.closed()
        assert logs.events() == [BAD_PACKET]
    else:  # it may be that the client has left just before
        socket.write("40/random,")
        assert str(await socket.next()).startswith("44/random,")


async def test_handlers_of_one_connection_take_turns(
    realtime: Server, joined: RawWebSocket
) -> None:
    first_may_end = asyncio.Event()
    order: list[str] = []

    async def slow(_sid: str) -> str:
        order.append("slow")
        await first_may_end.wait()
        order.append("slow ends")
        return "slow"

    async def quick(_sid: str) -> str:
        order.append("quick")
        return "quick"

    realtime.on("slow", slow)
    realtime.on("quick", quick)
    for packet in ('421["slow"]', '422["quick"]', "40/random,"):
        joined.write(packet)
    assert await joined.answers_ping()  # so all has arrived
    assert order == ["slow"]
    first_may_end.set()
    *acks, refused = await joined.until("44")
    assert acks == ['431["slow"]', '432["quick"]']
    assert str(refused).startswith("44/random,")
    assert order == ["slow", "slow ends", "quick"]


async def test_a_handler_that_fails_is_one_line_and_the_client_stays(
    realtime: Server, joined: RawWebSocket, logs: Logs
) -> None:
    async def fail(_sid: str) -> None:
        raise ValueError("a defect")

    realtime.on("fail", fail)
    joined.write('421["fail"]')
    joined.write('422["message-with-ack"]')
    assert await joined.next() == "432[]"
    assert logs.events() == ["a handler failed"]

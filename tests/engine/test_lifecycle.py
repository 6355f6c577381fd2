"""How Engine.IO sessions begin, beat and end (protocol 4), over both transports."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.core.channel import SID_MARK
from app.realtime.manager import Manager
from app.realtime.server import Server
from tests.fixtures.logs import BAD_PACKET, Logs
from tests.fixtures.servers import ServePlain
from tests.support.poller import Poller
from tests.support.raw import RawConnection, masked, raw_http, raw_websocket
from tests.support.tokens import ALICE


@pytest.fixture
async def poller(server: TestServer, session: aiohttp.ClientSession) -> Poller:
    """A session that has joined `/circles`."""
    return await (await Poller(session, server).open()).join("/circles", ALICE)


@pytest.fixture
async def hasty(serve_plain: ServePlain) -> TestServer:
    """A server that pings after 0.2 s, and waits 0.6 s for the answer."""
    return await serve_plain(Server(Manager(), ping_interval=0.2, ping_timeout=0.6))


# The beginning


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_the_welcome_says_what_the_protocol_says(
    serve_plain: ServePlain, session: aiohttp.ClientSession, transport: str
) -> None:
    server = await serve_plain(Server(Manager(), ping_interval=0.3, ping_timeout=0.2))
    url = server.make_url("/socket.io/").with_query(EIO="4", transport=transport)
    if transport == "polling":
        async with session.get(url) as response:
            assert (response.status, response.content_type) == (200, "text/plain")
            opened = await response.text()
    else:
        async with session.ws_connect(url) as socket:
            opened = await socket.receive_str()
    welcome = json.loads(opened.removeprefix("0"))
    sid = welcome.pop("sid")
    assert isinstance(sid, str)
    assert welcome == {
        "upgrades": ["websocket"] if transport == "polling" else [],
        "pingInterval": 300,  # stock: 0
        "pingTimeout": 200,
        "maxPayload": 1_000_000,
    }


REFUSED: list[tuple[str, str]] = [
    ("GET", "transport=polling"),
    ("GET", "EIO=abc&transport=polling"),
    ("GET", "EIO=3&transport=polling"),
    ("GET", "EIO=\u0664&transport=polling"),
    ("GET", "EIO=4"),
    ("GET", "EIO=4&transport=abc"),
    ("GET", "EIO=4&transport="),
    ("GET", ""),
    ("POST", "EIO=4&transport=polling"),
    ("PUT", "EIO=4&transport=polling"),
    ("DELETE", "EIO=4&transport=polling"),
    ("GET", "EIO=4&transport=websocket"),  # and no handshake
    ("GET", "EIO=4&transport=polling&sid=made-up"),
    ("GET", "EIO=4&transport=polling&sid="),
    ("POST", "EIO=4&transport=polling&sid=made-up"),
]


@pytest.mark.parametrize(("method", "query"), REFUSED)
async def test_what_opens_no_session_is_refused(
    server: TestServer, session: aiohttp.ClientSession, method: str, query: str
) -> None:
    async with session.request(method, f"{server.make_url('/socket.io/')}?{query}") as response:
        assert response.status == 400
    assert server.app[SERVER].eio.sockets == {}


@pytest.mark.parametrize(
    "query", ["transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"]
)
async def test_a_websocket_that_asks_wrongly_is_refused(server: TestServer, query: str) -> None:
    async with raw_websocket(server) as socket:
        assert (await socket.handshake(query)).status == 400


async def test_a_method_that_sessions_do_not_have_is_refused(poller: Poller) -> None:
    async with poller._session.put(poller.url, data="42") as response:
        assert response.status == 400


# The heartbeat


async def test_who_answers_the_pings_stays_by_polling(
    hasty: TestServer, session: aiohttp.ClientSession
) -> None:
    poller = await Poller(session, hasty).open()
    for _time in range(3):
        assert await poller.poll() == ["2"]
        assert await poller.post("3") == 200


async def test_who_answers_the_pings_stays_by_websocket(hasty: TestServer) -> None:
    async with raw_websocket(hasty) as socket:
        await socket.engine()
        for _time in range(3):
            assert await socket.next() == "2"
            socket.write("3")


async def test_who_does_not_answer_is_closed_by_websocket(hasty: TestServer) -> None:
    async with raw_websocket(hasty) as socket:
        await socket.engine()
        assert await socket.next() == "2"
        assert await socket.close_code() == 1000
    assert hasty.app[SERVER].eio.sockets == {}


async def test_who_does_not_answer_is_closed_by_polling(
    hasty: TestServer, session: aiohttp.ClientSession
) -> None:
    poller = await Poller(session, hasty).open()
    assert await poller.poll() == ["2"]
    assert await poller.poll() == ["1"]
    assert await poller.status() == 400
    assert await poller.post("3") == 400


async def test_a_session_whose_time_is_over_is_not_served_before_the_timer_sees_it(
    server: TestServer, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = poller.connection
    heartbeat = server.app[SERVER].eio.heartbeat
    monkeypatch.setattr(heartbeat, "overdue", lambda one: one is connection)
    assert await poller.status() == 400
    assert connection.closed
    assert await poller.status() == 400


# The end


async def test_a_close_releases_the_poll_that_waits(poller: Poller, logs: Logs) -> None:
    hanging = await poller.hang()
    assert await poller.post("1") == 200
    assert await hanging == ["6"]
    assert await poller.status() == 400
    assert logs.events() == ["refused"]


async def test_what_stands_before_a_close_is_done(poller: Poller) -> None:
    hanging = await poller.hang()
    assert await poller.post('42/circles,1["presence",{"channel":"c"}]', "1") == 200
    last = (await hanging)[-1]
    assert last == "6"
    assert await poller.status() == 400


async def test_a_close_over_websocket_closes_it(server: TestServer) -> None:
    async with raw_websocket(server) as socket:
        await socket.engine()
        socket.write("1")
        assert await socket.close_code() == 1000
    assert server.app[SERVER].eio.sockets == {}


@pytest.mark.parametrize("packet", ["abc", "", "0", "4abc"])
async def test_a_bad_packet_over_websocket_closes_it(
    server: TestServer, logs: Logs, packet: str
) -> None:
    async with raw_websocket(server) as socket:
        await socket.engine()
        socket.write(packet)
        await socket.closed()
    assert logs.events() == [BAD_PACKET]


async def test_a_second_poll_ends_the_session(poller: Poller, logs: Logs) -> None:
    hanging = await poller.hang()
    assert await poller.status() == 400
    assert await hanging == ["1"]
    assert await poller.status() == 400
    assert logs.events() == [BAD_PACKET, "refused"]


async def test_a_poll_whose_client_is_gone_ends_the_session(
    server: TestServer, poller: Poller
) -> None:
    async with raw_http(server) as connection:
        connection.write_head("GET", poller.url.path_qs)
        await poller.is_polling()
    assert await poller.status() == 400
    assert poller.sid not in server.app[SERVER].eio.sockets


async def test_a_server_that_closes_says_so_in_the_next_poll(
    server: TestServer, poller: Poller
) -> None:
    await server.app[SERVER].eio.disconnect(poller.sid)
    assert await poller.poll() == ["1"]
    assert await poller.status() == 400


UNMASKED = b"\x81\x012"
FRAMES: dict[str, tuple[bytes, int]] = {
    "unmasked": (UNMASKED, 1002),
    "a reserved bit": (masked(1, b"2", first=0xC1), 1002),
    "a reserved opcode": (masked(3, b"2"), 1002),
    "not UTF-8": (masked(1, b"4\xff"), 1007),
    "too big, by its length": (b"\x81\xff" + (10**9).to_bytes(8, "big"), 1009),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", 1002),
}


@pytest.mark.parametrize(("data", "code"), FRAMES.values(), ids=FRAMES.keys())
async def test_what_is_no_frame_closes_with_its_code_and_one_line(
    server: TestServer, logs: Logs, data: bytes, code: int
) -> None:
    async with raw_websocket(server) as socket:
        await socket.engine()
        socket.writer.write(data)
        assert await socket.close_code() == code
    assert logs.events() == [BAD_PACKET]
    assert logs.tracebacks() == []


async def test_much_garbage_is_one_line(server: TestServer, logs: Logs) -> None:
    """Stock wrote 6.7 MB of tracebacks in 13 seconds."""
    async with raw_websocket(server) as socket:
        await socket.engine()
        socket.writer.write(b"".join(masked(1, b"garbage") for _frame in range(10_000)))
        await socket.closed()
    assert logs.events() == [BAD_PACKET]
    assert logs.tracebacks() == []


async def test_a_cookie_names_the_session_where_one_is_wanted(serve_plain: ServePlain) -> None:
    server = await serve_plain(Server(Manager(), cookie="io"))
    connection = await RawConnection.open(server)
    answer = await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
    opened: dict[str, Any] = json.loads(answer.text.removeprefix("0"))
    assert answer.headers["set-cookie"].startswith(f"io={opened['sid']}; path=/; SameSite=Lax")
    connection.close()


async def test_session_ids_count_nothing(server: TestServer) -> None:
    """The stock ids end with a number of three bytes that is one more with each session."""
    numbers = []
    for _time in range(20):
        async with raw_websocket(server) as socket:
            sid = await socket.engine()
        numbers.append(int.from_bytes(base64.urlsafe_b64decode(sid.rstrip(SID_MARK))[-3:], "big"))
    assert len({later - earlier for earlier, later in pairwise(numbers)}) > 1

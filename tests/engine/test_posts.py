"""A POST is read to its end, whatever it comes in, and always answered."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.engine.session import CLOSE_PACKET
from tests.fixtures.clients import Connect
from tests.fixtures.logs import BAD_PACKET, Logs
from tests.fixtures.servers import Serve
from tests.support.poller import Poller
from tests.support.raw import RawConnection, Response, raw_http
from tests.support.tokens import ALICE, BOB

PLAIN = "Content-Type: text/plain;charset=UTF-8"


@pytest.fixture
async def poller(server: TestServer, session: aiohttp.ClientSession) -> Poller:
    """A session that has joined `/circles`."""
    return await (await Poller(session, server).open()).join("/circles", ALICE)


def ping(number: int, size: int = 0) -> str:
    return f'42/circles,{number}["ping","{"x" * size}"]'


async def post_raw(poller: Poller, connection: RawConnection, *pieces: bytes) -> Response:
    """Post a body in TCP segments of the test's choice."""
    length = f"Content-Length: {sum(map(len, pieces))}"
    return await connection.request("POST", poller.url.path_qs, PLAIN, length, pieces=pieces)


async def acked(poller: Poller, number: int) -> bool:
    return any(one.startswith(f"43/circles,{number}[") for one in await poller.until("43"))


async def test_a_post_in_two_segments_arrives_whole(server: TestServer, poller: Poller) -> None:
    body = ping(7, 20).encode()
    async with raw_http(server) as connection:
        answer = await post_raw(poller, connection, body[:10], body[10:])
    assert (answer.status, answer.text) == (200, "ok")
    assert await acked(poller, 7)


async def test_a_post_that_trickles_arrives_whole(server: TestServer, poller: Poller) -> None:
    body = b"42/circles,7" + '["ping","€"]'.encode()
    async with raw_http(server) as connection:
        pieces = [body[at : at + 1] for at in range(len(body))]
        assert (await post_raw(poller, connection, *pieces)).status == 200
    assert await acked(poller, 7)


async def test_a_chunked_post_arrives_whole(server: TestServer, poller: Poller) -> None:
    body = ping(7, 5000).encode()
    chunks = [body[:1], body[1:3000], body[3000:]]
    pieces = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    async with raw_http(server) as connection:
        answer = await connection.request(
            *("POST", poller.url.path_qs, PLAIN, "Transfer-Encoding: chunked"),
            pieces=[*pieces, b"0\r\n\r\n"],
        )
    assert answer.status == 200
    assert await acked(poller, 7)


@pytest.mark.parametrize("size", [20_000, 300_000, 900_000])
async def test_a_large_post_arrives_whole(poller: Poller, size: int) -> None:
    assert await poller.post(ping(7, size)) == 200
    assert await acked(poller, 7)


async def test_twenty_packets_of_one_post_are_answered_in_order(poller: Poller) -> None:
    assert await poller.post(*(ping(number) for number in range(20))) == 200
    acks: list[str] = []
    while len(acks) < 20:
        acks += [one for one in await poller.poll() if one.startswith("43")]
    assert [one.partition("[")[0] for one in acks] == [f"43/circles,{n}" for n in range(20)]


async def test_posts_may_share_a_connection(server: TestServer, poller: Poller) -> None:
    async with raw_http(server) as connection:
        for number in range(3):
            assert (await post_raw(poller, connection, ping(number).encode())).status == 200
            assert await acked(poller, number)


async def test_a_post_that_is_announced_too_big_is_refused(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    """With 413, and at once: before the client has sent what nobody will read."""
    server = await serve(max_message_bytes=1000)
    poller = await Poller(session, server).open()
    async with raw_http(server) as connection:
        connection.write_head("POST", poller.url.path_qs, PLAIN, "Content-Length: 1000000000")
        assert (await connection.response()).status == 413


async def test_a_post_that_grows_too_big_is_refused(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    server = await serve(max_message_bytes=1000)
    poller = await Poller(session, server).open()
    async with raw_http(server) as connection:
        connection.write_head("POST", poller.url.path_qs, PLAIN, "Transfer-Encoding: chunked")
        connection.writer.write(b"%x\r\n%b\r\n" % (10_000, b"4" * 10_000))
        assert (await connection.response()).status == 413


@pytest.mark.parametrize("body", ["", "x", "4x", "9", "\x1e", "b!", "2probe", "4\x1e4", "\ufeff4"])
async def test_a_bad_packet_is_answered_400_and_ends_the_session(
    poller: Poller, connect: Connect, logs: Logs, body: str
) -> None:
    bystander = await connect(token=BOB)
    assert await poller.post(body) == 400
    assert await poller.post(ping(1)) == 400
    assert (await poller.poll())[-1] == CLOSE_PACKET
    assert await poller.status() == 400
    assert logs.events().count(BAD_PACKET) == 1
    assert logs.tracebacks() == []
    assert (await bystander.request("ping"))["ok"] is True


@pytest.mark.parametrize("bad", ["4x", "x", "b!"])
async def test_what_was_due_before_a_bad_packet_is_fetched(poller: Poller, bad: str) -> None:
    """The answers to what came before it, and that the session is over."""
    await poller.post(ping(1), ping(2), bad)
    packets = await poller.until(CLOSE_PACKET)
    assert [one.partition("[")[0] for one in packets if one.startswith("43")] == [
        "43/circles,1",
        "43/circles,2",
    ]
    assert packets[-1] == CLOSE_PACKET
    assert await poller.status() == 400


async def test_bytes_that_are_no_text_are_answered_400(
    server: TestServer, poller: Poller, logs: Logs
) -> None:
    async with raw_http(server) as connection:
        assert (await post_raw(poller, connection, b"4\xff\xfe")).status == 400
    assert logs.tracebacks() == []


async def test_a_client_that_goes_amid_its_post_does_no_harm(
    server: TestServer, poller: Poller, logs: Logs
) -> None:
    async with raw_http(server) as connection:
        connection.write_head("POST", poller.url.path_qs, PLAIN, "Content-Length: 1000")
        connection.writer.write(b"42/circles,")
        await connection.writer.drain()
    assert await poller.post(ping(8)) == 200
    assert await acked(poller, 8)
    assert logs.tracebacks() == []

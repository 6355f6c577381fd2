"""Requests that come slowly or never, and answers that nobody takes: none holds a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from app.transport.http_deadlines import WINDOW_BYTES
from tests.fixtures.logs import Logs
from tests.support.client import PATIENCE_SECONDS
from tests.support.http import POLL, ServeWith, arriving, connections, posting, times
from tests.support.metrics import scrape
from tests.support.poller import Poller
from tests.support.raw import PAUSE_SECONDS, RawConnection, Response, raw_http
from tests.support.ready import until

HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Half: "
HALF_HANDSHAKE = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgr"
CONNECTIONS = 600


async def until_closed(connection: RawConnection) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await connection.reader.read() == b""


async def answered(connection: RawConnection, line: str) -> Response:
    """Send further lines of 1,000 bytes until that is answered, which has to be soon."""
    for number in range(100):
        if connection.reader._buffer:  # type: ignore[attr-defined]
            return await connection.response()
        connection.writer.write(line.format(number, "x" * 1000).encode())
        await asyncio.sleep(PAUSE_SECONDS / 4)
    raise AssertionError("100 kB were taken")


@asynccontextmanager
async def trickling(connection: RawConnection) -> AsyncIterator[None]:
    """Send a byte again and again, meanwhile."""

    async def trickle() -> None:
        with suppress(ConnectionError):
            while True:
                connection.writer.write(b"x")
                await asyncio.sleep(PAUSE_SECONDS)

    task = asyncio.create_task(trickle())
    yield
    task.cancel()


# Headers


@pytest.mark.parametrize("half", [HALF, HALF_HANDSHAKE, b"G"], ids=["http", "websocket", "a byte"])
async def test_headers_that_stop_or_trickle_are_refused(
    serve_with: ServeWith, logs: Logs, half: bytes
) -> None:
    server = await serve_with(times(head=0.1))
    async with raw_http(server) as stopped, raw_http(server) as trickles:
        stopped.writer.write(half)
        trickles.writer.write(HALF)
        async with trickling(trickles):
            for connection in (stopped, trickles):
                answer = await connection.response()
                assert (answer.status, '"reason": "timeout"' in answer.text) == (408, True)
        await until_closed(stopped)
    assert {line["reason"] for line in logs.refusals()} == {"timeout"}
    assert (await scrape(server))["hearth_refused_total", ("timeout",)] == 2
    assert not logs.tracebacks()


async def test_so_are_those_of_the_second_request(serve_with: ServeWith) -> None:
    server = await serve_with(times(head=0.1))
    async with raw_http(server) as connection:
        assert (await connection.request("GET", "/healthz")).status == 200
        connection.writer.write(HALF)
        assert (await connection.response()).status == 408
        await until_closed(connection)


async def test_and_those_behind_a_request_that_is_being_answered(serve_with: ServeWith) -> None:
    server = await serve_with(times(head=0.1))
    async with aiohttp.ClientSession() as session, raw_http(server) as connection:
        poller = await Poller(session, server).open()
        connection.write_head("GET", f"{POLL}&sid={poller.sid}")
        await until(lambda: connections(server)[-1]._current_request is not None)
        connection.writer.write(HALF)
        assert (await connection.response()).text == "2"  # the ping, for which the poll waited
        assert (await connection.response()).status == 408


async def test_hundreds_of_half_sent_requests_are_closed_and_nobody_else_is(
    serve_with: ServeWith,
) -> None:
    server = await serve_with(times(head=1.0))
    attackers = [await RawConnection.open(server) for _number in range(CONNECTIONS)]
    for attacker in attackers:
        attacker.writer.write(HALF)
    async with raw_http(server) as bystander:
        assert (await bystander.request("GET", "/healthz")).status == 200
        for attacker in attackers:
            assert (await attacker.response()).status == 408
            await until_closed(attacker)
            attacker.close()
        assert (await bystander.request("GET", "/healthz")).status == 200
        await until(lambda: len(connections(server)) == 1)


async def test_headers_take_no_more_memory_than_they_may(serve_with: ServeWith, logs: Logs) -> None:
    """aiohttp would take 128 of up to 32 kB each before anybody could judge them."""
    server = await serve_with(times())
    async with raw_http(server) as connection:
        connection.writer.write(HALF + b"\r\n")
        answer = await answered(connection, "X-{}: {}\r\n")
        assert (answer.status, '"reason": "headers"' in answer.text) == (431, True)
    assert [line["reason"] for line in logs.refusals()] == ["headers"]


# Bodies


async def test_a_body_that_trickles_is_refused(serve_with: ServeWith, logs: Logs) -> None:
    server = await serve_with(times(window=0.2))
    async with posting(server, "Content-Length: 5000") as connection, trickling(connection):
        answer = await connection.response()
        assert (answer.status, '"reason": "timeout"' in answer.text) == (408, True)
    assert [line["reason"] for line in logs.refusals()] == ["timeout"]
    assert not logs.tracebacks()


async def test_one_that_gets_on_is_waited_for(serve_with: ServeWith) -> None:
    server = await serve_with(times())
    async with posting(server, f"Content-Length: {WINDOW_BYTES * 3}") as connection:
        for _window in range(2):
            connection.writer.write(b"3" * WINDOW_BYTES)
            body = arriving(server)._body
            assert body is not None
            await until(lambda body=body: body.window_bytes >= WINDOW_BYTES)  # type: ignore[misc]
            arriving(server).on_window_end()
        arriving(server).on_window_end()  # in which nothing has come
        assert (await connection.response()).status == 408


async def test_a_small_body_may_come_in_pieces(serve_with: ServeWith) -> None:
    server = await serve_with(times())
    body = b"40/circles,{}"
    async with posting(server, f"Content-Length: {len(body)}") as connection:
        for byte in body:
            connection.writer.write(bytes([byte]))
            await asyncio.sleep(PAUSE_SECONDS)
        assert (await connection.response()).text == "ok"
        assert (await connection.request("GET", "/healthz")).status == 200


async def test_a_body_may_wait_behind_another_request(serve_with: ServeWith) -> None:
    server = await serve_with(times())
    body = b"40/circles,{}"
    async with posting(server, f"Content-Length: {len(body)}") as connection:
        connection.writer.write(body + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        path = connections(server)[-1]._current_request
        assert path is not None
        connection.write_head("POST", path.path_qs, f"Content-Length: {len(body)}")
        assert (await connection.response()).text == "ok"
        assert (await connection.response()).status == 200
        await until(lambda: not arriving(server)._body_held)
        connection.writer.write(body)
        assert (await connection.response()).status in {200, 400}  # a second CONNECT is an error


async def test_trailers_are_bounded_like_headers(serve_with: ServeWith, logs: Logs) -> None:
    server = await serve_with(times())
    async with posting(server, "Transfer-Encoding: chunked") as connection:
        connection.writer.write(b"3\r\n40,\r\n0\r\n")
        answer = await answered(connection, "X-{}: {}\r\n")
        assert (answer.status, '"reason": "headers"' in answer.text) == (431, True)
    assert not logs.tracebacks()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", f"{POLL}&sid=made-up", 400),
        ("POST", POLL, 400),
        ("GET", "/healthz", 200),
        ("POST", "/healthz", 405),
        ("POST", "/nothing", 404),
        ("GET", "/ws/circles/a", 400),
    ],
)
async def test_a_body_that_nobody_wants_is_not_read(
    serve_with: ServeWith, method: str, path: str, status: int
) -> None:
    server = await serve_with(times(lingering=0.1))
    async with raw_http(server) as connection:
        connection.write_head(method, path, "Content-Length: 2000000")
        answer = await connection.response()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        body = arriving(server)._body
        assert body is not None
        connection.writer.write(b"x" * 300_000)
        await connection.writer.drain()
        await until_closed(connection)
        assert body.stream.total_bytes == 0


# Answers, and no requests


async def test_an_idle_connection_is_closed_but_not_a_waiting_poll(serve_with: ServeWith) -> None:
    server = await serve_with(times(keep_alive=0.1))
    async with aiohttp.ClientSession() as session, raw_http(server) as idle:
        poller = await Poller(session, server).open()
        assert (await idle.request("GET", "/healthz")).status == 200
        async with raw_http(server) as polls:
            polls.write_head("GET", f"{POLL}&sid={poller.sid}")
            await until_closed(idle)
            assert (await polls.response()).text == "2"  # after half a second


async def test_who_takes_no_answers_is_sent_away(serve_with: ServeWith) -> None:
    server = await serve_with(times(stall=0.2))
    connection = await RawConnection.open(server, receive_buffer_bytes=4096)
    head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    connection.writer.transport.set_write_buffer_limits(0)
    with suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                connection.writer.write(head * 50)
                await connection.writer.drain()
    await until(lambda: not connections(server))
    connection.close()


async def test_nor_does_the_end_wait_for_one(serve_with: ServeWith) -> None:
    """What is unsent when the connection is to be closed is not waited for for ever either."""
    server = await serve_with(times(stall=0.2, keep_alive=0.1))
    connection = await RawConnection.open(server, receive_buffer_bytes=4096)
    connection.write_head("GET", "/healthz")
    await until(lambda: bool(connections(server)))
    [ours] = connections(server)
    wire = ours._wire
    assert wire is not None
    await until(lambda: ours._waiter is not None)
    while not wire.get_write_buffer_size():
        wire.write(b"x" * 50_000)
    await until(lambda: ours._wire is None)
    connection.close()

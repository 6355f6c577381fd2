"""Limits that hold for plain members as for all, and what is no message."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import HUB, PLAIN
from app.transport.frames import CLOSE, PING, TEXT
from tests.fixtures.clients import Connect
from tests.fixtures.logs import Logs
from tests.fixtures.processes import Run
from tests.fixtures.servers import Serve
from tests.plain.conftest import TEAM, Open
from tests.support.metrics import scrape
from tests.support.raw import RawWebSocket, masked, raw_websocket
from tests.support.ready import until
from tests.support.tokens import ALICE, BOB, SERVICE

HEADERS = (
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


async def open_raw(raw: RawWebSocket, token: str = ALICE) -> dict[str, Any]:
    """Open a circle by hand; return the welcome."""
    response = await raw.request("GET", TEAM, *HEADERS, f"Authorization: Bearer {token}")
    assert response.status == 101
    welcome: dict[str, Any] = json.loads(await raw.next())
    return welcome


GARBAGE: dict[str, tuple[str | bytes | dict[str, Any], str]] = {
    "binary": (b"\x00\x01", "invalid"),
    "no JSON": ("{", "invalid"),
    "the feeds' ping": ("ping", "invalid"),
    "empty": ("", "invalid"),
    "no object": ('["user_message"]', "invalid"),
    "deep": ("[" * 100_000, "invalid"),
    "deep data": ('{"type":"user_message","content":' + '{"a":' * 70 + "1" + "}" * 71, "invalid"),
    "no type": ({"content": "Hi"}, "invalid"),
    "a type that is no text": ({"type": ["user_message"]}, "invalid"),
    "no such type": ({"type": "nonsense", "content": "Hi"}, "invalid"),
    "a reserved type": ({"type": "connection_ack"}, "invalid"),
    "a server's type": ({"type": "agent_joined", "agent_id": 1}, "forbidden"),
    "no content": ({"type": "user_message"}, "invalid"),
    "wrong content": ({"type": "user_message", "content": 5}, "invalid"),
    "unknown key beside data": (
        {"type": "user_message", "data": {"content": "Hi"}, "extra": 1},
        "invalid",
    ),
    "data that is no object": ({"type": "user_message", "data": "Hi"}, "invalid"),
    "another channel": ({"type": "user_message", "content": "Hi", "channel": "other"}, "invalid"),
    "NaN": ('{"type":"user_message","content":"Hi","x":NaN}', "invalid"),
    "a lone surrogate": ('{"type":"user_message","content":"\\ud800"}', "invalid"),
    "another kind's type": ({"type": "agent_message", "agent_id": 1, "content": ""}, "forbidden"),
    "too large": ({"type": "user_message", "content": "x" * 1_000_000}, "too_large"),
    "too large in bytes": (
        '{"type":"user_message","content":"' + "ü" * 600_000 + '"}',
        "too_large",
    ),
    "an auth without token": ({"type": "auth"}, "invalid"),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_what_is_no_message_is_answered_and_the_connection_stays(
    open_plain: Open, logs: Logs, name: str
) -> None:
    frame, code = GARBAGE[name]
    plain = await open_plain()
    await plain.read()
    await plain.send(frame)
    error = await plain.next("error")
    assert error["data"]["code"] == code
    assert (error["channel"], error["ok"], error["error"]) == (None, False, error["data"])
    await plain.send({"type": "user_message", "content": "Hi"})
    assert (await plain.next("user_message"))["offset"] == 1
    assert logs.tracebacks() == []


async def test_whatever_arrives_ends_nothing_but_its_connection(
    server: TestServer, open_plain: Open, logs: Logs
) -> None:
    chance = random.Random(7)
    pieces = ['{"type":', '"user_message"', '"auth"', ',"data":', "{}", "}", "[", '"ping"', "null"]
    for _round in range(20):
        async with raw_websocket(server) as raw:
            await open_raw(raw)
            for _frame in range(20):
                text = "".join(chance.choices(pieces, k=chance.randint(0, 6))).encode()
                first = chance.choice([None, None, None, None, 0x01, 0x80, 0x82, 0x89, 0x8A])
                raw.writer.write(masked(TEXT, text, first=first))
            raw.writer.write(masked(chance.randint(3, 15), b"\xff" * chance.randint(0, 200)))
            raw.writer.write(masked(CLOSE, b"\x03\xe8"))
            assert await raw.close_code() in {1000, 1002, 1007}
    plain = await open_plain()
    await plain.next("connection_ack")
    assert logs.tracebacks() == []


async def test_a_frame_beyond_all_measure_ends_the_connection(open_plain: Open) -> None:
    plain = await open_plain()
    await plain.read()
    await plain.send("x" * 2_000_001)
    assert await plain.closed() == 1009


async def test_a_whole_envelope_works_and_what_is_the_servers_is_not_taken_from_it(
    open_plain: Open,
) -> None:
    plain = await open_plain()
    await plain.read()
    await plain.send(
        {"type": "user_message", "channel": "dev-team", "data": {"content": "Hi"}}
        | {"timestamp": "2020-01-01T00:00:00Z", "offset": 77, "nonce": "n", "action": "created"}
        | {"sender": {"id": "bob", "kind": "agent"}}
    )
    message = await plain.next("user_message")
    assert (message["nonce"], message["action"], message["offset"]) == ("n", "created", 1)
    assert message["sender"] == {"id": "alice", "kind": "user"}
    assert not message["timestamp"].startswith("2020")
    await plain.send({"type": "user_message", "content": "again", "nonce": "n"})  # not published
    await plain.send({"type": "user_message", "content": "null", "channel": None})
    assert (await plain.next("user_message"))["data"] == {"content": "null"}


async def test_pings_and_pongs(open_plain: Open) -> None:
    plain = await open_plain()
    await plain.read()
    await plain.send({"type": "ping"})
    pong = await plain.next("pong")
    assert (pong["channel"], list(pong["data"])) == (None, ["server_time"])
    await plain.send({"type": "pong"})  # some answer heartbeats so
    assert [one for one in await plain.settle() if one["type"] == "error"] == []


async def test_the_rate_is_limited(serve: Serve, open_plain: Open) -> None:
    server = await serve(messages_per_second=1)
    plain = await open_plain(url=str(server.make_url("")))
    await plain.read()
    for number in range(4):
        await plain.send({"type": "user_message", "content": "Hi", "nonce": str(number)})
    error = await plain.next("error")
    assert error["data"]["code"] == "rate_limited"
    assert error["data"]["retry_after"] > 0
    assert error["nonce"] == "2"


async def test_who_does_not_answer_pings_is_closed(serve: Serve) -> None:
    server = await serve()
    heartbeat = server.app[PLAIN].heartbeat
    assert heartbeat.interval == 30
    heartbeat.interval, heartbeat.timeout = 0.05, 0.05
    async with raw_websocket(server) as raw:
        await open_raw(raw)
        seen = [await raw.frame() for _number in range(2)]
        while seen[-1].opcode != CLOSE:
            seen.append(await raw.frame())
        assert PING in [one.opcode for one in seen]
        assert int.from_bytes(seen[-1].payload[:2], "big") == 4008
    assert server.app[HUB].counters.closed["ping timeout"] == 1


async def test_who_answers_pings_stays(serve: Serve, open_plain: Open) -> None:
    server = await serve()
    server.app[PLAIN].heartbeat.interval = 0.02
    async with raw_websocket(server) as raw:
        await open_raw(raw)
        pings = 0
        while pings < 5:
            if (await raw.frame()).opcode == PING:
                pings += 1
                raw.writer.write(masked(0xA, b""))
        raw.write('{"type":"ping"}')
        while '"pong"' not in str(await raw.next()):
            pass


async def test_a_member_that_does_not_read_is_cut_off(
    serve: Serve, connect: Connect, logs: Logs
) -> None:
    server = await serve(max_unsent_bytes=100_000)
    bob = await connect(token=BOB, url=str(server.make_url("")))
    async with raw_websocket(server, receive_buffer_bytes=4096) as slow:
        await open_raw(slow)
        [connection] = server.app[PLAIN].clients
        message = {"channel": "dev-team", "data": {"content": "x" * 50_000}}
        for _number in range(400):
            if connection.closed:
                break
            assert (await bob.request("user_message", message))["ok"]
            assert connection.socket.unsent_bytes < 250_000
        assert connection.closed
    assert logs.events() == ["cut off a connection that does not read"]
    assert server.app[HUB].counters.closed["slow"] == 1
    assert (await bob.request("presence", {"channel": "dev-team"}))["count"] == 0


async def test_metrics_count_plain_members(
    server: TestServer, open_plain: Open, connect: Connect
) -> None:
    await connect()
    plain, feed = await open_plain(), await open_plain("/ws", SERVICE)
    await plain.next("connection_ack")
    await feed.settle()
    before = await scrape(server)
    assert before["hearth_members", ("/circles",)] == 2
    assert before["hearth_members", ("/feeds",)] == 1
    await plain.socket.close()
    await until(lambda: len(server.app[PLAIN].clients) == 1)
    after = await scrape(server)
    assert after["hearth_members", ("/circles",)] == 1
    assert after["hearth_closed_total", ("transport close",)] == 1


async def test_presence_tells_of_plain_members(open_plain: Open, connect: Connect) -> None:
    alice = await open_plain()
    await alice.next("connection_ack")
    bob = await connect(token=BOB)
    joined = await bob.request("join", {"channel": "dev-team"})
    assert [one["id"] for one in joined["presence"]["members"]] == ["alice", "bob"]
    status = await alice.next("circle_status")
    while status["data"]["online"] != 2:
        status = await alice.next("circle_status")
    await alice.socket.close()
    while bob.all("circle_status")[-1]["data"]["online"] != 1:
        await bob.next("circle_status", len(bob.all("circle_status")) + 1)


async def test_a_server_that_stops_sends_plain_members_away(run: Run, open_plain: Open) -> None:
    process = await run()
    clients = [await open_plain(url=process.url), await open_plain("/ws", url=process.url)]
    clients.append(await open_plain(token=None, url=process.url))
    codes = asyncio.gather(*(client.closed() for client in clients))
    assert await process.stop(signal.SIGTERM) == 0
    assert await codes == [1001, 1001, 1001]
    assert not [line for line in process.log if line.get("level") == "error" or "raw" in line]

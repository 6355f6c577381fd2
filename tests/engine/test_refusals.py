"""Refused requests to Engine.IO: the official server's words and ours, a log line, a count."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.metrics import scrape
from tests.support.poller import Poller
from tests.support.raw import raw_websocket

# As in engine.io 6, `lib/server.ts`: its numbers and its words.
CASES = {
    "no transport": ("GET", "EIO=4", 0, "Transport unknown", "transport"),
    "another transport": ("GET", "EIO=4&transport=sse", 0, "Transport unknown", "transport"),
    "another's session": (
        "GET",
        "EIO=4&transport=polling&sid=x",
        1,
        "Session ID unknown",
        "session",
    ),
    "a post to it": ("POST", "EIO=4&transport=polling&sid=x", 1, "Session ID unknown", "session"),
    "opened by POST": ("POST", "EIO=4&transport=polling", 2, "Bad handshake method", "method"),
    "no handshake": ("GET", "EIO=4&transport=websocket", 3, "Bad request", "upgrade"),
    "protocol 3": ("GET", "EIO=3&transport=polling", 5, "Unsupported protocol version", "protocol"),
    "no protocol": ("GET", "transport=polling", 5, "Unsupported protocol version", "protocol"),
}


@pytest.mark.parametrize(
    ("method", "query", "number", "words", "reason"), CASES.values(), ids=CASES.keys()
)
async def test_a_refusal_is_answered_logged_and_counted(
    server: TestServer,
    session: aiohttp.ClientSession,
    logs: Logs,
    method: str,
    query: str,
    number: int,
    words: str,
    reason: str,
) -> None:
    url = server.make_url(f"/socket.io/?{query}&token=s3cret")
    async with session.request(method, url) as response:
        assert response.status == 400
        body = await response.json()
    assert (body["code"], body["message"]) == (number, words)
    assert body["error"] | {"message": ""} == {
        "code": "invalid",
        "message": "",
        "temporary": False,
        "reason": reason,
    }
    assert body["error"]["message"].endswith(".")
    [line] = logs.refusals()
    assert line["reason"] == reason
    assert line["address"] == "127.0.0.1"
    assert "s3cret" not in str(line)
    assert (await scrape(server))["hearth_refused_total", (reason,)] == 1


@pytest.mark.parametrize("prefix", ["/circles", "/a/b", "/socket.io", f"/{'x' * 1000}"])
async def test_who_asks_elsewhere_is_told_where_it_is(
    server: TestServer, session: aiohttp.ClientSession, logs: Logs, prefix: str
) -> None:
    url = server.make_url(f"{prefix}/socket.io/?EIO=4&transport=polling&token=s3cret")
    async with session.get(url) as response:
        assert response.status == 404
        told = (await response.json())["error"]["message"]
    assert told.startswith(f"Socket.IO is at /socket.io/: leave {prefix[:60]}")
    [line] = logs.refusals()
    assert line["path"].startswith(prefix[:60])
    assert len(line["path"]) < 100
    assert "s3cret" not in str(line)


async def test_a_websocket_of_an_old_client_is_told_in_the_same_way(
    server: TestServer, logs: Logs
) -> None:
    async with raw_websocket(server) as socket:
        answer = await socket.handshake("EIO=3&transport=websocket")
    assert answer.status == 400
    assert '"code": 5' in answer.text
    assert [line["reason"] for line in logs.refusals()] == ["protocol"]


async def test_a_post_that_is_too_large_names_the_setting(
    serve: Serve, session: aiohttp.ClientSession, logs: Logs
) -> None:
    server = await serve(max_message_bytes=1024)
    poller = await Poller(session, server).open()
    async with session.post(poller.url, data="4" * 3000) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "too_large"
    [line] = logs.refusals()
    assert (line["reason"], line["admitted_by"]) == ("too_large", "MAX_MESSAGE_BYTES")


async def test_who_moved_to_a_websocket_polls_in_vain(
    server: TestServer, session: aiohttp.ClientSession, logs: Logs
) -> None:
    async with raw_websocket(server) as socket:
        sid = await socket.engine()
        query = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        async with session.get(server.make_url(query)) as response:
            assert (await response.json())["message"] == "Bad request"
    assert [line["reason"] for line in logs.refusals()] == ["request"]


async def test_a_late_request_to_a_closed_session_is_told_why_it_was_closed(
    server: TestServer, session: aiohttp.ClientSession, logs: Logs
) -> None:
    poller = await Poller(session, server).open()
    url = server.make_url(f"/socket.io/?EIO=4&transport=polling&sid={poller.connection.sid}")
    await session.post(url, data="1")
    bodies = []
    async with session.post(url, data="2") as response:  # while the last packets wait for a poll
        bodies.append(await response.json())
    await session.get(url)  # fetches these
    async with session.get(url) as response:
        bodies.append(await response.json())
    for body in bodies:
        assert (body["code"], body["message"]) == (1, "Session ID unknown")
        assert body["error"]["reason"] == "closed"
        assert body["error"]["message"] == (
            "This session was closed (client disconnect); open a new one."
        )
    for line in logs.refusals():
        assert (line["reason"], line["closed"]) == ("closed", "client disconnect")
        assert "admitted_by" not in line
    assert len(logs.refusals()) == 2

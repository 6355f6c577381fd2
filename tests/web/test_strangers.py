"""What strangers don't get by HTTP: metrics, and the console where it is closed."""

from __future__ import annotations

import aiohttp
import pytest

from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.raw import raw_http

TOKEN = "a token of the metrics alone"
#: What shows, or pretends, that a request comes by a proxy.
BY_PROXY = [
    *("X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: ::1", "Via: 1.1 proxy", "X-Real-IP: ::1"),
    *("Forwarded: for=127.0.0.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: localhost"),
]


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)])
async def test_metrics_are_for_this_machine(
    serve: Serve, logs: Logs, trusted: tuple[str, ...]
) -> None:
    server = await serve(trusted_proxies=trusted)
    async with raw_http(server) as connection:
        assert (await connection.request("GET", "/metrics")).status == 200
        for header in BY_PROXY:
            answer = await connection.request("GET", "/metrics", header)
            assert (answer.status, '"reason": "metrics"' in answer.text) == (403, True), header
        connection.writer.write(b"GET /metrics HTTP/1.1\r\nHost: hearth.example.com\r\n\r\n")
        assert (await connection.response()).status == 403
    assert logs.refusals()[0]["admitted_by"].startswith("METRICS_TOKEN")


async def test_or_for_who_has_their_token(
    serve: Serve, session: aiohttp.ClientSession, logs: Logs
) -> None:
    server = await serve(metrics_token=TOKEN)
    for brought, status in (
        *((None, 401), ("Bearer", 401), ("Bearer wrong", 401), (f"Basic {TOKEN}", 401)),
        *((f"Bearer {TOKEN}x", 401), ("Bearer ü", 401), (f"bearer {TOKEN}", 200)),
    ):
        headers = {"X-Forwarded-For": "192.0.2.1"}
        headers |= {"Authorization": brought} if brought else {}
        async with session.get(server.make_url("/metrics"), headers=headers) as response:
            assert response.status == status, brought
            assert (response.headers.get("WWW-Authenticate") == "Bearer") is (status == 401)
    assert {line["admitted_by"] for line in logs.refusals()} == {"METRICS_TOKEN"}
    assert not [line for line in logs.lines if TOKEN in str(line)]


async def test_or_for_everybody(serve: Serve, session: aiohttp.ClientSession) -> None:
    server = await serve(metrics_token="public")
    headers = {"X-Forwarded-For": "192.0.2.1", "Host": "hearth.example.com"}
    async with session.get(server.make_url("/metrics"), headers=headers) as response:
        assert response.status == 200


async def test_a_console_that_is_closed_is_not_there(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    server = await serve(console=False)
    for path in ("/", "/console/", "/console/index.html", "/console/server", "/console/channels"):
        async with session.get(server.make_url(path)) as response:
            assert response.status == 404
    async with session.get(server.make_url("/healthz")) as response:
        assert response.status == 200

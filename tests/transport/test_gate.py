"""The gate: whose pages are let in, at every door, and what those that aren't are told."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from tests.fixtures.logs import Logs
from tests.fixtures.servers import Serve
from tests.support.metrics import scrape
from tests.support.raw import raw_http, raw_websocket

POLL = "/socket.io/?EIO=4&transport=polling"
SOCKET = "/socket.io/?EIO=4&transport=websocket"
EVIL = "https://evil.example"
DOORS = [POLL, SOCKET, "/ws/circles/dev-team", "/ws", "/", "/healthz", "/metrics", "/nothing"]


async def polls(server: TestServer, host: str, *headers: str) -> int:
    """Ask for a session by polling; return the status."""
    async with raw_http(server) as connection:
        lines = "\r\n".join([f"GET {POLL} HTTP/1.1", f"Host: {host}", *headers, "", ""])
        connection.writer.write(lines.encode())
        return (await connection.response()).status


@pytest.mark.parametrize("path", DOORS)
async def test_a_page_of_another_origin_is_refused_everywhere_and_can_read_why(
    server: TestServer, session: aiohttp.ClientSession, logs: Logs, path: str
) -> None:
    async with session.get(server.make_url(path), headers={"Origin": EVIL}) as response:
        assert response.status == 403
        body = await response.json()
        headers = response.headers
    assert (body["code"], body["message"]) == (4, "Forbidden")
    assert body["error"] == {
        "code": "forbidden",
        "message": f"This server does not admit pages of {EVIL}; its ALLOWED_ORIGINS would.",
        "temporary": False,
        "reason": "origin",
    }
    assert headers["Access-Control-Allow-Origin"] == EVIL
    assert headers["Vary"] == "Origin"
    [line] = logs.refusals()
    assert line["address"] == "127.0.0.1"
    assert line["origin"] == EVIL
    assert line["admitted_by"].startswith(f"ALLOWED_ORIGINS={EVIL}")
    assert (await scrape(server))["hearth_refused_total", ("origin",)] == 1


async def test_its_websocket_is_refused_too(server: TestServer, logs: Logs) -> None:
    for path in (SOCKET, "/ws/circles/dev-team"):
        async with raw_websocket(server) as socket:
            answer = await socket.request(
                *("GET", path, "Connection: Upgrade", "Upgrade: websocket", f"Origin: {EVIL}"),
                *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
            )
        assert answer.status == 403
        assert '"reason": "origin"' in answer.text
    assert [line["reason"] for line in logs.refusals()] == ["origin", "origin"]


async def test_its_preflight_lets_nothing_follow(
    server: TestServer, session: aiohttp.ClientSession
) -> None:
    headers = {"Origin": EVIL, "Access-Control-Request-Method": "POST"}
    async with session.options(server.make_url(POLL), headers=headers) as response:
        assert response.status == 403


async def test_an_admitted_page_may_send_and_read(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    server = await serve(allowed_origins=("https://app.example.com",))
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    async with session.options(server.make_url(POLL), headers=asked) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Headers"] == "authorization"
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
    for path in (POLL, "/healthz", "/ws/circles/dev-team"):
        async with session.get(server.make_url(path), headers={"Origin": asked["Origin"]}) as got:
            assert got.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
            assert got.headers["Access-Control-Allow-Credentials"] == "true"


async def test_whoever_asks_by_get_learns_why_a_websocket_was_refused(
    serve: Serve, session: aiohttp.ClientSession
) -> None:
    """A browser hides the answer to a handshake; the same address by `fetch` opens nothing."""
    server = await serve(allowed_origins=("https://app.example.com",))
    for path in (SOCKET, "/ws/circles/dev-team"):
        for origin, reason in ((EVIL, "origin"), ("https://app.example.com", "upgrade")):
            async with session.get(server.make_url(path), headers={"Origin": origin}) as got:
                assert (await got.json())["error"]["reason"] == reason


OWN = [
    ("app.example.com", "https://app.example.com"),  # TLS ends at a proxy that doesn't say so
    ("app.example.com", "http://app.example.com"),
    ("app.example.com", "https://app.example.com:8443"),  # a proxy that leaves the port out
    ("app.example.com:443", "https://app.example.com"),
    ("app.example.com:80", "https://app.example.com"),
    ("APP.example.com:8000", "http://app.Example.com:8000"),
    ("app.example.com", "wss://app.example.com"),  # React Native on Android, Swift
    ("app.example.com:8000", "ws://app.example.com:8000"),
    ("[2001:db8::1]:8000", "http://[2001:db8::1]:8000"),
    ("xn--mller-kva.example", "https://xn--mller-kva.example"),
]
OTHERS = [
    ("app.example.com:8000", "http://app.example.com:8001"),
    ("app.example.com:8000", "http://app.example.com"),
    ("app.example.com", "https://example.com"),
    ("app.example.com", "https://evil.example"),
    ("app.example.com", "https://app.example.com.evil.example"),
    ("app.example.com", "null"),
    ("app.example.com", "https://app.example.com/"),
    ("app.example.com", "app.example.com"),
    ("app.example.com", "https://evil.example@app.example.com"),
    ("localhost:8000", "http://localhost:5173"),  # this is no development mode
]


@pytest.mark.parametrize("allowed", [(), ("https://other.example.com",)])
async def test_its_own_pages_are_let_in_whatever_is_allowed(
    serve: Serve, allowed: tuple[str, ...]
) -> None:
    server = await serve(allowed_origins=allowed)
    for host, origin in OWN:
        assert await polls(server, host, f"Origin: {origin}") == 200, (host, origin)
    for host, origin in OTHERS:
        assert await polls(server, host, f"Origin: {origin}") == 403, (host, origin)


async def test_a_trusted_proxy_may_pass_the_host_in_a_header_of_its_own(
    serve: Serve, logs: Logs
) -> None:
    server = await serve(trusted_proxies=("127.0.0.1",))
    origin = "Origin: https://app.example.com"
    forwarded = "X-Forwarded-Host: app.example.com, proxy.internal"
    assert await polls(server, "hearth:8000", origin, forwarded) == 200
    assert await polls(server, "hearth:8000", origin, "X-Forwarded-For: 192.0.2.1") == 403
    # As nginx does by itself, when it is told nothing else.
    for host in ("hearth:8000", "127.0.0.1:8000"):
        assert await polls(server, host, origin) == 403
    for line in logs.refusals():
        assert line["host"] in {"hearth:8000", "127.0.0.1:8000"}
        assert "proxy that passes the header Host" in line["admitted_by"]
    assert await polls(server, "other.example.com", origin) == 403
    assert logs.refusals()[-1]["admitted_by"] == "ALLOWED_ORIGINS=https://app.example.com"


async def test_nobody_else_gains_by_such_headers(serve: Serve, logs: Logs) -> None:
    server = await serve(trusted_proxies=("192.0.2.1",))
    origin, forged = f"Origin: {EVIL}", f"X-Forwarded-Host: {EVIL.removeprefix('https://')}"
    assert await polls(server, "hearth:8000", origin, forged, "X-Forwarded-For: 192.0.2.9") == 403
    [line] = logs.refusals()
    assert line["address"] == "127.0.0.1"
    assert "TRUSTED_PROXIES has 127.0.0.1" in line["admitted_by"]
    [told] = [line for line in logs.lines if "believed_by" in line]
    assert told["believed_by"] == "TRUSTED_PROXIES=127.0.0.1"
    assert await polls(server, "hearth:8000", "X-Forwarded-For: 192.0.2.9") == 200
    assert len([line for line in logs.lines if "believed_by" in line]) == 1


FORWARDED = ("X-Forwarded-For: 10.9.9.9", "X-Forwarded-For: 192.0.2.9, 127.0.0.2")
UPGRADE = (
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.mark.parametrize("trusted", [(), ("127.0.0.0/8",)])
@pytest.mark.parametrize("forwarded", [FORWARDED, FORWARDED[1:]], ids=["by aiohttp", "fast path"])
async def test_a_client_is_known_by_the_address_that_a_trusted_proxy_says(
    serve: Serve, logs: Logs, trusted: tuple[str, ...], forwarded: tuple[str, ...]
) -> None:
    server = await serve(trusted_proxies=trusted)
    headers = (*forwarded, "X-Forwarded-Proto: https", *UPGRADE)
    client = "192.0.2.9" if trusted else "127.0.0.1"
    async with raw_websocket(server) as socket:
        assert (await socket.request("GET", SOCKET, *headers)).status == 101
        sid = json.loads(str(await socket.next())[1:])["sid"]
        environ = server.app[SERVER].eio.sockets[sid].handshake.environ
        assert environ["REMOTE_ADDR"] == client
        assert environ["wsgi.url_scheme"] == ("https" if trusted else "http")
        socket.write('40/circles,{"token":"bad"}')
        await socket.until("44")
    async with raw_websocket(server) as socket:
        await socket.request("GET", "/ws/circles/a?token=bad", *headers)
        await socket.closed()
    async with raw_http(server) as http:
        await http.request("GET", POLL, *forwarded, f"Origin: {EVIL}")
    assert [line["address"] for line in logs.refusals()] == [client] * 3


async def test_a_development_server_lets_in_pages_of_this_machine(serve: Serve) -> None:
    server = await serve(auth_mode="none", auth_secret=None)
    for origin in (
        *(
            "http://localhost:5173",
            "http://127.0.0.1:3000",
            "http://127.8.9.1",
            "https://localhost",
        ),
        *("http://[::1]:5173", "http://app.localhost:8080", "ws://localhost:8081"),
        "capacitor://localhost",
    ):
        assert await polls(server, "localhost:8000", f"Origin: {origin}") == 200, origin
    for origin in ("null", EVIL, "http://localhost.evil.example", "http://192.168.0.7:5173"):
        assert await polls(server, "localhost:8000", f"Origin: {origin}") == 403, origin


async def test_but_to_no_name_that_others_make_resolve_to_it(serve: Serve, logs: Logs) -> None:
    server = await serve(auth_mode="none", auth_secret=None)
    for origin in ("http://rebound.example", "http://localhost:5173"):
        assert await polls(server, "rebound.example", f"Origin: {origin}") == 403
    assert [line["reason"] for line in logs.refusals()] == ["host", "host"]
    assert "localhost" in logs.refusals()[0]["admitted_by"]


async def test_a_development_server_for_others_goes_by_the_setting(serve: Serve) -> None:
    """`AUTH_MODE=none` on another address: there a page of this machine is like any other."""
    server = await serve(auth_mode="none", auth_secret=None, host="0.0.0.0")
    assert await polls(server, "10.0.0.7", "Origin: http://localhost:5173") == 403
    assert await polls(server, "10.0.0.7", "Origin: http://10.0.0.7") == 200


async def test_cookies_of_sixteen_kilobytes_are_taken_and_more_is_refused_clearly(
    serve: Serve, logs: Logs
) -> None:
    server = await serve(allowed_origins=("https://app.example.com",))
    origin = "Origin: https://app.example.com"
    assert await polls(server, "a.example", origin, f"Cookie: a={'x' * 15_000}") == 200
    async with raw_websocket(server) as socket:
        opened = await socket.request(
            *(
                "GET",
                SOCKET,
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
            ),
            *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", f"Cookie: a={'x' * 15_000}"),
        )
    assert opened.status == 101
    async with raw_http(server) as connection:
        answer = await connection.request("GET", POLL, origin, f"Cookie: a={'x' * 17_000}")
    assert answer.status == 431
    assert '"reason": "headers"' in answer.text
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    async with raw_http(server) as connection:
        answer = await connection.request("GET", POLL, origin, f"Cookie: a={'x' * 40_000}")
    assert answer.status == 431
    assert answer.headers["access-control-allow-origin"] == "*"
    assert [line["reason"] for line in logs.refusals()] == ["headers", "headers"]


async def test_what_is_no_http_is_told_of(server: TestServer, logs: Logs) -> None:
    async with raw_http(server) as connection:
        connection.writer.write(b"\x16\x03\x01\x02\x00 is TLS\r\n\r\n")
        answer = await connection.response()
    assert answer.status == 400
    assert '"reason": "request"' in answer.text
    [line] = logs.refusals()
    assert (line["reason"], line["address"]) == ("request", "127.0.0.1")
    assert logs.tracebacks() == []

"""Agents in Python that are given what is no Hearth, or no URL of one: they say so soon."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import hearth_realtime
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hearth_realtime import HearthError
from hearth_realtime.address import Address
from hearth_realtime.errors import refused_by

from tests.fixtures.proxies import Through
from tests.fixtures.servers import Start
from tests.support.ready import until
from tests.support.tokens import ALICE


@pytest.fixture
async def unanswering() -> AsyncIterator[str]:
    """The URL of what takes connections, and says nothing."""
    async for url in listening(b""):
        yield url


@pytest.fixture
async def ssh() -> AsyncIterator[str]:
    """The URL of what greets in another protocol."""
    async for url in listening(b"SSH-2.0-OpenSSH_9.7\r\n"):
        yield url


async def listening(greeting: bytes) -> AsyncIterator[str]:
    writers: list[asyncio.StreamWriter] = []

    def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(greeting)

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for writer in writers:
        writer.close()


async def test_what_is_not_hearth_is_called_so(start_server: Start) -> None:
    server = await start_server(web.Application(), TestServer)
    async with hearth_realtime.connect(str(server.make_url("/app"))) as hearth:
        with pytest.raises(HearthError) as caught:
            await hearth.circle("dev-team")
        assert caught.value.code == "refused"
        where = server.make_url("/app/socket.io/")
        expected = f"refused: What answers at {where} is not Hearth, and says HTTP 404 ("
        assert str(caught.value).startswith(expected)


@pytest.mark.parametrize("tail", ["circles", "chat/", "socket.io"])
async def test_what_a_url_has_too_much_is_said(server: TestServer, tail: str) -> None:
    url = str(server.make_url(f"/{tail}"))
    async with hearth_realtime.connect(url, token=ALICE) as hearth:
        with pytest.raises(HearthError, match=f"leave /{tail.strip('/')} out of the URL") as caught:
            await hearth.circle("dev-team")
        assert caught.value.reason == "path"


async def test_a_page_for_every_path_is_not_hearth(start_server: Start) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>An app</html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    server = await start_server(app, TestServer)
    async with hearth_realtime.connect(str(server.make_url(""))) as hearth:
        with pytest.raises(HearthError, match="is not Hearth, and says HTTP 200") as caught:
            await hearth.circle("dev-team")
        assert (caught.value.code, caught.value.temporary) == ("refused", False)


async def test_a_server_that_leaves_handshakes_unanswered_is_asked_what_it_is(
    start_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Vite's, which answers WebSockets of its own alone, and every path with its page."""
    monkeypatch.setattr("hearth_realtime.wire.SILENCE_SECONDS", 0.01)

    async def page(request: web.Request) -> web.Response:
        if "Upgrade" in request.headers:
            await asyncio.Event().wait()
        return web.Response(text="<html>An app</html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    server = await start_server(app, TestServer)
    async with hearth_realtime.connect(str(server.make_url(""))) as hearth:
        with pytest.raises(HearthError, match="is not Hearth, and says HTTP 200"):
            await hearth.circle("dev-team")


async def test_what_takes_connections_and_says_nothing_is_told_early(
    unanswering: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hearth_realtime.wire.SILENCE_SECONDS", 0.01)
    async with hearth_realtime.connect(unanswering) as hearth:
        joining = asyncio.create_task(hearth.circle("dev-team"))
        await until(lambda: "it may not be Hearth; waiting" in caplog.text)
        assert not joining.done()
        with pytest.raises(HearthError, match=r"timeout: .*it may not be Hearth"):
            await hearth.publish(
                *("/circles", "dev-team", "user_message", {"content": "Hi"}), timeout=0.05
            )
        joining.cancel()
    monkeypatch.setattr("hearth_realtime.wire.OPEN_SECONDS", 0.05)
    caplog.clear()
    async with hearth_realtime.connect(unanswering) as hearth, asyncio.timeout(60):
        joining = asyncio.create_task(hearth.circle("dev-team"))
        with caplog.at_level(logging.DEBUG, "hearth_realtime"):
            await until(lambda: "it may not be Hearth; trying again" in caplog.text)
        joining.cancel()
    (told,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert told.getMessage().endswith("; waiting")


async def test_a_slow_handshake_of_hearth_is_waited_for(
    server: TestServer, through: Through, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hearth_realtime.wire.SILENCE_SECONDS", 0.0)
    proxy = await through(str(server.make_url("")))
    proxy.slow_down(2_000)
    async with hearth_realtime.connect(proxy.url, token=ALICE) as hearth, asyncio.timeout(60):
        assert (await hearth.circle("dev-team")).state == "live"


async def test_what_speaks_no_http_is_not_hearth(ssh: str) -> None:
    async with hearth_realtime.connect(ssh) as hearth:
        with pytest.raises(HearthError, match="is not Hearth, and speaks no HTTP"):
            await hearth.circle("dev-team")


def test_the_servers_error_and_a_proxys_page_are_told_apart() -> None:
    error = {"code": "forbidden", "message": "Not here.", "temporary": False, "reason": "host"}
    body = f'{{"code":4,"message":"Forbidden","error":{error}}}'.replace("'", '"')
    refused = refused_by("http://h/", 403, body.replace("False", "false").encode())
    assert str(refused) == "refused: host, forbidden: Not here."
    assert (refused.code, refused.reason, refused.temporary) == ("forbidden", "host", False)
    page = refused_by("http://h/", 502, b"<html><h1>Bad gateway</h1></html>")
    assert (str(page), page.temporary) == ("refused: http://h/ answers HTTP 502.", True)
    text = refused_by("http://h/", 403, b"Blocked\n")
    said = "refused: What answers at http://h/ is not Hearth, and says HTTP 403 (Blocked)."
    assert (str(text), text.temporary) == (said, False)


@pytest.mark.parametrize(
    ("url", "path", "opens"),
    [
        ("http://h:8000", None, "ws://h:8000/socket.io/"),
        ("https://h/", None, "wss://h/socket.io/"),
        ("https://h/hearth", None, "wss://h/hearth/socket.io/"),
        ("https://h/a/hearth/", None, "wss://h/a/hearth/socket.io/"),
        ("wss://h/hearth/", "/live/", "wss://h/live/"),
        ("ws://[::1]:8000", "live", "ws://[::1]:8000/live/"),
        ("localhost:8000", None, "ws://localhost:8000/socket.io/"),
        ("app.localhost/hearth", None, "ws://app.localhost/hearth/socket.io/"),
        ("127.0.0.1:8000", None, "ws://127.0.0.1:8000/socket.io/"),
        ("[::1]:8000", None, "ws://[::1]:8000/socket.io/"),
        ("h.example.com:8443", None, "wss://h.example.com:8443/socket.io/"),
        ("192.0.2.1?to=http://x", None, "wss://192.0.2.1/socket.io/?to=http://x&"),
        ("https://ann:pw@h/?x=1", None, "wss://ann:pw@h/socket.io/?x=1&"),
    ],
)
def test_where_a_url_leads(url: str, path: str | None, opens: str) -> None:
    address = Address.of(url, path)
    query = "EIO=4&transport=websocket"
    assert address.url("websocket") == opens + (query if opens.endswith("&") else f"?{query}")
    assert "pw" not in str(address)


@pytest.mark.parametrize(
    "url", ["", "/hearth", "ftp://h", "http://", "http://h:x", "http://[::1", "no url", None]
)
def test_what_is_no_url_of_a_server_is_said_at_once(url: Any) -> None:
    """As an error of ours, which programs look for, and as Python's own functions do."""
    for kind in (HearthError, ValueError):
        with pytest.raises(kind, match="URL is like https"):
            hearth_realtime.connect(url)
    with pytest.raises(HearthError) as caught:
        hearth_realtime.connect(url)
    assert (caught.value.code, caught.value.temporary) == ("invalid", False)


async def test_what_cannot_be_meant_is_invalid_without_a_server() -> None:
    async with hearth_realtime.connect("http://127.0.0.1:9") as hearth:
        say = ("/circles", "dev-team", "user_message")
        for asking, told in (
            (hearth.channel("circles", "dev-team"), "begin with a slash: /circles"),
            (hearth.publish(*say, {"content": "Hi"}, timeout=0), "A timeout is more than 0 s"),
            (hearth.publish(*say, {"content": float("nan")}), "The request is not valid: data: No"),
        ):
            with pytest.raises(HearthError, match=told) as caught:
                await asking
            assert caught.value.code == "invalid"
            assert str(caught.value).count("data") <= 1

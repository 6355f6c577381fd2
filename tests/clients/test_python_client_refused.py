"""Agents in Python that are refused, or find nobody: they say why."""

from __future__ import annotations

import asyncio
import logging

import hearth_realtime
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hearth_realtime import HearthError

from app.app_keys import HUB
from tests.fixtures.clients import Connect
from tests.fixtures.proxies import Through
from tests.fixtures.servers import Serve, Start
from tests.support.agents import contents, take
from tests.support.ports import free_port
from tests.support.ready import until
from tests.support.redis import RedisServer
from tests.support.tokens import ALICE


async def test_a_refused_token_is_called_refused(server: TestServer) -> None:
    async with hearth_realtime.connect(str(server.make_url("")), token="garbage") as hearth:
        with pytest.raises(HearthError, match=r"^refused: (.*, )?unauthorized: ") as caught:
            await hearth.circle("dev-team")
        assert (caught.value.code, caught.value.temporary) == ("unauthorized", False)
        assert caught.value.reason == "unauthorized"  # the message says what is wrong with it
        assert caught.value.message == "The token is not valid."


async def test_a_refused_host_is_called_refused(serve: Serve) -> None:
    """In development mode a server answers to the names of this machine only."""
    server = await serve(auth_secret=None, auth_mode="none")
    async with hearth_realtime.connect(f"http://0.0.0.0:{server.port}") as hearth:
        with pytest.raises(HearthError, match=r"refused: .*localhost or 127\.0\.0\.1"):
            await hearth.circle("dev-team")
    async with hearth_realtime.connect(f"http://127.0.0.1:{server.port}") as hearth:
        assert (await hearth.circle("dev-team")).state == "live"


async def test_one_connection_too_many_is_tried_again_until_there_is_room(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.hub.quotas.RETRY_SECONDS", 0.05)
    server = await serve(connections_per_identity=1)
    first = await connect(url=str(server.make_url("")))
    async with hearth_realtime.connect(str(server.make_url("")), token=ALICE) as hearth:
        joining = asyncio.create_task(hearth.circle("dev-team"))
        refused = server.app[HUB].counters.refused
        await until(lambda: refused["connections"] > 1)
        assert not joining.done()
        await first.disconnect()
        assert (await joining).state == "live"


async def test_a_proxy_without_its_server_is_waited_for(
    server: TestServer, start_server: Start, through: Through
) -> None:
    async def unavailable(_request: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>Bad gateway</html>")

    app = web.Application()
    app.router.add_get("/socket.io/", unavailable)
    proxy = await through(str((await start_server(app, TestServer)).make_url("")))
    async with hearth_realtime.connect(proxy.url, token=ALICE) as hearth:
        joining = asyncio.create_task(hearth.circle("dev-team"))
        await until(lambda: proxy.accepted > 0)
        proxy.target = str(server.make_url(""))
        assert (await joining).state == "live"


async def test_who_was_admitted_outlives_a_page_that_is_not_hearths(
    server: TestServer, start_server: Start, through: Through
) -> None:
    proxy = await through(str(server.make_url("")))
    async with hearth_realtime.connect(proxy.url, token=ALICE) as hearth:
        circle = await hearth.circle("dev-team")
        proxy.target = str((await start_server(web.Application(), TestServer)).make_url(""))
        accepted = proxy.accepted
        proxy.cut()
        await until(lambda: proxy.accepted > accepted + 1)
        proxy.target = str(server.make_url(""))
        await circle.publish("user_message", {"content": "back"})
        assert contents(await take(circle, 1)) == ["back"]


async def test_nobody_there_is_said_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with hearth_realtime.connect(f"http://127.0.0.1:{port}", token=ALICE) as hearth:
        with pytest.raises(HearthError, match=f"timeout: .* connect to host 127.0.0.1:{port}"):
            await hearth.publish(
                *("/circles", "dev-team", "user_message", {"content": "Hi"}), timeout=0.3
            )
    (told,) = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert told.name == "hearth_realtime"
    assert f"Cannot connect to host 127.0.0.1:{port}" in told.getMessage()
    assert told.getMessage().startswith(f"http://127.0.0.1:{port}/socket.io/ /circles: ")


@pytest.mark.parametrize("path", [None, "/hearth/socket.io"], ids=["url", "path"])
async def test_a_server_under_a_prefix(
    server: TestServer, through: Through, path: str | None
) -> None:
    proxy = await through(str(server.make_url("")))
    proxy.put_under("/hearth/")
    url = proxy.url if path is None else proxy.url.removesuffix("/hearth/")
    async with hearth_realtime.connect(url, token=ALICE, path=path) as hearth:
        circle = await hearth.circle("dev-team")
        await circle.publish("user_message", {"content": "Hi"})
        assert contents(await take(circle, 1)) == ["Hi"]


async def test_who_waits_for_the_servers_redis_is_told(
    serve: Serve, late_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = str((await serve(redis_url=late_redis.url)).make_url(""))
    with caplog.at_level(logging.WARNING, "hearth_realtime"):
        async with hearth_realtime.connect(url, token=ALICE) as hearth:
            joining = asyncio.create_task(hearth.circle("dev-team"))
            await until(lambda: "unavailable" in caplog.text)
            assert "dev-team" in caplog.text
            late_redis.start()
            circle = await joining
            await until(lambda: circle.state == "live")
    assert caplog.text.count("unavailable") == 1

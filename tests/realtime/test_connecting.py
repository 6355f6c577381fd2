"""What an application's connect handler does while its client waits for the CONNECT reply."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.web import BaseRunner
from socketio.exceptions import ConnectionRefusedError as StockRefused

from app.app_keys import SERVER
from app.realtime.manager import Manager
from app.realtime.server import Server
from app.runner import Runner
from tests.fixtures.logs import Logs
from tests.fixtures.servers import ServePlain, Start
from tests.support.client import PATIENCE_SECONDS
from tests.support.node import NodeDriver
from tests.support.raw import RawWebSocket, raw_http, raw_websocket

Handler = Callable[[Server, str], Awaitable[Any]]


def serving(handler: Handler, **options: Any) -> Server:
    """Return a server with a connect handler."""
    realtime = Server(Manager(), **options)

    async def connect(sid: str, _environ: Any, _auth: Any) -> Any:
        return await handler(realtime, sid)

    realtime.on("connect", connect)
    return realtime


class Patient(TestServer):
    """A server that lets handlers finish whose client has left, as `web.AppRunner` does."""

    async def _make_runner(self, **options: Any) -> BaseRunner:
        return Runner(self.app, **options | {"handler_cancellation": False})


def without_sid(packet: str | bytes) -> str:
    return str(packet).partition("{")[0]


async def texts(socket: RawWebSocket, number: int) -> list[str]:
    return [without_sid(await socket.next()) for _number in range(number)]


async def test_the_reply_comes_before_what_is_emitted(serve_plain: ServePlain) -> None:
    async def handler(realtime: Server, sid: str) -> None:
        await realtime.emit("one", to=sid)
        await realtime.emit("all")

    async with raw_websocket(await serve_plain(serving(handler))) as socket:
        await socket.engine()
        socket.write("40")
        assert await texts(socket, 3) == ["40", '42["one"]', '42["all"]']


@pytest.mark.parametrize("always_connect", [False, True])
async def test_a_client_may_be_asked(
    serve_plain: ServePlain, node: NodeDriver, transport: str, always_connect: bool
) -> None:
    """It answers nobody before it has its CONNECT reply, so that comes first."""
    asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    may_ask = asyncio.Event()

    async def handler(realtime: Server, sid: str) -> None:
        await realtime.emit("before", to=sid)
        await may_ask.wait()
        asked.set_result(await realtime.call("ask", to=sid, timeout=PATIENCE_SECONDS))

    realtime = serving(handler, always_connect=always_connect)
    url = str((await serve_plain(realtime)).make_url(""))
    client = node.open(url, "/", transports=["polling" if transport == "polling" else "websocket"])
    await client.answer("ask", {"an": "answer"})
    may_ask.set()
    assert await asked == {"an": "answer"}
    assert [line["event"] for line in client.happened if "event" in line] == ["before", "ask"]
    assert len(client.moments("connect")) == 1


@pytest.mark.parametrize("how", ["returned", "raised", "failed"])
async def test_who_was_asked_and_is_refused_is_disconnected(
    serve_plain: ServePlain, node: NodeDriver, how: str
) -> None:
    async def handler(realtime: Server, sid: str) -> bool:
        await realtime.call("ask", to=sid, timeout=PATIENCE_SECONDS)
        if how == "raised":
            raise StockRefused("no")
        if how == "failed":
            raise ValueError("a defect")
        return False

    realtime = serving(handler)
    url = str((await serve_plain(realtime)).make_url(""))
    client = node.open(url, "/")
    await client.answer("ask", None)
    assert (await client.moment("disconnect"))["reason"] == "io server disconnect"
    assert client.moments("connect_error") == []
    assert list(realtime.manager.get_namespaces()) == []


async def test_a_handler_may_disconnect_who_has_the_reply(serve_plain: ServePlain) -> None:
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def handler(realtime: Server, sid: str) -> None:
        await realtime.disconnect(sid)

    realtime = serving(handler, always_connect=True)
    realtime.on("disconnect", lambda _sid, reason: ended.set_result(reason))
    async with raw_websocket(await serve_plain(realtime)) as socket:
        await socket.engine()
        socket.write("40")
        assert await texts(socket, 2) == ["40", "41"]
        assert await ended == "server disconnect"
        assert list(realtime.manager.get_namespaces()) == []
        socket.write("40")
        assert await texts(socket, 1) == ["40"]


async def test_other_namespaces_go_on_meanwhile(serve_plain: ServePlain) -> None:
    """Also with events that want an answer: the handler may be waiting for it."""
    asked: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(realtime: Server, _sid: str) -> None:
        [(other, _eio_sid)] = realtime.manager.get_participants("/other", None)
        call = realtime.call("ask", to=other, namespace="/other", timeout=PATIENCE_SECONDS)
        asked.set_result(await call)

    realtime = serving(handler)
    realtime.on("connect", lambda _sid, _environ, _auth: None, namespace="/other")
    async with raw_websocket(await serve_plain(realtime)) as socket:
        await socket.engine()
        socket.write("40/other,")
        socket.write("40")
        assert await texts(socket, 2) == ["40/other,", '42/other,1["ask"]']
        socket.write('43/other,1["answer"]')
        assert await texts(socket, 1) == ["40"]
    assert await asked == "answer"


async def test_who_leaves_meanwhile_leaves_no_trace(serve_plain: ServePlain, logs: Logs) -> None:
    waits, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handler(realtime: Server, sid: str) -> None:
        waits.set()
        await may_end.wait()
        await realtime.save_session(sid, {"name": "ann"})
        await realtime.enter_room(sid, "room")
        await realtime.emit("welcome", to=sid)

    realtime = serving(handler)

    async def disconnect(sid: str, reason: str) -> None:
        assert (await realtime.get_session(sid), reason) == ({"name": "ann"}, "transport close")
        ended.set()

    realtime.on("disconnect", disconnect)
    async with raw_websocket(await serve_plain(realtime)) as socket:
        sid = await socket.engine()
        socket.write("40")
        await waits.wait()
        connection = realtime.eio.sockets[sid]
    while not connection.closed:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    may_end.set()
    await ended.wait()
    await realtime.work.finish(PATIENCE_SECONDS)
    assert list(realtime.manager.get_namespaces()) == []
    assert logs.tracebacks() == []


@pytest.mark.parametrize(
    "request_",
    [
        (
            *("GET", "EIO=4&transport=websocket", "Connection: Upgrade", "Upgrade: websocket"),
            *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        ),
        ("GET", "EIO=4&transport=polling"),
        ("POST", "EIO=4&transport=polling&sid=SID", "Content-Length: 10"),
    ],
)
async def test_who_leaves_while_a_middleware_waits_leaves_no_traceback(
    start_server: Start, logs: Logs, request_: tuple[str, ...]
) -> None:
    waits, done = asyncio.Event(), asyncio.Event()

    @web.middleware
    async def wait(request: web.Request, handler: Any) -> web.StreamResponse:
        if "X-Wait" not in request.headers:
            response: web.StreamResponse = await handler(request)
            return response
        waits.set()
        while request.transport is not None:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)
        try:
            response = await handler(request)
        finally:
            done.set()
        return response

    realtime = serving(lambda _realtime, _sid: asyncio.sleep(0))
    app = web.Application(middlewares=[wait])
    app[SERVER] = realtime
    realtime.attach(app)
    server: TestServer = await start_server(app, Patient)
    async with raw_http(server) as connection:
        opened = await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
        sid = opened.text.split('"')[3]
    method, query, *headers = request_
    async with raw_http(server) as connection:
        path = f"/socket.io/?{query.replace('SID', sid)}"
        connection.write_head(method, path, "X-Wait: yes", *headers)
        await waits.wait()
    await done.wait()
    async with raw_http(server) as connection:  # by then aiohttp is done with the other one
        assert (
            await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
        ).status == 200
    assert logs.tracebacks() == []

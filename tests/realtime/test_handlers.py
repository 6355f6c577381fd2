"""Handlers that take long or fail, and what goes on meanwhile."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from app.realtime.manager import Manager
from app.realtime.server import Server
from tests.fixtures.logs import Logs
from tests.fixtures.servers import ServePlain
from tests.realtime.test_server import joined, realtime, socket
from tests.support.raw import RawWebSocket, raw_websocket

__all__ = ["joined", "realtime", "socket"]  # fixtures


async def test_a_connect_handler_that_takes_long_is_pinged_meanwhile(
    serve_plain: ServePlain,
) -> None:
    realtime = Server(Manager(), ping_interval=0.05, ping_timeout=5)
    may_end = asyncio.Event()

    async def connect(_sid: str, _environ: Any, _auth: Any) -> None:
        await may_end.wait()

    realtime.on("connect", connect)
    async with raw_websocket(await serve_plain(realtime)) as socket:
        await socket.engine()
        socket.write("40")
        try:
            async with asyncio.timeout(1):
                assert await socket.next() == "2"
        finally:
            may_end.set()


async def test_who_is_disconnected_may_enter_again_at_once(
    realtime: Server, joined: RawWebSocket
) -> None:
    may_end = asyncio.Event()

    async def disconnect(_sid: str, _reason: str) -> None:
        await may_end.wait()

    realtime.on("disconnect", disconnect)
    [(sid, _eio_sid)] = realtime.manager.get_participants("/", None)
    disconnecting = asyncio.create_task(realtime.disconnect(sid))
    assert await joined.next() == "41"
    joined.write("40")
    try:
        assert str(await joined.next()).startswith('40{"sid":')
    finally:
        may_end.set()
        await disconnecting


async def test_an_answer_that_its_callback_cannot_take_is_one_line(
    realtime: Server, joined: RawWebSocket, logs: Logs
) -> None:
    def called(_only: Any) -> None:
        raise AssertionError("with three arguments?")

    await realtime.emit("question", callback=called)
    assert await joined.next() == '421["question"]'
    joined.write("431[1,2,3]")
    joined.write('422["message-with-ack"]')
    assert await joined.next() == "432[]"
    await realtime.work.finish(10)
    gc.collect()
    assert len(logs.events()) == 1
    assert "never retrieved" not in logs.events()[0]

"""Engine.IO underneath: session ids, the WebSocket driver, and closing."""

from __future__ import annotations

import asyncio
from typing import Any

import engineio
from aiohttp.web import WebSocketResponse
from engineio.async_drivers import aiohttp as aiohttp_driver

from app.core.channel import SID_MARK


class WebSocket(aiohttp_driver.WebSocket):  # type: ignore[misc]
    """The stock driver without per-message compression, as in the official server."""

    async def __call__(self, environ: dict[str, Any]) -> WebSocketResponse:
        self._sock = WebSocketResponse(
            max_msg_size=self.server.max_http_buffer_size, compress=False
        )
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        await self.handler(self)
        return self._sock


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """The stock Engine.IO server with ids that are no channel's name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # A dictionary of the driver's module, shared by all servers of the process: copy it.
        self._async: dict[str, Any] = {**self._async, "websocket": WebSocket}

    def generate_id(self) -> str:
        """Return a new session id that can't be the name of a channel."""
        return f"{super().generate_id()}{SID_MARK}"

    async def close_all(self, reason: str) -> None:
        """Close every connection; the clients see a lost transport and may connect elsewhere."""
        sockets = list(self.sockets.values())
        await asyncio.gather(*(socket.close(wait=False, reason=reason) for socket in sockets))
        for socket in sockets:
            socket.queue.put_nowait(None)  # ends the writer, and a poll that hangs
        self.sockets.clear()

"""A plain WebSocket client that remembers what it got."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from tests.support.client import PATIENCE_SECONDS

JSON = dict[str, Any]


class PlainClient:
    """One connection to a plain endpoint; frames are read when a test asks for them.

    Args:
        socket: opened already.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.received: list[JSON] = []

    async def send(self, message: str | bytes | JSON) -> None:
        """Send one frame; an object as JSON."""
        if isinstance(message, bytes):
            await self.socket.send_bytes(message)
        else:
            await self.socket.send_str(message if isinstance(message, str) else json.dumps(message))

    async def read(self) -> JSON:
        """Return the next frame."""
        frame = await asyncio.wait_for(self.socket.receive(), PATIENCE_SECONDS)
        assert frame.type is aiohttp.WSMsgType.TEXT, f"{frame} {self.socket.close_code}"
        message: JSON = json.loads(frame.data)
        self.received.append(message)
        return message

    async def next(self, name: str) -> JSON:
        """Return the next message of a type, whatever comes before it."""
        while (message := await self.read()).get("type") != name:
            pass
        return message

    async def settle(self) -> list[JSON]:
        """Return all that the server sent before now."""
        await self.send({"type": "ping"})
        seen: list[JSON] = []
        while (message := await self.read()).get("type") != "pong":
            seen.append(message)
        return seen

    async def closed(self) -> int:
        """Read to the end; return the close code, 1006 where there was no close frame."""
        while True:
            frame = await asyncio.wait_for(self.socket.receive(), PATIENCE_SECONDS)
            if frame.type is aiohttp.WSMsgType.TEXT:
                self.received.append(json.loads(frame.data))
            elif frame.type is aiohttp.WSMsgType.CLOSE:
                code: int = frame.data  # `close_code` is 1006 when the answer comes too late
                return code
            else:
                return 1006

    async def error(self) -> JSON:
        """Return the next error."""
        data: JSON = (await self.next("error"))["data"]
        return data

    async def refusal(self) -> tuple[int, str]:
        """Return the close code, and the code of the error that came before it."""
        code = await self.closed()
        error = self.received[-1]
        assert error["type"] == "error"
        assert error["error"] == error["data"]
        return code, error["data"]["code"]

"""One connection without a client library: frames out, frames in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from tests.support.client import PATIENCE_SECONDS

QUERY = {"EIO": "4", "transport": "websocket"}
_MESSAGE = '42/circles,["user_message"'
MARK = "/mark"  # a namespace that nobody has: asking for it is answered, and changes nothing


class Wire:
    """A raw WebSocket that speaks Engine.IO when the test says so."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.sid = ""
        self.received: list[str | bytes] = []

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, server: TestServer) -> Wire:
        """Connect and read the OPEN packet."""
        url = server.make_url("/socket.io/").with_query(QUERY)
        wire = cls(await session.ws_connect(url, max_msg_size=0))
        opened = await wire.next("0")
        wire.sid = json.loads(opened[1:])["sid"]
        return wire

    async def join(self, namespace: str, token: str) -> Wire:
        """Connect to a namespace and read its welcome."""
        await self.send(f"40{namespace}," + json.dumps({"token": token}))
        await self.next(f'42{namespace},["connection_ack"')
        return self

    async def send(self, frame: str | bytes) -> None:
        """Send one frame as it is."""
        if isinstance(frame, bytes):
            await self._socket.send_bytes(frame)
        else:
            await self._socket.send_str(frame)

    async def next(self, beginning: str) -> str:
        """Wait for the next text frame that begins so."""
        while True:
            frame = await self._read()
            assert frame is not None, f"closed before a frame {beginning}…"
            if isinstance(frame, str) and frame.startswith(beginning):
                return frame

    async def request(self, payload: str, namespace: str = "/circles") -> dict[str, Any]:
        """Send an event whose JSON is written by the test; return its acknowledgement."""
        await self.send(f"42{namespace},1{payload}")
        beginning = f"43{namespace},1"
        [answer] = json.loads((await self.next(beginning)).removeprefix(beginning))
        return dict(answer)

    async def recover(self, payload: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Join a circle; return the answer, and its messages with those that follow it."""
        answer = await self.request(payload)
        following = [
            json.loads((await self.next(_MESSAGE)).removeprefix("42/circles,"))[1]
            for _ in range(answer.get("following", 0))
        ]
        return answer, answer["messages"] + following

    async def closed(self) -> None:
        """Wait until the server has closed the connection."""
        while await self._read() is not None:
            pass

    async def settle(self) -> bool:
        """Wait until the server has read every frame; tell whether the connection still lives."""
        try:
            await self.send(f"40{MARK},")
        except ConnectionError:
            return False
        while (frame := await self._read()) is not None:
            if isinstance(frame, str) and frame.startswith(f"44{MARK},"):
                return True
        return False

    async def close(self) -> None:
        """Close it from this side."""
        await self._socket.close()

    async def _read(self) -> str | bytes | None:
        message = await asyncio.wait_for(self._socket.receive(), PATIENCE_SECONDS)
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return None
        frame: Any = message.data
        self.received.append(frame)
        return frame  # type: ignore[no-any-return]

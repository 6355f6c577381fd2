"""Long polling without a client library."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from app.app_keys import SERVER
from app.engine.session import EngineSession
from tests.support.client import PATIENCE_SECONDS

QUERY = {"EIO": "4", "transport": "polling"}
SEPARATOR = "\x1e"
_MESSAGE = '42/circles,["user_message"'


class Poller:
    """One Engine.IO session over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, server: TestServer) -> None:
        self._session = session
        self._server = server
        self.url = server.make_url("/socket.io/").with_query(QUERY)
        self.sid = ""

    async def open(self) -> Poller:
        opened = await self.poll()
        self.sid = json.loads(opened[0][1:])["sid"]
        self.url = self.url.update_query(sid=self.sid)
        return self

    async def poll(self) -> list[str]:
        """Return the packets of the next response."""
        async with self._session.get(self.url) as response:
            assert response.status == 200, await response.text()
            return (await response.text()).split(SEPARATOR)

    async def until(self, beginning: str) -> list[str]:
        """Poll until a packet begins so; return all up to then."""
        packets = await self.poll()
        while not any(packet.startswith(beginning) for packet in packets):
            packets += await self.poll()
        return packets

    async def acknowledged(self) -> Any:
        """Poll until a request is acknowledged; return what it is acknowledged with."""
        [packet] = [one for one in await self.until("43") if one.startswith("43")]
        [answer] = json.loads(packet[packet.index("[") :])
        return answer

    async def recovered(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Poll until a join is acknowledged; return the answer, and all its messages."""
        packets = await self.until("43")
        [packet] = [one for one in packets if one.startswith("43")]
        [answer] = json.loads(packet[packet.index("[") :])
        messages = answer["messages"]
        following = [one for one in packets if one.startswith(_MESSAGE)]
        while len(following) < answer.get("following", 0):
            following += [one for one in await self.poll() if one.startswith(_MESSAGE)]
        return answer, messages + [json.loads(one[one.index("[") :])[1] for one in following]

    async def status(self) -> int:
        """Poll, and return only the status."""
        async with self._session.get(self.url) as response:
            return response.status

    @property
    def connection(self) -> EngineSession:
        """The server's end."""
        connection: EngineSession = self._server.app[SERVER].eio.sockets[self.sid]
        return connection

    async def hang(self) -> asyncio.Task[list[str]]:
        """Poll with nothing to fetch; return when the server has the request."""
        poll = asyncio.create_task(self.poll())
        await self.is_polling()
        return poll

    async def is_polling(self) -> None:
        """Return when the server has a poll that waits."""
        connection = self.connection
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not connection.polled:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0)

    async def post(self, *packets: str) -> int:
        """Send packets; return the status."""
        body = io.BytesIO(SEPARATOR.join(packets).encode())
        async with self._session.post(self.url, data=body) as response:
            return response.status

    async def join(self, namespace: str, token: str) -> Poller:
        await self.post(f"40{namespace}," + json.dumps({"token": token}))
        packets = await self.poll()
        while not any("connection_ack" in packet for packet in packets):
            assert packets[0].startswith(f"40{namespace},")
            packets += await self.poll()
        return self

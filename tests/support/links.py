"""Links: a server's connections to its Redis, each of which can fail by itself."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import urlsplit

COMMANDS: Final = "commands"
SUBSCRIPTIONS: Final = "subscriptions"
KINDS: Final = (COMMANDS, SUBSCRIPTIONS)


class _Passage:
    """One connection; its kind is known once the server has asked something of Redis."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near = near
        self.far = far
        self.kind = ""

    def look(self, data: bytes) -> None:
        """Tell by what is asked what the connection is for."""
        if b"SUBSCRIBE" in data or b"XREVRANGE" in data:
            self.kind = SUBSCRIPTIONS
        elif b"\r\nTIME\r\n" in data:
            self.kind = COMMANDS

    def abort(self) -> None:
        """Reset both ends."""
        for end in (self.near, self.far):
            end.transport.abort()


class Links:
    """The way from one server to its Redis.

    Args:
        url: of Redis.
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._port = 0
        self._server: asyncio.Server
        self._passages: set[_Passage] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._open = {kind: asyncio.Event() for kind in KINDS}

    @property
    def url(self) -> str:
        """What stands for the URL of Redis."""
        return self._target._replace(netloc=f"127.0.0.1:{self._port}").geturl()

    async def start(self) -> Links:
        """Listen on a free port."""
        for event in self._open.values():
            event.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    def cut(self, kind: str) -> None:
        """Reset the connections of a kind, with whatever is under way in them."""
        for passage in self._passages:
            if passage.kind == kind:
                passage.abort()

    def hold(self, kind: str) -> None:
        """Pass nothing on, on connections of a kind, until `release`."""
        self._open[kind].clear()

    def release(self, kind: str) -> None:
        """Pass on what was held, and what follows."""
        self._open[kind].set()

    async def close(self) -> None:
        """Reset all, and listen no more."""
        self._server.close()
        for passing in self._passing:
            passing.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        try:
            back, far = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            near.transport.abort()
            return
        passage = _Passage(near, far)
        self._passages.add(passage)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(passage, reader, far))
                both.create_task(self._pass_on(passage, back, near))
        finally:
            self._passages.discard(passage)
            passage.abort()

    async def _pass_on(
        self, passage: _Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if not passage.kind and writer is passage.far:
                    passage.look(data)
                if passage.kind:
                    await self._open[passage.kind].wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        passage.abort()

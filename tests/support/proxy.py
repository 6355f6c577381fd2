"""A TCP proxy in front of a server or a Redis, that cuts, stalls, refuses and is slow as networks
are."""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_STEP_SECONDS: Final = 0.02  # in which what passes is counted, where the line is slow


class _Passage(NamedTuple):
    """One connection.

    Args:
        near: towards who came.
        far: towards the target.
    """

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter


class Proxy:
    """Passes connections on.

    A connection that is stalled takes what is sent, and nothing comes out at the other end, not
    even that an end has closed it: it is half open. New ones are served all the while.

    Args:
        url: of the target; may be changed, for the connections to come.
    """

    def __init__(self, url: str) -> None:
        self.target = url
        self.accepted = 0
        self.port = 0
        self._server: asyncio.Server
        self._passages: set[_Passage] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._refuses = False
        self._bytes_per_second = 0.0  # no limit
        self._prefix = b""

    @property
    def url(self) -> str:
        """What stands for the target's URL."""
        prefix = self._prefix.decode()
        return urlsplit(self.target)._replace(netloc=f"127.0.0.1:{self.port}").geturl() + prefix

    async def start(self) -> Proxy:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def put_under(self, prefix: str) -> None:
        """Have the server under a path, such as `/hearth/`: the proxy takes it out of requests."""
        self._prefix = prefix.encode()

    def slow_down(self, bytes_per_second: float) -> None:
        """Pass no more than that, in either direction of each connection to come."""
        self._bytes_per_second = bytes_per_second

    def cut(self) -> None:
        """Reset every connection, with whatever is under way in it."""
        for passage in self._passages:
            for end in passage:
                end.transport.abort()

    def stall(self) -> None:
        """Pass nothing on any more."""
        for passage in self._passages:
            self._silent.update(passage)

    def deafen(self) -> None:
        """Pass nothing on to the target any more; what it sends, and its closing, still comes."""
        self._silent.update(passage.far for passage in self._passages)

    def strand(self) -> None:
        """Reset who came, and have the target believe that nothing has happened."""
        self.stall()
        for passage in self._passages:
            passage.near.transport.abort()

    def refuse(self) -> None:
        """Reset whoever comes from now on."""
        self._refuses = True

    def stop(self) -> None:
        """Cut, and refuse whoever comes."""
        self.refuse()
        self.cut()

    def resume(self) -> None:
        """End what `refuse` or `stop` began."""
        self._refuses = False

    async def close(self) -> None:
        """Cut and listen no more."""
        self._server.close()
        self.stop()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        if self._refuses:
            near.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        self.accepted += 1
        target = urlsplit(self.target)
        try:
            back, far = await asyncio.open_connection(target.hostname, target.port)
        except OSError:
            near.transport.abort()
            return
        passage = _Passage(near, far)
        self._passages.add(passage)
        try:
            if self._refuses:  # since then
                return
            await asyncio.gather(self._pass_on(reader, far), self._pass_on(back, near))
        finally:
            self._passages.discard(passage)
            self._silent.difference_update(passage)
            for end in passage:
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rate = self._bytes_per_second
        try:
            while data := await reader.read(int(rate * _STEP_SECONDS) or 65536):
                if self._prefix:
                    data = data.replace(b"GET " + self._prefix, b"GET /", 1)
                if writer not in self._silent:
                    writer.write(data)
                    await writer.drain()
                if rate:
                    await asyncio.sleep(len(data) / rate)
        except OSError:
            pass
        if writer not in self._silent:
            writer.transport.abort()

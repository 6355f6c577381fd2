"""A TCP proxy that tests cut, stop and point elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes connections on to a server.

    Args:
        url: of the server; may be changed.
    """

    def __init__(self, url: str) -> None:
        self.target = url
        self.accepted = 0
        self.url: str
        self._server: asyncio.Server
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._clients: set[asyncio.StreamWriter] = set()  # of those that are open
        self._stranded: set[asyncio.StreamWriter] = set()

    async def start(self) -> Proxy:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def cut(self) -> None:
        """Reset every connection, with whatever is under way in it."""
        for writer in list(self._open):
            writer.transport.abort()

    def strand(self) -> None:
        """Cut on the clients' side only: the server goes on in the belief that they are there."""
        self._stranded |= self._open - self._clients
        for writer in list(self._clients):
            writer.transport.abort()

    def stop(self) -> None:
        """Cut, and refuse whoever comes."""
        self._stopped = True
        self.cut()

    def resume(self) -> None:
        """End what `stop` began."""
        self._stopped = False

    async def close(self) -> None:
        """Cut and listen no more."""
        self.stop()
        self._server.close()
        for writer in self._stranded:
            writer.transport.abort()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopped:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        self.accepted += 1
        self._open.add(writer)
        self._clients.add(writer)
        onward = None
        try:
            target = urlsplit(self.target)
            back, onward = await asyncio.open_connection(target.hostname, target.port)
            self._open.add(onward)
            await asyncio.gather(self._pass_on(reader, onward), self._pass_on(back, writer))
        except OSError:
            pass
        finally:
            for end in (writer, onward):
                if end is not None:
                    self._open.discard(end)
                    self._clients.discard(end)
                    self._end(end)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        self._end(writer)

    def _end(self, writer: asyncio.StreamWriter) -> None:
        if writer not in self._stranded:
            writer.transport.abort()

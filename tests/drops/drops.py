"""Has the client's connection be lost."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from tests.drops.client import Client
from tests.drops.plan import Drop
from tests.promises.servers import Server
from tests.promises.stage import Say
from tests.support.closing import CLOSE_TRANSPORTS
from tests.support.proxy import Proxy
from tests.support.ready import until, until_status

#: On a machine that has other things to do; what takes longer won't come.
PATIENCE_SECONDS: Final = 60.0


class Drops:
    """Does them, one after the other.

    Args:
        proxy: that the client comes through.
        servers: that it is sent to, two or more, all of which serve.
        say: is told what happens.
    """

    def __init__(self, proxy: Proxy, servers: Sequence[Server], client: Client, say: Say) -> None:
        self.counts: Counter[str] = Counter()
        self._proxy = proxy
        self._servers = servers
        self._ready = {server.url for server in servers}
        self._client = client
        self._say = say
        self._starting: set[asyncio.Task[None]] = set()
        self._acts: dict[str, Callable[[Drop], Awaitable[None]]] = {
            "client closes": self._client_closes,
            "server closes": self._server_closes,
            "cut": self._cut,
            "half open": self._stall,
            "stranded": self._strand,
            "unheard": self._deafen,
            "server killed": lambda drop: self._end_server(drop, signal.SIGKILL),
            "server ended": lambda drop: self._end_server(drop, signal.SIGTERM),
        }

    async def run(self, drops: Iterable[Drop]) -> None:
        """Do them, and wait after each until the client is back; raises `TimeoutError`."""
        for number, drop in enumerate(drops, 1):
            if not drop.hasty:
                await until(lambda: self._client.up, PATIENCE_SECONDS)
            await asyncio.sleep(drop.wait)
            opened = self._client.opened
            haste = "at once, " if drop.hasty else ""
            self._say(f"{number}: {haste}{drop.kind}, away for {drop.away:.2f} s")
            await self._do(drop)
            await until(lambda opened=opened: self._client.opened > opened, PATIENCE_SECONDS)  # type: ignore[misc]
            self.counts[drop.kind] += 1
        await until(lambda: self._client.up, PATIENCE_SECONDS)

    async def end(self) -> None:
        """Wait until every server is back."""
        await asyncio.gather(*self._starting)

    async def _do(self, drop: Drop) -> None:
        """Lose the connection, and keep the client away."""
        self._proxy.refuse()
        try:
            if drop.elsewhere and not drop.kind.startswith("server"):
                self._proxy.target = (await self._another()).url
            await self._acts[drop.kind](drop)
            await until(lambda: not self._client.up, PATIENCE_SECONDS)  # until it has noticed
            await asyncio.sleep(drop.away)
        finally:
            self._proxy.resume()

    async def _client_closes(self, _drop: Drop) -> None:
        await self._client.close_transport()

    async def _server_closes(self, drop: Drop) -> None:
        self._serving().signal(CLOSE_TRANSPORTS)
        if drop.elsewhere:
            self._proxy.target = (await self._another()).url

    async def _cut(self, _drop: Drop) -> None:
        self._proxy.cut()

    async def _stall(self, _drop: Drop) -> None:
        self._proxy.stall()

    async def _strand(self, _drop: Drop) -> None:
        self._proxy.strand()

    async def _deafen(self, _drop: Drop) -> None:
        self._proxy.deafen()

    async def _end_server(self, _drop: Drop, signum: int) -> None:
        ending, other = self._serving(), await self._another()
        self._proxy.target = other.url
        self._ready.discard(ending.url)
        await ending.end(signum)
        task = asyncio.create_task(self._start(ending))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self, server: Server) -> None:
        await server.start()
        await until_status(server.url)
        self._ready.add(server.url)

    def _serving(self) -> Server:
        """Return the server that the client is sent to."""
        return next(server for server in self._servers if server.url == self._proxy.target)

    async def _another(self) -> Server:
        """Return one that serves, as soon as there is one, beside that."""
        others = [server for server in self._servers if server.url != self._proxy.target]
        await until(lambda: any(one.url in self._ready for one in others), PATIENCE_SECONDS)
        return next(server for server in others if server.url in self._ready)

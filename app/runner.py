"""The runner of the application: aiohttp's, with our listener in front."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from app.app_keys import GATE, SERVER
from app.engine.listener import Listener
from app.transport.http_connection import HttpConnection
from app.transport.http_deadlines import HttpDeadlines, HttpTimes


class Runner(web.AppRunner):
    """`web.AppRunner` whose connections are accepted by `app.engine.listener`.

    Middlewares don't see the handshakes on its fast path. So the listener is used only if there are
    none but the gate's, which it asks by itself.

    Handlers are cancelled when their client leaves (aiohttp's default is to let them wait): a poll
    that hangs would not notice before the next ping.

    Args:
        times: how long requests may take.
    """

    def __init__(
        self, app: web.Application, times: HttpTimes | None = None, **options: Any
    ) -> None:
        super().__init__(app, **{"handler_cancellation": True} | options)
        self._deadlines = HttpDeadlines(times or HttpTimes())
        self._listener: Listener | None = None

    @property
    def server(self) -> Any:
        """The protocol factory that sites listen with."""
        return self._listener or (self.connect if self._server else None)

    def connect(self) -> asyncio.Protocol:
        """Return aiohttp's protocol for a new connection."""
        assert self._server is not None  # noqa: S101 - called by sites only, which run by then
        gate = self.app.get(GATE)
        if gate is None:
            return self._server()
        return HttpConnection(self._server, gate, self._deadlines, asyncio.get_running_loop())

    async def setup(self) -> None:
        """Start the application."""
        await super().setup()
        gate = self.app.get(GATE)
        known = [] if gate is None else [gate.middleware]
        if self._server is not None and list(self.app.middlewares) == known:
            self._listener = Listener(self.app[SERVER].eio, self.connect, gate)

    async def shutdown(self) -> None:
        """Close silent connections first, then the members' and all others."""
        if self._listener is not None:
            self._listener.close()
        await super().shutdown()

    async def cleanup(self) -> None:
        """End; the deadlines hold until then."""
        await super().cleanup()
        self._deadlines.close()

"""The runner of the application: aiohttp's, with our listener in front."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from app.app_keys import SERVER
from app.engine.listener import Listener
from app.web.hosts import is_own_name, loopback_hosts_only


class Runner(web.AppRunner):
    """`web.AppRunner` whose connections are accepted by `app.engine.listener`.

    Middlewares don't see the handshakes on its fast path. So the listener is used only if all
    middlewares are known here.
    """

    def __init__(self, app: web.Application, **options: Any) -> None:
        super().__init__(app, **options)
        self._listener: Listener | None = None

    @property
    def server(self) -> Any:
        """The protocol factory that sites listen with."""
        return self._listener or super().server

    async def setup(self) -> None:
        """Start the application."""
        await super().setup()
        middlewares = set(self.app.middlewares)
        serves = is_own_name if loopback_hosts_only in middlewares else None
        if self._server is not None and middlewares <= {loopback_hosts_only}:
            self._listener = Listener(self.app[SERVER].eio, self._server, serves)

    async def shutdown(self) -> None:
        """Close silent connections first, then the members' and all others."""
        if self._listener is not None:
            self._listener.close()
        await super().shutdown()

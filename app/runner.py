"""The runner of the application: aiohttp's, with our listener in front."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from app.app_keys import GATE, SERVER
from app.engine.listener import Listener
from app.transport.gate import MAX_HEADERS_BYTES

_MAX_LINE_BYTES: Final = 4 * MAX_HEADERS_BYTES
#: Wider than the gate's, which knows whom it answers and what to log.
HTTP_LIMITS: Final[dict[str, Any]] = {
    "max_line_size": _MAX_LINE_BYTES,
    "max_field_size": _MAX_LINE_BYTES,
}


class Runner(web.AppRunner):
    """`web.AppRunner` whose connections are accepted by `app.engine.listener`.

    Middlewares don't see the handshakes on its fast path. So the listener is used only if there are
    none but the gate's, which it asks by itself.
    """

    def __init__(self, app: web.Application, **options: Any) -> None:
        super().__init__(app, **(HTTP_LIMITS | options))
        self._listener: Listener | None = None

    @property
    def server(self) -> Any:
        """The protocol factory that sites listen with."""
        return self._listener or super().server

    async def setup(self) -> None:
        """Start the application."""
        await super().setup()
        gate = self.app.get(GATE)
        known = [] if gate is None else [gate.middleware]
        if self._server is not None and list(self.app.middlewares) == known:
            self._listener = Listener(self.app[SERVER].eio, self._server, gate)

    async def shutdown(self) -> None:
        """Close silent connections first, then the members' and all others."""
        if self._listener is not None:
            self._listener.close()
        await super().shutdown()

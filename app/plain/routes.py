"""The HTTP end of plain endpoints: who may open a WebSocket, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from app.auth import find_token
from app.engine.server import EngineServer
from app.plain.connection import Session
from app.plain.paths import PATHS, Endpoint
from app.plain.server import PlainServer
from app.transport.handshake import Handshake
from app.transport.websocket import Takeover, begin, take_over


def add_plain_routes(
    app: web.Application,
    server: PlainServer,
    engine: EngineServer,
    max_message_bytes: int,
    max_unsent_bytes: int,
) -> None:
    """Serve the paths of `PATHS`.

    Args:
        engine: says which origins are allowed, and makes ids.
        max_message_bytes: frames over twice this end the connection.
        max_unsent_bytes: unsent bytes past which a connection is cut off.
    """

    def handler(
        find: Callable[[Mapping[str, str]], Endpoint],
    ) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            environ = Handshake.of(request).environ
            if "Origin" in request.headers and not engine.allows_origin(environ):
                raise web.HTTPForbidden(text="Not an accepted origin.\n")
            token = find_token(environ, None)
            transport, reply, tail = take_over(request)
            socket = begin(transport, reply, 2 * max_message_bytes, max_unsent_bytes)
            endpoint = find(request.match_info)
            sid = engine.generate_id()
            session = Session(sid, socket, server, max_unsent_bytes, endpoint, stranger=not token)
            server.open(session, token, request.query.getall("since", []))
            if tail:
                socket.data_received(tail)
            return Takeover()

        return handle

    for path, find in PATHS.items():
        app.router.add_route("GET", path, handler(find))

"""The HTTP routes of plain WebSockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from app.auth import find_token
from app.core.near_miss import choice
from app.core.refused import Refusal, Refused
from app.core.shown import shown
from app.plain.paths import PATHS, Endpoint, Query
from app.plain.server import PlainServer
from app.transport.handshake import Handshake
from app.transport.query import query_of
from app.transport.takeover import Takeover, take_over

_PATH_BYTES: Final = 60


def add_plain_routes(app: web.Application, server: PlainServer) -> None:
    """Serve the paths of `PATHS`."""

    def handler(
        find: Callable[[Mapping[str, str]], Endpoint],
    ) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            handshake = Handshake.of(request)
            token = find_token(handshake, None)
            asked = query_of(request)
            query = Query(asked.getall("since", []), asked.get("history"))
            endpoint = find(request.match_info)
            server.open(take_over(request), handshake.remote, endpoint, token, query)
            return Takeover()

        return handle

    for path, find in PATHS.items():
        app.router.add_route("GET", path, handler(find))
    for beginning in ("/ws/", "/api/ws/"):
        app.router.add_route("GET", beginning + "{rest:.*}", _refuse)


async def _refuse(request: web.Request) -> web.StreamResponse:
    path = shown(request.path, _PATH_BYTES)
    message = f"There is no path {path} here. {choice(path, PATHS)}"
    raise Refusal(Refused.PATH, message, path=path)

"""The console at `/`: a page to watch channels and publish into them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

_PAGE: Final = Path(__file__).with_name("console")
# The page loads nothing from other origins and has no inline scripts.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-cache",  # else a browser may mix the modules of two versions
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def add_console_routes(app: web.Application, *, development: bool, strangers: bool) -> None:
    """Serve the page at `/`, its files under `/console/`, and `/console/server`.

    Args:
        development: whether this is development mode.
        strangers: whether connections without a token are let in.
    """

    async def page(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(_PAGE / "index.html", headers=_HEADERS)

    async def server(_request: web.Request) -> web.Response:
        return web.json_response({"development": development, "strangers": strangers})

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        if request.path.startswith("/console/"):
            response.headers.update(_HEADERS)

    app.router.add_get("/", page)
    app.router.add_get("/console/server", server)
    app.router.add_static("/console/", _PAGE)
    app.on_response_prepare.append(add_headers)

"""Keep strangers' pages out of a development server.

Where everybody is let in, only the loopback address protects the server; and a page whose own
name resolves to 127.0.0.1 ("DNS rebinding") passes the check of its origin, for both are the same
name. So there the Host must be a name of this machine.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from app.settings import is_loopback


def loopback_hosts_only() -> Middleware:
    """Return a middleware that refuses requests made to any other name."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            host = URL(f"http://{request.host}").host or ""
        except ValueError:
            host = ""
        if not is_loopback(host):
            raise web.HTTPForbidden(text="In development mode, use localhost or 127.0.0.1.\n")
        return await handler(request)

    return check

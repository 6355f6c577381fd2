"""The check of the Host header, which keeps other people's pages out of a development server.

In development mode everybody is admitted, and only the loopback address protects the server. A page
whose own name resolves to 127.0.0.1 ("DNS rebinding") passes the check of its origin, as Origin and
Host are the same name. So the Host has to be a name of this machine.
"""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler
from yarl import URL

from app.settings import is_loopback


def is_own_name(host: str) -> bool:
    """Tell whether a `Host` header names this machine."""
    try:
        return is_loopback(URL(f"http://{host}").host or "")
    except ValueError:
        return False


@web.middleware
async def loopback_hosts_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse requests made to any other name."""
    if not is_own_name(request.host):
        raise web.HTTPForbidden(text="In development mode, use localhost or 127.0.0.1.\n")
    return await handler(request)

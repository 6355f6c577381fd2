"""A reverse proxy that strips the prefix under which it serves a site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from yarl import URL

# Each hop has its own (RFC 9110, section 7.6.1), and aiohttp has unpacked the body.
_OWN = ("connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding")


class PrefixProxy:
    """Passes on what comes under a prefix, HTTP and WebSockets; all else is 404.

    Args:
        target: URL of the site.
        prefix: begins and ends with a slash.
        hides_host: of paths that begin so the site doesn't get the Host header that the browser
            sent, as it should; None: there are none.
    """

    def __init__(self, target: str, prefix: str, *, hides_host: str | None = None) -> None:
        self._target = URL(target)
        self._prefix = prefix
        self._hides_host = hides_host
        self._http: aiohttp.ClientSession

    def application(self) -> web.Application:
        """Return the proxy, ready to be served."""
        app = web.Application()
        app.router.add_route("*", f"{self._prefix}{{path:.*}}", self._pass_on)

        async def lifetime(_app: web.Application) -> AsyncIterator[None]:
            async with aiohttp.ClientSession(auto_decompress=False) as self._http:
                yield

        app.cleanup_ctx.append(lifetime)
        return app

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        target = self._target.join(URL(request.match_info["path"])).with_query(request.query)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_on_socket(request, target)
        sent = request.headers.copy()
        if self._hides(request):
            del sent["Host"]
        async with self._http.request(
            request.method, target, headers=sent, data=await request.read()
        ) as answer:
            headers = [(name, value) for name, value in answer.headers.items() if _passes(name)]
            return web.Response(status=answer.status, headers=headers, body=await answer.read())

    async def _pass_on_socket(self, request: web.Request, target: URL) -> web.StreamResponse:
        near = web.WebSocketResponse()
        await near.prepare(request)
        passed = ("Origin",) if self._hides(request) else ("Origin", "Host")
        headers = {name: request.headers[name] for name in passed if name in request.headers}
        async with self._http.ws_connect(target, headers=headers) as far:
            copies = (_copy(near, far), _copy(far, near))
            both = [asyncio.ensure_future(one) for one in copies]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for one in both:
                one.cancel()
            await near.close()
        return near

    def _hides(self, request: web.Request) -> bool:
        start = self._hides_host
        return start is not None and request.match_info["path"].startswith(start)


def _passes(header: str) -> bool:
    return header.lower() not in _OWN


_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _copy(source: _Socket, sink: _Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)

"""The gate: every HTTP request passes it, WebSocket handshakes too, and is judged by its headers.

Pages of other origins must not use a server as whoever visits them. In development mode everybody
is admitted, and only the loopback address protects the server: there the Host header has to be a
name of this machine, because a page whose own name resolves to 127.0.0.1 ("DNS rebinding") passes
the check of its origin, as Origin and Host are the same name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from app.core.refused import Refusal, Refused
from app.origins import AllowedOrigins, is_loopback_origin, is_own_name, is_own_origin
from app.transport.handshake import remote_address
from app.transport.open_files import OpenFiles
from app.transport.refusals import Refusals, answer

#: Bytes of a request's headers, as many as Node takes.
MAX_HEADERS_BYTES: Final = 16_384
#: Also when there are hardly any open files left.
ALWAYS_SERVED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_SHOWN: Final = 200
_PREFLIGHT: Final = hdrs.ACCESS_CONTROL_REQUEST_METHOD
_FROM_PROXIES: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-real-ip")


class Gate:
    """Judges requests, and answers those that are refused.

    Args:
        files: where they are scarce, only `ALWAYS_SERVED` is.
        local: whether this is development mode on a loopback address.
    """

    def __init__(
        self,
        allowed: AllowedOrigins,
        refusals: Refusals,
        files: OpenFiles | None = None,
        *,
        local: bool = False,
    ) -> None:
        self._allowed = allowed
        self._refusals = refusals
        self._files = files or OpenFiles.of_process()
        self._local = local

    def add_to(self, app: web.Application) -> None:
        """Judge the requests to an application, and let pages read its answers."""
        app.middlewares.append(self.middleware)
        app.on_response_prepare.append(_let_page_read)

    def admits(self, headers: Mapping[str, str], transport: asyncio.Transport) -> bool:
        """Tell whether a WebSocket handshake is let in.

        Args:
            headers: by name, in lower case or whatever the case.
        """
        return not self.is_last(transport) and self._refusal(headers) is None

    def is_last(self, transport: asyncio.BaseTransport | None) -> bool:
        """Tell whether a connection is one of the last that are possible."""
        return self._files.are_scarce_for(transport)

    def tell_of_silent(self, transport: asyncio.Transport) -> None:
        """Tell that one of the last connections was closed, for nothing arrived on it."""
        address = remote_address(transport.get_extra_info("peername"))
        self._refusals.tell(self._too_many_files(), address)

    def refuse_unreadable(self, request: web.BaseRequest, *, too_large: bool) -> web.Response:
        """Refuse what aiohttp couldn't read: its headers are too large, or it is no HTTP."""
        reason, message = Refused.REQUEST, "This is no HTTP request that the server can read."
        if too_large:
            reason, message = Refused.HEADERS, "A line of the headers is too long."
        refusal = Refusal(reason, message)
        self._refusals.tell(refusal, request.remote or "")
        response = answer(refusal)
        # Its origin is unknown.
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
        response.force_close()
        return response

    def _too_many_files(self) -> Refusal:
        return Refusal(
            Refused.FILES, "The server has too many open connections.", limit=str(self._files.limit)
        )

    def _refusal(self, headers: Mapping[str, str]) -> Refusal | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._local and not is_own_name(host):
            return Refusal(
                Refused.HOST, "In development mode, use localhost or 127.0.0.1.", host=_cut(host)
            )
        if origin is None or self._admits_page(origin, headers):
            return None
        shown, setting = _cut(origin), Refused.ORIGIN.admitted_by
        by = f"{setting}={shown}"
        if not is_loopback_origin(origin) and _comes_by_proxy(host, headers):
            by = f"{by}; or, for the server's own pages, a proxy that passes the header Host"
        return Refusal(
            Refused.ORIGIN,
            f"This server does not admit pages of {shown}; its {setting} would.",
            admitted_by=by,
            origin=shown,
            host=_cut(host),
        )

    def _admits_page(self, origin: str, headers: Mapping[str, str]) -> bool:
        if self._local and is_loopback_origin(origin):
            return True
        hosts = headers.get("host", ""), *headers.get("x-forwarded-host", "").split(",")[:1]
        return any(is_own_origin(origin, host.strip()) for host in hosts) or self._allowed.admit(
            origin
        )

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand on what is let in; answer and tell what is refused, here or further on."""
        try:
            if self.is_last(request.transport) and request.path not in ALWAYS_SERVED:
                raise self._too_many_files()
            if (refusal := self._refusal(request.headers) or _too_large(request)) is not None:
                raise refusal
            if request.method == hdrs.METH_OPTIONS and _PREFLIGHT in request.headers:
                return web.Response(text="ok")
            return await handler(request)
        except Refusal as refusal:
            self._refusals.tell(refusal, request.remote or "")
            response = answer(refusal)
            if refusal.reason is Refused.FILES:
                response.force_close()
            return response


def _comes_by_proxy(host: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a proxy seems to have put another Host in the place of the browser's."""
    is_internal = is_own_name(host) or "." not in host
    return is_internal or any(name in headers for name in _FROM_PROXIES)


def _too_large(request: web.Request) -> Refusal | None:
    size = sum(len(name) + len(value) for name, value in request.raw_headers)
    if size <= MAX_HEADERS_BYTES:
        return None
    return Refusal(Refused.HEADERS, f"The headers have {size} bytes, over {MAX_HEADERS_BYTES}.")


async def _let_page_read(request: web.Request, response: web.StreamResponse) -> None:
    """Let a page read an answer (CORS). Pages that aren't admitted get refusals only."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None:
        return
    headers = response.headers
    headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
    headers.add(hdrs.VARY, hdrs.ORIGIN)
    if (method := request.headers.get(_PREFLIGHT)) is not None:
        headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = method
        asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS)
        if asked is not None:
            headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = asked


def _cut(text: str) -> str:
    return text[:_SHOWN]

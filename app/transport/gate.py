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

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from multidict import MultiMapping

from app.core.proxies import Forwarded, Source, TrustedProxies
from app.core.refused import Refusal, Refused
from app.origins import AllowedOrigins, is_loopback, is_loopback_origin, is_own_name, is_own_origin
from app.transport.handshake import remote_address
from app.transport.open_files import OpenFiles
from app.transport.refusals import Refusals, answer

log = structlog.get_logger("hearth.gate")

#: Bytes of a request's path and headers, as many as Node takes.
MAX_HEADERS_BYTES: Final = 16_384
#: Also when there are hardly any open files left.
ALWAYS_SERVED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_SHOWN: Final = 200
#: Refused for these, a connection is closed.
_CLOSED_FOR: Final = {Refused.FILES, Refused.TIMEOUT, Refused.HEADERS}
_PREFLIGHT: Final = hdrs.ACCESS_CONTROL_REQUEST_METHOD
#: Headers that are believed of trusted proxies.
_BELIEVED: Final = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
_FROM_PROXIES: Final = (*_BELIEVED, "forwarded", "via", "x-real-ip")


class Gate:
    """Judges requests, and answers those that are refused.

    Args:
        files: where they are scarce, only `ALWAYS_SERVED` is.
        proxies: those whose `X-Forwarded-*` are believed.
        local: whether this is development mode on a loopback address.
    """

    def __init__(
        self,
        allowed: AllowedOrigins,
        refusals: Refusals,
        files: OpenFiles | None = None,
        proxies: TrustedProxies | None = None,
        *,
        local: bool = False,
    ) -> None:
        self._allowed = allowed
        self._refusals = refusals
        self._files = files or OpenFiles.of_process()
        self._proxies = proxies or TrustedProxies()
        self._told_of_proxy = False
        self._local = local

    def add_to(self, app: web.Application) -> None:
        """Judge the requests to an application, and let pages read its answers."""
        app.middlewares.append(self.middleware)
        app.on_response_prepare.append(_let_page_read)

    def admit(self, headers: Mapping[str, str], transport: asyncio.Transport) -> Source | None:
        """Return where a WebSocket handshake comes from; None if it isn't let in.

        Args:
            headers: by name, in lower case or whatever the case.
        """
        source = self._source(headers, transport)
        if self.is_last(transport) or self._refusal(headers, source) is not None:
            return None
        return source

    def comes_from_here(self, request: web.Request) -> bool:
        """Tell whether a request comes from this machine, and by no proxy that lets itself be seen.

        Whatever is forged makes it one from elsewhere.
        """
        headers, transport = request.headers, request.transport
        return (
            transport is not None
            and is_loopback(remote_address(transport.get_extra_info("peername")))
            and is_own_name(headers.get(hdrs.HOST, ""))
            and not any(name in headers for name in _FROM_PROXIES)
        )

    def is_last(self, transport: asyncio.BaseTransport | None) -> bool:
        """Tell whether a connection is one of the last that are possible."""
        return self._files.are_scarce_for(transport)

    def tell_of_silent(self, transport: asyncio.Transport) -> None:
        """Tell that one of the last connections was closed, for nothing arrived on it."""
        address = remote_address(transport.get_extra_info("peername"))
        self._refusals.tell(self._too_many_files(), address)

    def refuse_unreadable(self, request: web.BaseRequest, refusal: Refusal) -> web.Response:
        """Refuse what is no request: its headers are too large, not all there, or no HTTP."""
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

    def _source(
        self, headers: Mapping[str, str], transport: asyncio.BaseTransport | None
    ) -> Source:
        if transport is None:  # the client is gone
            return Source("")
        peer = remote_address(transport.get_extra_info("peername"))
        if not any(map(headers.__contains__, _BELIEVED)):
            return Source(peer)
        source = self._proxies.source(peer, _forwarded(headers))
        if source.disbelieved and not self._told_of_proxy:
            self._told_of_proxy = True
            log.warning(
                "a proxy that is not trusted says who has asked, and isn't believed",
                address=peer,
                believed_by=f"TRUSTED_PROXIES={peer}",
            )
        return source

    def _refusal(self, headers: Mapping[str, str], source: Source) -> Refusal | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._local and not is_own_name(host):
            return Refusal(
                Refused.HOST, "In development mode, use localhost or 127.0.0.1.", host=_cut(host)
            )
        if origin is None or self._admits_page(origin, host, source):
            return None
        shown, setting = _cut(origin), Refused.ORIGIN.admitted_by
        by = f"{setting}={shown}"
        if not is_loopback_origin(origin) and _comes_by_proxy(host, headers):
            by = f"{by}; or, for the server's own pages, a proxy that passes the header Host"
            if source.disbelieved:
                by = f"{by}, or X-Forwarded-Host if TRUSTED_PROXIES has {source.address}"
        return Refusal(
            Refused.ORIGIN,
            f"This server does not admit pages of {shown}; its {setting} would.",
            admitted_by=by,
            origin=shown,
            host=_cut(host),
        )

    def _admits_page(self, origin: str, host: str, source: Source) -> bool:
        if self._local and is_loopback_origin(origin):
            return True
        hosts = [host] if source.host is None else [host, source.host]
        return any(is_own_origin(origin, one) for one in hosts) or self._allowed.admit(origin)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand on what is let in; answer and tell what is refused, here or further on.

        What is handed on has the client's address and scheme, whatever proxies are between.
        """
        source = self._source(request.headers, request.transport)
        if (source.address, source.scheme) != (request.remote, None):
            request = request.clone(remote=source.address, scheme=source.scheme or request.scheme)
        try:
            if self.is_last(request.transport) and request.path not in ALWAYS_SERVED:
                raise self._too_many_files()
            if (
                refusal := self._refusal(request.headers, source) or _too_large(request)
            ) is not None:
                raise refusal
            if request.method == hdrs.METH_OPTIONS and _PREFLIGHT in request.headers:
                return web.Response(text="ok")
            return await handler(request)
        except web.HTTPException as error:
            # aiohttp would hold it in frames that it holds: as an answer it leaves nothing.
            error.__traceback__ = None
            return web.Response(
                status=error.status, reason=error.reason, text=error.text, headers=error.headers
            )
        except Refusal as refusal:
            self._refusals.tell(refusal, request.remote or "")
            response = answer(refusal)
            if refusal.reason in _CLOSED_FOR:
                response.force_close()
            return response


def _forwarded(headers: Mapping[str, str]) -> Forwarded:
    """Return what the headers say that proxies have said."""
    if isinstance(headers, MultiMapping):  # a proxy may add a line of its own behind a client's
        client = ",".join(headers.getall("x-forwarded-for", ()))
    else:
        client = headers.get("x-forwarded-for", "")
    return Forwarded(
        client, headers.get("x-forwarded-proto", ""), headers.get("x-forwarded-host", "")
    )


def _comes_by_proxy(host: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a proxy seems to have put another Host in the place of the browser's."""
    is_internal = is_own_name(host) or "." not in host
    return is_internal or any(name in headers for name in _FROM_PROXIES)


def _too_large(request: web.Request) -> Refusal | None:
    size = len(request.raw_path)
    size += sum(len(name) + len(value) for name, value in request.raw_headers)
    if size <= MAX_HEADERS_BYTES:
        return None
    message = f"Path and headers have {size} bytes, over {MAX_HEADERS_BYTES}."
    return Refusal(Refused.HEADERS, message)


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

"""Connections of aiohttp: what can't be read of them is refused by the gate, as all else."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from app.transport.gate import MAX_HEADERS_BYTES, Gate

#: Wider than the gate's, which knows whom it answers.
_MOST_BYTES: Final = 2 * MAX_HEADERS_BYTES


class _Request(web.Request):
    """`web.Request` whose response doesn't name the software, and its version, to strangers."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall(hdrs.SERVER, None)
        await super()._prepare_hook(response)


class HttpConnection(web.RequestHandler):
    """`web.RequestHandler`, which by itself answers those with text and logs an error."""

    __slots__ = ("_gate",)

    def __init__(self, server: web.Server, gate: Gate, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # it would log the tokens in query strings
            max_line_size=_MOST_BYTES,
            max_field_size=_MOST_BYTES,
        )
        self._gate = gate
        self._request_factory = partial(
            server.request_factory,
            _cls=_Request,  # type: ignore[call-arg]  # an application's takes it
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if not isinstance(exc, HttpProcessingError) or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        return self._gate.refuse_unreadable(request, too_large=isinstance(exc, LineTooLong))

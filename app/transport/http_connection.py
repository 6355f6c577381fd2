"""Connections of aiohttp, whose requests have to arrive in time and within bounds.

What can't be read of them, or doesn't come in time, is refused by the gate, as all else.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final, cast

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import _ErrInfo

from app.core.refused import Refusal, Refused
from app.transport.gate import MAX_HEADERS_BYTES, Gate
from app.transport.http_deadlines import WINDOW_BYTES, HttpDeadlines

#: Wider than the gate's, which knows whom it answers.
_MOST_BYTES: Final = 2 * MAX_HEADERS_BYTES

#: What is parsed at once, before it is looked at whether that is still wanted.
_MOST_AT_ONCE: Final = 32_768
#: Bytes that frame the chunks of a body, beside a quarter of what it holds itself: each chunk costs
#: some microseconds, however small it is.
_FRAMING_BYTES: Final = 16_384

#: Requests of one connection that wait for the one before them; aiohttp takes 32, with all headers.
_MOST_WAITING: Final = 2


class TooLate(HttpProcessingError):
    """A request whose headers haven't arrived in time."""

    code = 408


class _Request(web.Request):
    """`web.Request` whose response doesn't name the software, and its version, to strangers; it is
    the connection's last where nobody has read the body."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall(hdrs.SERVER, None)
        if not self.content.is_eof():
            response.force_close()
            response.headers[hdrs.CONNECTION] = "close"
        await super()._prepare_hook(response)


class HttpConnection(web.RequestHandler):
    """`web.RequestHandler`, which by itself waits for ever for the rest of a request, reads bodies
    that nobody wants, and answers what it can't read with text.

    A body isn't read before `read_body`: those who may not send one are answered by then.

    Args:
        deadlines: those of all connections.
    """

    __slots__ = (
        *("_body", "_body_held", "_deadlines", "_deaf", "_gate", "_head_bytes", "_unsent", "_wire"),
    )

    def __init__(
        self,
        server: web.Server,
        gate: Gate,
        deadlines: HttpDeadlines,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # it would log the tokens in query strings
            max_line_size=_MOST_BYTES,
            max_field_size=_MOST_BYTES,
            keepalive_timeout=deadlines.times.keep_alive,
            lingering_time=deadlines.times.lingering,
        )
        self._max_msg_queue_size = _MOST_WAITING
        self._msg_queue_resume_size = 1
        self._gate = gate
        self._deadlines = deadlines
        self._request_factory = partial(
            server.request_factory,
            _cls=_Request,  # type: ignore[call-arg]  # an application's takes it
        )
        #: The transport, also while it is closing; None once it is lost, or taken over.
        self._wire: asyncio.Transport | None = None
        #: Bytes of a request that is no request yet, or of what frames a body.
        self._head_bytes = 0
        #: The body that is arriving.
        self._body: _Body | None = None
        #: Whether that isn't read, for nobody has asked for it yet.
        self._body_held = False
        #: Whether what arrives is discarded.
        self._deaf = False
        self._unsent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast(asyncio.Transport, transport)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._wire = self._body = None
        self._deadlines.discard(self)
        super().connection_lost(exc)

    async def start(self) -> None:
        try:
            await super().start()
        finally:
            if self._wire is not None:  # it closes once all is sent, if that is ever taken
                self._expect_taking()

    # What arrives

    def data_received(self, data: bytes) -> None:
        # aiohttp calls it with nothing, to go on with what it has put off.
        for start in range(0, max(1, len(data)), _MOST_AT_ONCE):
            self._parse(data[start : start + _MOST_AT_ONCE])

    def _parse(self, data: bytes) -> None:
        if self._deaf:
            return
        requests = self._request_count
        super().data_received(data)
        if self._wire is None or self._upgraded:
            return
        if self._request_count > requests:
            self._on_heads()
        elif self._body is not None:
            self._on_body(self._body, len(data))
        elif data:
            self._on_part_of_head(len(data))

    def _on_heads(self) -> None:
        self._deadlines.heads.discard(self)
        self._deadlines.bodies.discard(self)
        self._head_bytes = 0
        message, stream = self._messages[-1]
        if isinstance(error := getattr(message, "exc", None), BaseException):
            error.__traceback__ = None  # its frames have what has arrived, and the error itself
        self._body = None if stream.is_eof() else _Body(stream)
        if self._body is not None:
            self._body_held = True
            self._pause_transport_reading()

    def read_body(self, request: web.BaseRequest) -> None:
        """Read the body of a request from now on."""
        if self._holds_body_of(request):
            self._body_held = False
            self._deadlines.bodies.add(self)
            self._resume_transport_reading()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        finished = await super().finish_response(request, resp, start_time)
        if self._holds_body_of(request):
            # Its sender might not see the answer while it can't get rid of it.
            self._body_held = False
            self._deaf = True
            self._resume_transport_reading()
        return finished

    def _holds_body_of(self, request: web.BaseRequest) -> bool:
        # The body may be that of a request which waits behind this one.
        body = self._body
        return self._body_held and body is not None and request.content is body.stream

    def _on_body(self, body: _Body, size: int) -> None:
        if body.stream.is_eof():
            self._body = None
            self._deadlines.bodies.discard(self)
            return
        # Trailers, which come when the body has ended (RFC 9112 §7.1.2), are headers too.
        self._head_bytes = 0 if body.take(size) else self._head_bytes + size
        if self._head_bytes > _MOST_BYTES:
            self._refuse_body(body, Refusal(Refused.HEADERS, "The body's trailers are too long."))
        elif not self._head_bytes and body.framing_bytes > _FRAMING_BYTES:
            self._refuse_body(body, Refusal(Refused.REQUEST, "The body's chunks are too small."))

    def _on_part_of_head(self, size: int) -> None:
        if not self._head_bytes:
            self._deadlines.heads.add(self)
        self._head_bytes += size
        if self._head_bytes > _MOST_BYTES:
            self._refuse(LineTooLong(b"", _MOST_BYTES))

    # Deadlines: see `Judged`

    def on_late_head(self) -> None:
        self._refuse(TooLate())

    def on_window_end(self) -> None:
        body = self._body
        if body is None:
            return
        if body.window_bytes < WINDOW_BYTES and not (self._reading_paused or self._buffer_paused):
            self._refuse_body(body, _too_late("body"))
            return
        body.window_bytes = 0
        self._deadlines.bodies.add(self)

    def on_stall_end(self) -> None:
        if self._wire is None:
            return
        if self._wire.get_write_buffer_size() < self._unsent:
            self._expect_taking()
        else:
            self._wire.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._deadlines.answers.discard(self)

    def _expect_taking(self) -> None:
        if self._wire is not None:
            self._unsent = self._wire.get_write_buffer_size()
            self._deadlines.answers.discard(self)
            self._deadlines.answers.add(self)

    # Refusals

    def _refuse(self, error: HttpProcessingError) -> None:
        """Have an error answered, as if aiohttp's parser had found it; read nothing more."""
        self._deaf = True
        self._deadlines.heads.discard(self)
        self._messages.append((_ErrInfo(error.code, error, error.message), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _refuse_body(self, body: _Body, refusal: Refusal) -> None:
        """Have whoever reads a body raise the refusal; read nothing more."""
        self._deaf = True
        self._body = None
        self._deadlines.bodies.discard(self)
        body.stream.set_exception(refusal)
        body.stream.feed_eof()
        self.close()  # when it is answered

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if not isinstance(exc, HttpProcessingError) or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        exc.__traceback__ = None  # whose frames hold it
        if isinstance(exc, TooLate):
            return self._gate.refuse_unreadable(request, _too_late("headers"))
        if isinstance(exc, LineTooLong):
            too_large = Refusal(Refused.HEADERS, "A line of the headers, or all, are too long.")
            return self._gate.refuse_unreadable(request, too_large)
        unreadable = Refusal(Refused.REQUEST, "This is no HTTP request that the server can read.")
        return self._gate.refuse_unreadable(request, unreadable)


def expect_body(request: web.BaseRequest) -> None:
    """Have the body of a request read, now that it is known who sends it, and what for."""
    if isinstance(request.protocol, HttpConnection):
        request.protocol.read_body(request)


class _Body:
    """A body that is arriving."""

    __slots__ = ("_arrived", "_began", "_bytes", "stream", "window_bytes")

    def __init__(self, stream: StreamReader) -> None:
        self.stream = stream
        self.window_bytes = 0
        self._arrived = 0
        self._began = self._bytes = stream.total_raw_bytes

    @property
    def framing_bytes(self) -> int:
        """How many bytes frame it, beyond a quarter of its own."""
        own = self._bytes - self._began
        return self._arrived - own - own // 4

    def take(self, size: int) -> bool:
        """Count what has arrived; return whether anything of that was the body's own."""
        self.window_bytes += size
        self._arrived += size
        before, self._bytes = self._bytes, self.stream.total_raw_bytes
        return self._bytes > before


def _too_late(what: str) -> Refusal:
    return Refusal(Refused.TIMEOUT, f"The request's {what} did not arrive in time.", part=what)

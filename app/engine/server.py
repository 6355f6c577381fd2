"""The Engine.IO server (protocol 4): its HTTP requests, and its sessions."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

import engineio
import orjson
from aiohttp import web
from engineio.packet import Packet as EnginePacket

from app.core.channel import SID_MARK
from app.core.closing import Closing
from app.core.refused import Refusal, Refused
from app.core.shown import shown
from app.engine import jsonp
from app.engine.binary import in_text
from app.engine.contract import SessionHandler
from app.engine.first_requests import FirstRequests
from app.engine.posts import read_body
from app.engine.probe import Probe
from app.engine.recently_closed import RecentlyClosed
from app.engine.session import EngineSession
from app.transport import frames
from app.transport.connection_counter import ConnectionCounter, one_too_many
from app.transport.flow import ProtocolError
from app.transport.handshake import Handshake
from app.transport.heartbeat import Heartbeat
from app.transport.limits import Limits
from app.transport.query import query_of
from app.transport.refusals import NO_STORE, answer
from app.transport.takeover import Takeover, Upgraded, begin, take_over
from app.transport.websocket import WebSocket

_PREFIX_BYTES: Final = 60
_LINGER_SECONDS: Final = 10.0
#: Closed for these, nobody comes for the last packets.
_GONE: Final = {Closing.TRANSPORT_CLOSE, Closing.PING_TIMEOUT, Closing.SLOW}
_COMPRESS_BYTES: Final = 1024
#: 120 bits: nobody guesses one. Stock ids count sessions in their last characters.
_ID_BYTES: Final = 15


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """`engineio.AsyncServer` with sessions of our own.

    Its public methods, ids and cookies are stock; `AsyncSocket`, with its queue and its tasks, is
    not used, and origins are up to `Gate`.

    Args:
        limits: see `Limits`.
        counter: counts sessions, and says from which addresses no more are opened.
    """

    def __init__(self, limits: Limits, counter: ConnectionCounter, **options: Any) -> None:
        super().__init__(
            async_mode="aiohttp",
            max_http_buffer_size=limits.message_bytes,
            cors_allowed_origins=[],
            **options,
        )
        self._limits = limits
        self.counter = counter
        self.path = ""
        self.sockets: dict[str, EngineSession] = {}
        self._recently_closed = RecentlyClosed()
        self._first_requests = FirstRequests()
        self.heartbeat = Heartbeat(
            self.ping_interval + self.ping_interval_grace_period, self.ping_timeout
        )
        self._accept: Callable[[EngineSession], SessionHandler]

    def start(self, accept: Callable[[EngineSession], SessionHandler]) -> None:
        """Open sessions from now on; `accept` makes the handler of each."""
        self._accept = accept

    def generate_id(self) -> str:
        """Return a new session id: it tells nothing, and can't be the name of a channel."""
        return f"{secrets.token_urlsafe(_ID_BYTES)}{SID_MARK}"

    # What python-socketio and applications call

    def attach(self, app: web.Application, engineio_path: str = "engine.io") -> None:
        """Serve a path, with all methods: those that the protocol doesn't have are answered 400."""
        self.path = f"/{engineio_path.strip('/')}/"
        app.router.add_route("*", self.path, self.handle_request)
        app.router.add_route("*", f"/{{prefix:.+}}{self.path}", self._refuse_elsewhere)

    async def send_packet(self, sid: str, pkt: EnginePacket) -> None:
        """Send an Engine.IO packet to one session; does nothing if there is none."""
        if (session := self.sockets.get(sid)) is not None:
            data = pkt.encode()
            if isinstance(data, str):
                session.send(data)
            else:
                session.write(frames.encode(frames.BINARY, bytes(data)))

    async def disconnect(self, sid: str | None = None) -> None:
        """Close one session, or all."""
        for session in [self.sockets.get(sid)] if sid else list(self.sockets.values()):
            if session is not None:
                session.close(Closing.SERVER_DISCONNECT)

    # Sessions

    def open_websocket(
        self, handshake: Handshake, upgraded: Upgraded, *, binary: bool = True
    ) -> None:
        """Open a session on a WebSocket; `binary` as in `_begin`."""
        session = self._open(handshake)
        # Reply and OPEN packet in one write: each is a system call.
        first = upgraded.reply + self._hello(session, [])
        socket = self._begin(upgraded.transport, first, binary=binary)
        session.open_socket(socket)
        if upgraded.tail:
            socket.data_received(upgraded.tail)

    def _begin(self, transport: asyncio.Transport, first: bytes, *, binary: bool) -> WebSocket:
        """Begin a WebSocket, whose client takes binary frames, or else has them as text."""
        socket = begin(transport, first, self._limits.stranger_bytes, self._limits.unsent_bytes)
        if not binary:
            socket.write = in_text(socket.write)
        return socket

    def _open(self, handshake: Handshake) -> EngineSession:
        session = EngineSession(self.generate_id(), handshake, self, self._limits)
        self.sockets[session.sid] = session
        session.attach(self._accept(session))
        self.heartbeat.add(session)
        self.counter.on_opened(session)
        return session

    def _hello(self, session: EngineSession, upgrades: list[str]) -> bytes:
        hello = {
            "sid": session.sid,
            "upgrades": upgrades,
            "pingInterval": round(self.heartbeat.interval * 1000),
            "pingTimeout": round(self.heartbeat.timeout * 1000),
            "maxPayload": self._limits.message_bytes,
        }
        return frames.encode(frames.TEXT, b"0" + orjson.dumps(hello))

    def on_pong(self, session: EngineSession) -> None:
        self.heartbeat.on_pong(session)

    def on_closed(self, session: EngineSession, closing: Closing) -> None:
        now = asyncio.get_running_loop().time()
        self._recently_closed.add(session.sid, closing, now)
        self.counter.on_closed(session)
        self.heartbeat.discard(session)
        self._first_requests.discard(session)
        if session.socket is None and not session.polled and closing not in _GONE:
            # The client's next poll may be on its way, to fetch the last packets.
            asyncio.get_running_loop().call_later(
                _LINGER_SECONDS, self.sockets.pop, session.sid, None
            )
        else:
            self.sockets.pop(session.sid, None)

    # HTTP

    async def _refuse_elsewhere(self, request: web.Request) -> web.StreamResponse:
        """Refuse who has appended a namespace to the server's URL, say."""
        prefix = shown(f"/{request.match_info['prefix']}", _PREFIX_BYTES)
        message = f"Socket.IO is at {self.path}: leave {prefix} out of the URL."
        raise Refusal(Refused.PATH, message, path=f"{prefix}{self.path}")

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Handle a request to the Engine.IO path.

        Raises:
            Refusal: it is refused.
        """
        if request.method == "OPTIONS":
            return web.Response(text="ok")
        query = query_of(request)
        transport = query.get("transport")
        if transport not in self.transports:
            raise Refusal(
                Refused.TRANSPORT, "The query's transport is neither polling nor websocket."
            )
        sid = query.get("sid")
        if sid is None:
            if request.method != "GET":
                raise Refusal(Refused.METHOD, "A session is opened by GET.")
            if query.get("EIO") != "4":
                raise Refusal(
                    Refused.PROTOCOL, "Engine.IO 4 is needed: socket.io-client 3 or newer."
                )
            handshake = Handshake.of(request)
            if not self.counter.has_room(handshake.remote):
                raise one_too_many()
            if transport == "websocket":
                return self._open_websocket(request, handshake)
            return await self._open_polling(request, handshake)
        session = self.sockets.get(sid)
        if session is not None and self.heartbeat.overdue(session):
            session.close(Closing.PING_TIMEOUT)
            session = None
        if session is None:
            raise self._no_session(sid)
        self._first_requests.discard(session)
        if transport == "websocket":
            return self._upgrade(request, session)
        if session.upgraded:
            raise Refusal(Refused.REQUEST, "The session has moved to a WebSocket.")
        if request.method == "GET":
            return await self._poll(request, session)
        if request.method == "POST":
            if session.closed:  # it waits for its last poll
                raise self._no_session(sid)
            return await self._post(request, session)
        raise Refusal(Refused.REQUEST, "Engine.IO has no such request.")

    def _no_session(self, sid: str) -> Refusal:
        closing = self._recently_closed.why(sid, asyncio.get_running_loop().time())
        if closing is None:
            return Refusal(Refused.SESSION, "This process has no such session; open a new one.")
        why = f"This session was closed ({closing.reason}); open a new one."
        return Refusal(Refused.CLOSED, why, closed=closing.reason)

    def _open_websocket(self, request: web.Request, handshake: Handshake) -> web.StreamResponse:
        self.open_websocket(handshake, take_over(request), binary=_takes_binary(request))
        return Takeover()

    def _upgrade(self, request: web.Request, session: EngineSession) -> web.StreamResponse:
        transport, reply, tail = take_over(request)
        socket = self._begin(transport, reply, binary=_takes_binary(request))
        if not session.may_upgrade:
            socket.close()  # one at a time
        else:
            Probe(session, socket)
            socket.data_received(tail)
        return Takeover()

    async def _open_polling(self, request: web.Request, handshake: Handshake) -> web.StreamResponse:
        session = self._open(handshake)
        upgrades = ["websocket"] if self.allow_upgrades and "websocket" in self.transports else []
        session.write(self._hello(session, upgrades))
        self._first_requests.expect(session)
        response = _payload(request, await session.poll())
        if self.cookie:
            named = {"name": self.cookie, "path": "/", "SameSite": "Lax"}
            attributes = self.cookie if isinstance(self.cookie, dict) else named
            response.headers["Set-Cookie"] = self._generate_sid_cookie(session.sid, attributes)
        return response

    async def _poll(self, request: web.Request, session: EngineSession) -> web.StreamResponse:
        if session.polled:
            session.fail(ProtocolError("a second poll while one is waiting"))
            return _answer_broken("A poll is under way.")
        if session.closed:
            self.sockets.pop(session.sid, None)
        payload = await session.poll()
        if request.transport is None or request.transport.is_closing():
            session.close(Closing.TRANSPORT_CLOSE)  # its payload is lost with it
        return _payload(request, payload)

    async def _post(self, request: web.Request, session: EngineSession) -> web.StreamResponse:
        async with session.posts.turn:
            body = await read_body(request, session.most_bytes)
            try:
                text = body.decode()
                if "j" in query_of(request):
                    text = jsonp.payload_of(text)
                await session.posts.handle(text)
            except (ValueError, LookupError) as error:
                session.fail(
                    error if isinstance(error, ProtocolError) else ProtocolError("bad payload")
                )
                return _answer_broken("Bad payload.")
        return web.Response(text="ok")


def _takes_binary(request: web.Request) -> bool:
    return not query_of(request).get("b64")  # as the official server reads it


def _payload(request: web.Request, payload: str) -> web.Response:
    if (index := query_of(request).get("j")) is not None:
        text = jsonp.script_of(payload, index)
        response = web.Response(text=text, content_type="text/javascript", headers=NO_STORE)
    else:
        response = web.Response(text=payload, headers=NO_STORE)
    if len(payload) > _COMPRESS_BYTES:
        response.enable_compression()
    return response


def _answer_broken(message: str) -> web.Response:
    """Answer a client that broke the protocol; its session was closed, and that was logged."""
    return answer(Refusal(Refused.REQUEST, message))

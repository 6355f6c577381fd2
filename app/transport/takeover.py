"""Takeovers: WebSocket handshakes answered, and their connections taken over from aiohttp."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from typing import Final, NamedTuple

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from app.core.refused import Refusal, Refused
from app.core.subprotocol import read_offered
from app.transport.websocket import WebSocket

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Takeover(web.StreamResponse):
    """The response of a handler that took the connection over; aiohttp sends nothing for it."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None: ...


class Upgraded(NamedTuple):
    """A connection that becomes a WebSocket.

    Args:
        reply: the response to its handshake, not sent yet.
        tail: bytes that arrived behind the handshake.
    """

    transport: asyncio.Transport
    reply: bytes
    tail: bytes


def take_over(request: web.Request) -> Upgraded:
    """Take a connection over from aiohttp, for `begin`; the handler then returns a `Takeover`.

    Raises:
        Refusal: the handshake is not valid.
        HTTPBadRequest: the client is gone.
    """
    headers = request.headers
    reply = answer(
        headers.get("Upgrade", ""),
        headers.get("Sec-WebSocket-Version", ""),
        headers.get("Sec-WebSocket-Key", ""),
        ",".join(headers.getall("Sec-WebSocket-Protocol", [])),
    )
    if reply is None:
        raise Refusal(Refused.UPGRADE, "This is no WebSocket handshake.")
    protocol = request.protocol
    transport = protocol.transport
    if transport is None:  # it left while a middleware waited
        raise web.HTTPBadRequest(text="The client is gone.\n")
    # To aiohttp the connection is lost, though it stays open: so it drops its objects.
    tail = protocol._message_tail  # noqa: SLF001 - not public
    protocol.transport = None
    protocol.connection_lost(None)
    transport.resume_reading()
    return Upgraded(transport, reply, tail)


def begin(
    transport: asyncio.Transport, first: bytes, max_bytes: int, max_unsent_bytes: int
) -> WebSocket:
    """Write `first`, which starts with the reply, and return the WebSocket that follows."""
    socket = WebSocket(max_bytes, max_unsent_bytes, transport)
    transport.set_protocol(socket)
    transport.write(first)
    return socket


def answer(upgrade: str, version: str, key: str, protocols: str) -> bytes | None:
    """Return the response to a handshake with these headers; None if they are not valid."""
    if upgrade.lower() != "websocket" or version != "13":
        return None
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            return None
    except (binascii.Error, ValueError):
        return None
    accepted = base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())
    selected = read_offered(protocols).selected
    protocol = f"Sec-WebSocket-Protocol: {selected}\r\n" if selected else ""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n%b\r\n"
        % (accepted, protocol.encode())
    )

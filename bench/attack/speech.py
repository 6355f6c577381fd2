"""What attackers say: packets, bodies and JSON of any size, made once."""

from __future__ import annotations

import json
from typing import Any, Final

from app.transport.frames import BINARY, CONTINUATION, PING, TEXT
from bench.attack.wire import FIN, masked

SEPARATOR: Final = "\x1e"  # between the packets of a polling body


def said(size: int, channel: str = "den", ack: int | None = None, nonce: str = "") -> str:
    """Return a message of a circle, of so many bytes."""
    message: dict[str, Any] = {"channel": channel, "data": {"content": "x" * size}}
    if nonce:
        message["nonce"] = nonce
    return event("/circles", "user_message", message, ack)


def event(namespace: str, name: str, argument: Any, ack: int | None = None) -> str:
    """Return an event's packet."""
    number = "" if ack is None else str(ack)
    return f"42{namespace},{number}" + json.dumps([name, argument], separators=(",", ":"))


def unknown_keys(count: int, first: str = "") -> str:
    """Return an object of so many keys that nobody knows; `first` is what it begins with."""
    keys = ",".join(f'"k{number}":1' for number in range(count))
    return f"{{{first},{keys}}}" if first else f"{{{keys}}}"


def pings(count: int, payload_bytes: int = 125) -> bytes:
    """Return so many PING frames (RFC 6455 §5.5.2)."""
    return masked(PING, b"x" * payload_bytes) * count


def texts(message: str, count: int) -> bytes:
    """Return so many messages, each a frame of its own."""
    return masked(TEXT, message.encode()) * count


def fragments(count: int, payload: bytes = b"") -> bytes:
    """Return a message's beginning and so many fragments, without an end."""
    return masked(TEXT, b"4", first=TEXT) + masked(0, payload, first=CONTINUATION) * count


def binaries(payload_bytes: int, count: int) -> bytes:
    """Return so many binary messages."""
    return masked(BINARY, bytes(payload_bytes), first=FIN | BINARY) * count


def post(path: str, body: bytes, *headers: str) -> bytes:
    """Return a whole POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += headers or ["Content-Type: text/plain;charset=UTF-8"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def get(path: str, *headers: str) -> bytes:
    """Return a whole GET."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()

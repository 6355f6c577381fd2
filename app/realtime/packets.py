"""Read Socket.IO packets strictly (protocol revision 5).

The stock reader takes other alphabets' digits, any number of attachments and packets without a
payload. Here, what is no packet raises `PacketError`, and the connection ends; a packet that is
well-formed around a payload that can't be taken is answered like any other request.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

import socketio.packet
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, DISCONNECT, EVENT

from app.core.errors import HearthError, Invalid, TooLarge
from app.realtime import codec

MAX_ATTACHMENTS: Final = 10  # as the official server
_WITHOUT_ATTACHMENTS: Final = {BINARY_EVENT: EVENT, BINARY_ACK: ACK}
_PACKET: Final = re.compile(
    r"(?P<type>[0-6])(?:(?P<attachments>[0-9]{1,10})-)?(?:(?P<namespace>/[^,]*)(?:,|$))?"
    r"(?P<id>[0-9]{0,16})(?P<payload>(?![0-9]).*)",
    re.DOTALL,
)
_EVENT_NAME: Final = re.compile(r'\s*\[\s*("(?:[^"\\]|\\.){0,128}")')


class PacketError(ValueError):
    """What arrived is not a packet of the protocol."""


class Unreadable(NamedTuple):
    """Stands for the arguments of an event whose payload can't be taken, and says why."""

    error: HearthError


class Packet(socketio.packet.Packet):  # type: ignore[misc]
    """A Socket.IO packet that refuses what the protocol doesn't have."""

    max_bytes: int = 0  # 0: no limit; see `packet_class`

    def decode(self, encoded_packet: Any) -> int:
        """Read a packet; return how many attachments follow.

        Raises:
            PacketError: it is not one.
        """
        if not isinstance(encoded_packet, str):
            raise PacketError("a binary frame that no packet announced")
        match = _PACKET.fullmatch(encoded_packet)
        if match is None:
            raise PacketError("not a Socket.IO packet")
        self.packet_type = int(match["type"])
        self.namespace = (match["namespace"] or "/").partition("?")[0]
        self.id = int(match["id"]) if match["id"] else None
        attachments = self._attachments(match["attachments"])
        payload = match["payload"]
        self.data = self._load(payload) if payload else None
        if not self._fits():
            raise PacketError("a payload that this type of packet doesn't have")
        if not attachments:  # stock would wait for the first one, for ever
            self.packet_type = _WITHOUT_ATTACHMENTS.get(self.packet_type, self.packet_type)
        return attachments

    def _attachments(self, digits: str | None) -> int:
        binary = self.packet_type in (BINARY_EVENT, BINARY_ACK)
        if binary != (digits is not None):
            raise PacketError("attachments on a packet that has none, or none on one that does")
        count = int(digits) if digits else 0
        if count > MAX_ATTACHMENTS:
            raise PacketError("too many attachments")
        return count

    def _load(self, payload: str) -> Any:
        event = self.packet_type in (EVENT, BINARY_EVENT)
        if event and self._too_large(payload):
            limit = f"The message is over {self.max_bytes} bytes."
            return _unreadable(payload, TooLarge(limit, fields={"data": limit}))
        try:
            return codec.loads(payload)
        except RecursionError:
            if event:
                return _unreadable(payload, Invalid(fields={"data": "Nested too deep."}))
            raise PacketError("nested too deep") from None
        except ValueError:
            raise PacketError("not JSON") from None

    def _too_large(self, payload: str) -> bool:
        # Characters are at most 4 bytes: short texts need no encoding to be counted.
        return bool(self.max_bytes) and (
            len(payload) > self.max_bytes
            or (len(payload) * 4 > self.max_bytes and len(payload.encode()) > self.max_bytes)
        )

    def _fits(self) -> bool:
        data = self.data
        if self.packet_type == CONNECT:
            return data is None or isinstance(data, dict)
        if self.packet_type == DISCONNECT:
            return data is None
        if self.packet_type in (EVENT, BINARY_EVENT):
            return isinstance(data, list) and bool(data) and isinstance(data[0], str)
        if self.packet_type in (ACK, BINARY_ACK):
            return isinstance(data, list) and self.id is not None
        return False  # CONNECT_ERROR is the server's to send


def packet_class(max_bytes: int) -> type[Packet]:
    """Return a `Packet` that refuses events whose payload is over `max_bytes` bytes."""
    return type("LimitedPacket", (Packet,), {"max_bytes": max_bytes})


def _unreadable(payload: str, error: HearthError) -> list[Any]:
    match = _EVENT_NAME.match(payload)
    if match is None:
        raise PacketError("an event without a name")
    try:
        return [json.loads(match[1]), Unreadable(error)]
    except ValueError:
        raise PacketError("not JSON") from None

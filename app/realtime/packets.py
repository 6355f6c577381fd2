"""Socket.IO packets, read strictly (protocol revision 5).

The stock reader accepts other alphabets' digits, any number of attachments and packets without a
payload. Here, anything but a packet raises `PacketError`, and the connection is closed. An event
whose payload is refused (too large, nested too deep) is answered like any other request.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

import orjson
import socketio.packet
from socketio.packet import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
)

from app.core.errors import HearthError, Invalid, TooLarge
from app.transport import codec, frames
from app.transport.flow import ProtocolError
from app.transport.limits import STRANGER_BYTES

MAX_ATTACHMENTS: Final = 10  # as the official server
_MAX_ID_DIGITS: Final = 16  # JavaScript clients don't count beyond 2**53
_LONGEST_NAMESPACE: Final = 1024  # with the query that clients may add
_TYPES: Final = {str(number): number for number in range(7)}
_WITHOUT_ATTACHMENTS: Final = {BINARY_EVENT: EVENT, BINARY_ACK: ACK}
_EVENT_NAME: Final = re.compile(r'\[\s*("(?:[^"\\]|\\.){0,128}")')


# An event's namespace, its ack id or None, and its name with its arguments.
Event = tuple[str, int | None, list[Any]]


class PacketError(ProtocolError):
    """What arrived is not a packet of the protocol."""


class Unreadable(NamedTuple):
    """A stand-in for the arguments of an event whose payload is refused, with the reason."""

    error: HearthError


class Incoming(NamedTuple):
    """A parsed packet.

    Args:
        attachments: the number of binary frames that follow.
    """

    type: int
    namespace: str
    id: int | None
    data: Any
    attachments: int


def parse_event(text: str, at: int, max_bytes: int) -> Event | None:
    """Parse an event in a named namespace, which nearly all packets are, quickly.

    Args:
        max_bytes: as in `parse`.

    Returns:
        None: it is something else, or in doubt; call `parse`.
    """
    bracket = text.find("[", at)
    comma = text.find(",", at, bracket)
    # Characters are at most 4 bytes: up to a quarter of the limit, nothing has to be encoded.
    if bracket < 0 or comma < 0 or not text.startswith("2/", at) or 0 < max_bytes < len(text) * 4:
        return None
    digits = text[comma + 1 : bracket]
    if digits and not (digits.isdecimal() and digits.isascii() and len(digits) <= _MAX_ID_DIGITS):
        return None
    namespace = text[at + 1 : comma]
    try:
        data = orjson.loads(text[bracket:])
    except orjson.JSONDecodeError:
        return None
    if "?" in namespace or not (data and isinstance(data[0], str)):
        return None
    return namespace, int(digits) if digits else None, data


def parse(text: str, at: int = 0, max_bytes: int = 0) -> Incoming:
    """Parse the packet that begins at index `at`.

    Args:
        max_bytes: largest payload of an event, a larger one is `Unreadable`; 0 sets no limit.

    Raises:
        PacketError: it is not a packet that clients send.
    """
    packet_type = _TYPES.get(text[at : at + 1])
    if packet_type is None or packet_type == CONNECT_ERROR:
        raise PacketError("not a packet that a client sends")
    at += 1
    attachments = 0
    if packet_type in _WITHOUT_ATTACHMENTS:
        dash = text.find("-", at, at + 3)
        attachments = _number(text[at:dash]) if dash > at else -1
        if not 0 <= attachments <= MAX_ATTACHMENTS:
            raise PacketError("no number of attachments, or too many")
        at = dash + 1
    namespace = "/"
    if text.startswith("/", at):
        comma = text.find(",", at)
        end = len(text) if comma < 0 else comma
        if end - at > _LONGEST_NAMESPACE:
            raise PacketError("a namespace with a name that long")
        namespace = text[at:end].partition("?")[0]
        at = end + 1
    if packet_type <= DISCONNECT:  # CONNECT, DISCONNECT
        if len(text) - at > STRANGER_BYTES:
            raise PacketError(f"a CONNECT over {STRANGER_BYTES} bytes")
        payload = text[at:]
        data = _load_json(payload) if payload else None
        if not (data is None or (packet_type == CONNECT and isinstance(data, dict))):
            raise PacketError("a payload that this type of packet doesn't have")
        return Incoming(packet_type, namespace, None, data, 0)
    bracket = text.find("[", at)
    if bracket < 0:
        raise PacketError("no payload")
    digits = text[at:bracket].rstrip()  # JSON may begin with spaces
    packet_id = _number(digits) if digits else None
    if packet_type in (EVENT, BINARY_EVENT):
        data = _load_event(text[bracket:], max_bytes)
    else:
        data = _load_json(text[bracket:])
        if packet_id is None:
            raise PacketError("an acknowledgement of nothing")
    if not attachments:  # nothing follows to wait for
        packet_type = _WITHOUT_ATTACHMENTS.get(packet_type, packet_type)
    return Incoming(packet_type, namespace, packet_id, data, attachments)


def _number(digits: str) -> int:
    # str.isdigit alone takes the digits of every alphabet.
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_ID_DIGITS):
        raise PacketError("not a number where one is due")
    return int(digits)


def _load_json(payload: str) -> Any:
    try:
        return codec.loads(payload)
    except RecursionError:
        raise PacketError("nested too deep") from None
    except ValueError:
        raise PacketError("not JSON") from None


def _load_event(payload: str, max_bytes: int) -> list[Any]:
    if max_bytes and _too_large(payload, max_bytes):
        limit = f"The message is over {max_bytes} bytes."
        return _unreadable(payload, TooLarge(limit, fields={"data": limit}))
    try:
        data = codec.loads(payload)
    except RecursionError:
        return _unreadable(payload, Invalid(fields={"data": "Nested too deep."}))
    except ValueError:
        raise PacketError("not JSON") from None
    if not (isinstance(data, list) and data and isinstance(data[0], str)):
        raise PacketError("an event without a name")
    return data


def _too_large(payload: str, max_bytes: int) -> bool:
    # Characters are at most 4 bytes: short texts need not be encoded to be measured.
    return len(payload) > max_bytes or (
        len(payload) * 4 > max_bytes and len(payload.encode()) > max_bytes
    )


def _unreadable(payload: str, error: HearthError) -> list[Any]:
    match = _EVENT_NAME.match(payload)
    if match is None:
        raise PacketError("an event without a name")
    try:
        return [json.loads(match[1]), Unreadable(error)]
    except ValueError:
        raise PacketError("not JSON") from None


class Packet(socketio.packet.Packet):  # type: ignore[misc]
    """python-socketio's packet, with `parse` as its reader."""

    json = codec

    def decode(self, encoded_packet: Any) -> int:
        """Parse a packet; return the number of attachments. Raises `PacketError`."""
        if not isinstance(encoded_packet, str):
            raise PacketError("a binary frame that no packet announced")
        packet = parse(encoded_packet)
        self.packet_type, self.namespace, self.id, self.data, attachments = packet
        return attachments


class Assembly:
    """A packet whose attachments are still arriving.

    Args:
        most_bytes: of all attachments together.
    """

    __slots__ = ("_attachments", "_room", "packet")

    def __init__(self, packet: Incoming, most_bytes: int) -> None:
        self.packet = packet
        self._attachments: list[bytes] = []
        self._room = most_bytes

    def add(self, attachment: bytes) -> Incoming | None:
        """Add an attachment; return the packet if it is complete, else None.

        Raises:
            PacketError: a placeholder in the payload has no attachment, or they are too large.
        """
        self._room -= len(attachment)
        if self._room < 0:
            raise PacketError("attachments that are too large")
        self._attachments.append(attachment)
        if len(self._attachments) < self.packet.attachments:
            return None
        try:
            data = self._fill(self.packet.data)
        except RecursionError:
            raise PacketError("nested too deep") from None
        return self.packet._replace(type=_WITHOUT_ATTACHMENTS[self.packet.type], data=data)

    def _fill(self, value: Any) -> Any:
        # Stock counts from the end if `num` is negative, and fails if there is none.
        if isinstance(value, list):
            return [self._fill(item) if isinstance(item, list | dict) else item for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("_placeholder") is not True:
            return {
                key: self._fill(item) if isinstance(item, list | dict) else item
                for key, item in value.items()
            }
        number = value.get("num")
        if not isinstance(number, int) or not 0 <= number < len(self._attachments):
            raise PacketError("a placeholder without its attachment")
        return self._attachments[number]


def encode_json(packet_type: int, namespace: str, data: Any) -> bytes:
    """Return a packet without id and attachments as a WebSocket frame."""
    where = b"" if namespace == "/" else b"%b," % namespace.encode()
    return frames.encode(frames.TEXT, b"4%d%b%b" % (packet_type, where, orjson.dumps(data)))


def encode_packet(packet: Any) -> bytes:
    """Return a Socket.IO packet and its attachments as WebSocket frames."""
    return Encoded(packet).frames


class Encoded:
    """A Socket.IO packet and its attachments as WebSocket frames.

    Args:
        packet: a python-socketio packet.
    """

    __slots__ = ("_attachments", "_text", "frames")

    def __init__(self, packet: Any) -> None:
        encoded = packet.encode()
        text, *attachments = encoded if isinstance(encoded, list) else [encoded]
        self._text: bytes = b"4" + text.encode()
        self._attachments = b"".join(
            frames.encode(frames.BINARY, bytes(attachment)) for attachment in attachments
        )
        self.frames = frames.encode(frames.TEXT, self._text) + self._attachments

    def followed_by(self, offset: str) -> bytes:
        """Return an event's frames for a client that can be restored.

        It takes a text at the end, also the event's name, for its offset string: so that follows.
        """
        if not self._text.endswith(b'"]'):
            return self.frames
        text = b'%b,"%b"]' % (self._text[:-1], offset.encode())
        return frames.encode(frames.TEXT, text) + self._attachments

"""Messages of plain clients: JSON objects, either envelopes or the short form.

See "Plain WebSockets" in docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from app.core.channel import Channel
from app.core.errors import Invalid, TooLarge
from app.core.identity import Identity
from app.hub.draft import Draft
from app.transport import codec
from schemas import requests
from schemas.envelope import ENVELOPE, Envelope
from schemas.errors import SchemaError
from schemas.json_value import is_unicode

MAX_NONCE: Final = 128
_KNOWN: Final = frozenset(Envelope().fields)


def read_message(frame: str | bytes, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object of a frame, which has a `type`. Raises as `read_object`."""
    message = read_object(frame, max_bytes)
    if not isinstance(message.get("type"), str):
        raise Invalid(fields={"type": "Must be text."})
    return message


def read_object(frame: str | bytes, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object of a frame.

    Args:
        max_bytes: largest frame.

    Raises:
        TooLarge: the frame is larger.
        Invalid: it is not such an object.
    """
    if isinstance(frame, bytes):
        raise Invalid("A binary frame; messages are JSON in text frames.")
    if len(frame) > max_bytes or (not frame.isascii() and len(frame.encode()) > max_bytes):
        raise TooLarge(f"The frame is larger than {max_bytes} bytes.")
    try:
        message = codec.loads(frame)
    except (ValueError, RecursionError):
        raise Invalid("The frame is not JSON.") from None
    if not isinstance(message, dict):
        raise Invalid("The frame is not a JSON object.")
    return message


def read_draft(message: dict[str, Any], channels: Sequence[Channel], identity: Identity) -> Draft:
    """Return the draft that a message of `identity` asks to publish.

    In the short form, without `data`, all keys that envelopes don't have are its data.

    Args:
        channels: the allowed channels; the first is the default.

    Raises:
        SchemaError: the message is not valid.
    """
    if "data" not in message:
        data = {key: value for key, value in message.items() if key not in _KNOWN}
        message = {key: value for key, value in message.items() if key in _KNOWN}
        message["data"] = data
    if message.get("channel", "") is None:  # some clients always write all keys
        message = {key: value for key, value in message.items() if key != "channel"}
    envelope = ENVELOPE.load(message)
    name = envelope.get("channel", channels[0].name)
    for channel in channels:
        if channel.name == name:
            return Draft(
                channel,
                envelope["type"],
                envelope["data"],
                identity.to_dict(),
                envelope.get("action"),
                envelope.get("nonce"),
            )
    raise SchemaError({"channel": "Not the channel of this path."})


def read_token(message: dict[str, Any]) -> str:
    """Return the token of an `auth` message. Raises `SchemaError` when it holds none."""
    rest = {key: value for key, value in message.items() if key != "type"}
    token: str = requests.AUTHENTICATE.load(rest)["token"]
    return token


def nonce_of(message: dict[str, Any]) -> dict[str, str]:
    """Return the keys that an error envelope takes from its message: the nonce, if there is one."""
    nonce = message.get("nonce")
    if isinstance(nonce, str) and 0 < len(nonce) <= MAX_NONCE and is_unicode(nonce):
        return {"nonce": nonce}
    return {}

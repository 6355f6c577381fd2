"""What plain clients send: JSON objects, whole envelopes or the short form (contract §6)."""

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

MAX_NONCE: Final = 128
_KNOWN: Final = frozenset(Envelope().fields)


def read_message(frame: str | bytes, max_bytes: int) -> dict[str, Any]:
    """Return the object that a frame holds, whose `type` is text.

    Args:
        max_bytes: largest frame.

    Raises:
        TooLarge, Invalid: it is larger, or nothing of the kind.
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
    if not isinstance(message.get("type"), str):
        raise Invalid(fields={"type": "Must be text."})
    return message


def read_draft(message: dict[str, Any], channels: Sequence[Channel], identity: Identity) -> Draft:
    """Return what `identity` publishes by a message.

    In the short form, without `data`, the keys that envelopes don't have are its data.

    Args:
        channels: that it may be for; the first when it doesn't say.

    Raises:
        SchemaError: it isn't right.
    """
    if "data" not in message:
        data = {key: value for key, value in message.items() if key not in _KNOWN}
        message = {key: value for key, value in message.items() if key in _KNOWN}
        message["data"] = data
    if message.get("channel", "") is None:  # some write all the keys that there are
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
    asked = {key: value for key, value in message.items() if key != "type"}
    token: str = requests.AUTHENTICATE.load(asked)["token"]
    return token


def nonce_of(message: dict[str, Any]) -> dict[str, str]:
    """Return what an error says of the message that it is about: its nonce, if it has one."""
    nonce = message.get("nonce")
    return {"nonce": nonce} if isinstance(nonce, str) and 0 < len(nonce) <= MAX_NONCE else {}

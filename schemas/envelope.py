"""Envelope: the JSON object that every message is (docs/protocol.md, "Envelope")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from schemas.fields import ChannelName, Integer, JsonObject, ShortText
from schemas.payloads import MemberIdentity
from schemas.requests import Loader


class Envelope(Schema):
    """A whole envelope, as members receive it.

    A worker may leave keys out: the server adds them, and always sets `offset` and `timestamp`
    itself.
    """

    type = ShortText(required=True, max_length=128)
    channel = ChannelName()
    data = JsonObject(required=True)
    timestamp = fields.AwareDateTime(format="iso")
    offset = Integer(minimum=1)
    action = ShortText(max_length=64)
    sender = fields.Nested(MemberIdentity)
    nonce = ShortText(max_length=128)


ENVELOPE = Loader(Envelope())


def is_envelope(event: str, value: Any) -> bool:
    """Return whether `value` is an envelope, and not a bare payload of the event.

    A payload may have any keys, also `data`. An envelope has `data` and a `type` that is the
    event's name.
    """
    return isinstance(value, Mapping) and "data" in value and value.get("type") == event


def notice(
    event: str, data: dict[str, Any], timestamp: str, channel: str | None = None
) -> dict[str, Any]:
    """Return an envelope that is for one connection alone, and so has no offset.

    Args:
        timestamp: in the wire format.
        channel: the channel that it is about; None: the connection itself.
    """
    return {"type": event, "channel": channel, "data": data, "timestamp": timestamp}

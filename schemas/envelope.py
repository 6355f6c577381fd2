"""Envelope: the JSON object that every message is (docs/protocol.md, "Envelope")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import EXCLUDE, fields

from schemas.fields import ChannelName, Integer, IntegerOrText, Object, ShortText
from schemas.nesting import Nested
from schemas.payloads import MemberIdentity
from schemas.requests import Loader
from schemas.schema import Schema


class Envelope(Schema):
    """A whole envelope, as members receive it.

    The server sets `offset`, `timestamp` and `sender` itself.
    """

    type = ShortText(required=True, max_length=128)
    channel = ChannelName()
    data = Object(required=True)  # checked by the type's payload
    timestamp = fields.AwareDateTime(format="iso")
    offset = Integer(minimum=1)
    action = ShortText(max_length=64)
    sender = Nested(MemberIdentity)
    nonce = ShortText(max_length=128)


class Sender(Schema):
    """Whom a worker publishes for. What else it knows of them isn't passed on."""

    class Meta:
        unknown = EXCLUDE

    id = IntegerOrText(required=True)
    kind = MemberIdentity().fields["kind"]


class WorkerEnvelope(Schema):
    """What is used of a worker's envelope; the rest isn't judged, for workers are trusted."""

    data = Object(required=True)  # checked by the type's payload
    action = ShortText(max_length=64)
    sender = Nested(Sender)
    nonce = ShortText(max_length=128)


ENVELOPE = Loader(Envelope())
_WORKER_ENVELOPE = Loader(WorkerEnvelope())
KEYS: Final = frozenset(Envelope().fields)


def read_worker_envelope(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is used of a worker's envelope; `data` has also the keys that envelopes don't.

    Raises:
        SchemaError: something that is used is wrong.
    """
    used = {key: envelope[key] for key in _WORKER_ENVELOPE.schema.fields if key in envelope}
    loaded = dict(_WORKER_ENVELOPE.load(used))
    if further := {key: item for key, item in envelope.items() if key not in KEYS}:
        loaded["data"] = {**further, **loaded["data"]}
    if (sender := loaded.get("sender")) is not None:
        loaded["sender"] = {**sender, "id": str(sender["id"])}
    return loaded


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

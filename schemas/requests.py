"""What a client asks for (contract §3). Unknown keys are errors here."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields

from schemas.errors import SchemaError
from schemas.fields import ChannelName, Integer, JsonObject, ShortText

MAX_PAGE = 1000
DEFAULT_PAGE = 50


class Since(Schema):
    offset = Integer(required=True, minimum=0)
    epoch = ShortText(required=True, max_length=64)


class Join(Schema):
    channel = ChannelName(required=True)
    since = fields.Nested(Since, allow_none=True)
    history = Integer(minimum=0, maximum=MAX_PAGE)


class Leave(Schema):
    channel = ChannelName(required=True)


class History(Schema):
    channel = ChannelName(required=True)
    before = Integer(minimum=1)
    limit = Integer(minimum=1, maximum=MAX_PAGE, load_default=DEFAULT_PAGE)


class Presence(Schema):
    channel = ChannelName(required=True)


class Publish(Schema):
    """The envelope as a client writes it: the event's name is its type, and sender and timestamp
    are the server's to set."""

    channel = ChannelName(required=True)
    data = JsonObject(required=True)
    action = ShortText(max_length=64)
    nonce = ShortText(max_length=128)


class Authenticate(Schema):
    token = ShortText(required=True, max_length=16_384)


JOIN, LEAVE, HISTORY, PRESENCE = Join(), Leave(), History(), Presence()
PUBLISH, AUTHENTICATE = Publish(), Authenticate()


def load(schema: Schema, value: Any) -> dict[str, Any]:
    """Return `value` as `schema` loads it.

    Raises:
        SchemaError: it doesn't fit.
    """
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise SchemaError.from_marshmallow(error.messages) from None
    return loaded

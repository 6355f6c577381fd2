"""Requests of clients (docs/protocol.md, "Requests"). Unknown keys are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from schemas.acceptor import compile_acceptor
from schemas.errors import SchemaError
from schemas.fields import ChannelName, Integer, Object, ShortText
from schemas.nesting import Nested, summarized
from schemas.nulls import optional_keys, without_nulls
from schemas.schema import Schema

MAX_PAGE = 1000
DEFAULT_PAGE = 50


class Since(Schema):
    offset = Integer(required=True, minimum=0)
    epoch = ShortText(required=True, max_length=64)


class Join(Schema):
    channel = ChannelName(required=True)
    since = Nested(Since)
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
    """An envelope as a client sends it: the event is its type; the server sets the rest."""

    channel = ChannelName(required=True)
    data = Object(required=True)  # checked by the type's payload
    action = ShortText(max_length=64)
    nonce = ShortText(max_length=128)


class Authenticate(Schema):
    token = ShortText(required=True, max_length=16_384)


class Loader:
    """Loads values by a schema, with its acceptor as a fast path."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._accepts = compile_acceptor(schema)
        self._optional = optional_keys(schema)

    def load(self, value: Any) -> dict[str, Any]:
        """Return `value` as the schema loads it, without the optional keys that are null.

        Raises:
            SchemaError: it doesn't fit.
        """
        if self._accepts(value):
            accepted: dict[str, Any] = value
            return accepted
        if not isinstance(value, Mapping):
            keys = ", ".join(name for name, field in self.schema.fields.items() if field.required)
            raise SchemaError({"": f"Must be an object with {keys}."})
        try:
            short = summarized(without_nulls(value, self._optional), self.schema)
            loaded: dict[str, Any] = self.schema.load(short)
        except ValidationError as error:
            raise SchemaError.from_marshmallow(error.messages) from None
        return loaded


JOIN, LEAVE, HISTORY, PRESENCE = map(Loader, (Join(), Leave(), History(), Presence()))
PUBLISH, AUTHENTICATE = Loader(Publish()), Loader(Authenticate())

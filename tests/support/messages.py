"""Messages, identities and channels for tests that don't care which."""

from __future__ import annotations

import orjson

from app.core.channel import Channel
from app.core.identity import Identity, Kind, parse_grants
from app.core.message import Message, Publication

TEAM = Channel("/circles", "dev-team")
OTHER = Channel("/circles", "other")


def somebody(name: str, kind: Kind = "user", *grants: str) -> Identity:
    """Return an identity with these grants."""
    return Identity(name, kind, parse_grants(grants))


def message(
    text: str, published_at: float, *, kept: bool = True, nonce_key: str | None = None
) -> Message:
    """Return a message whose body holds `text`."""
    body = orjson.dumps({"type": "user_message", "data": {"content": text}})
    return Message("user_message", body, published_at, "then", kept, nonce_key)


def text_of(publication: Publication) -> str:
    """Return what `message` was given."""
    text: str = orjson.loads(publication.body)["data"]["content"]
    return text


def texts_of(publications: list[Publication]) -> list[str]:
    """Return what `message` was given, for each."""
    return [text_of(publication) for publication in publications]

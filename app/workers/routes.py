"""Routes of the event bus: what other systems publish in Redis, and which channel it goes into.

Source: docs/protocol.md, "Event bus".

A new route is one line in `ROUTES`: a Redis channel, and how a message of it becomes a draft.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import orjson

from app.core.channel import Channel
from app.hub.draft import Draft
from app.workers.emits import make_drafts
from schemas.acceptor import is_plain_json
from schemas.envelope import is_envelope
from schemas.errors import SchemaError

#: Makes a draft of a message of the event bus. Raises `SchemaError` if it isn't valid.
Route = Callable[[bytes], Draft]


def keyed(namespace: str, key: str, event: str) -> Route:
    """Return a route into the channel that a key of the message names.

    The whole message is the payload, with that key: existing clients expect it. An envelope may
    have the key beside its `data` or in it, or `channel` instead.

    Args:
        key: the key; its value is text or an integer.
        event: the type to publish as.
    """

    def read(data: bytes) -> Draft:
        message = _loads(data)
        if not isinstance(message, dict):
            raise SchemaError({"message": "Must be an object."})
        names = [message.get(key)]
        if is_envelope(event, message):
            message.pop(key, None)  # the place that it goes to, no part of its data
            payload = message["data"]
            names.append(payload.get(key) if isinstance(payload, dict) else None)
            names.append(message.get("channel"))
        name = next((name for name in names if name is not None), None)
        if isinstance(name, bool) or not isinstance(name, int | str):
            raise SchemaError({key: "Says where it goes: must be text or an integer."})
        [draft] = make_drafts([Channel(namespace, str(name))], event, message)
        return draft

    return read


def feed(name: str, event: str) -> Route:
    """Return a route into one feed, which accepts everything.

    An object is the payload, even if it looks like an envelope. Everything else, such as text that
    isn't JSON or that not every client can read, is published as text, in `raw`.

    Args:
        name: the name of the feed.
        event: the type to publish as.
    """
    channel = Channel("/feeds", name)

    def read(data: bytes) -> Draft:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict) or not is_plain_json(message):
            message = {"raw": data.decode(errors="replace")}
        return Draft(channel, event, message)

    return read


def _loads(data: bytes) -> Any:
    """Return the value of a JSON text.

    orjson refuses lone surrogates, which Python's own reader reads: the Hub mends them.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        with suppress(ValueError, RecursionError):
            return json.loads(data)
        raise SchemaError({"message": f"Not JSON: {error}."}) from None


ROUTES: Final[dict[str, Route]] = {
    "agent.message": keyed("/circles", "circle_name", "agent_message"),
    "agent.status": keyed("/agents", "agent_id", "agent_status"),
    "agent.activity": keyed("/agents", "agent_id", "agent_activity"),
    "workspace.file_changed": keyed("/workspaces", "workspace_id", "file_changed"),
    "workspace.file_created": keyed("/workspaces", "workspace_id", "file_created"),
    "workspace.file_deleted": keyed("/workspaces", "workspace_id", "file_deleted"),
    "workspace.git_status": keyed("/workspaces", "workspace_id", "git_status"),
    "codeworm:logs": feed("codeworm:logs", "log"),
    "codeworm:events": feed("codeworm:events", "event"),
    "codeworm:stats": feed("codeworm:stats", "stats"),
}


async def read_event(route: Route, data: bytes) -> list[Draft]:
    """Return the drafts of a message of the event bus. Raises `SchemaError` as its route does."""
    return [route(data)]

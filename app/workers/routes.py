"""What other systems publish on the Redis event bus, and which channel it goes into (contract §8).

A new route is one line in `ROUTES`: a Redis channel, and how a message of it becomes a draft.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson

from app.core.channel import Channel
from app.hub.draft import Draft
from app.workers.emits import make_draft
from schemas.acceptor import is_plain_json
from schemas.envelope import is_envelope
from schemas.errors import SchemaError

#: Makes a draft of what was published. Raises `SchemaError` where that can't be.
Route = Callable[[bytes], Draft]


def keyed(namespace: str, key: str, event: str) -> Route:
    """Return a route into the channel that the message itself names.

    A message is the payload, routing key and all: clients of the systems that publish it have
    always got it whole. An envelope may have the key beside its `data`, in it, or give `channel`.

    Args:
        key: of the message; text, or an integer.
        event: the type of what is published.
    """

    def read(data: bytes) -> Draft:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise SchemaError({"message": f"Not JSON: {error}."}) from None
        if not isinstance(message, dict):
            raise SchemaError({"message": "Must be an object."})
        names = [message.get(key)]
        if is_envelope(event, message):
            message.pop(key, None)  # an envelope has no such key
            payload = message["data"]
            names.append(payload.get(key) if isinstance(payload, dict) else None)
            names.append(message.get("channel"))
        name = next((name for name in names if name is not None), None)
        if isinstance(name, bool) or not isinstance(name, int | str):
            raise SchemaError({key: "Says where it goes: must be text or an integer."})
        return make_draft(Channel(namespace, str(name)), event, message)

    return read


def feed(name: str, event: str) -> Route:
    """Return a route into one feed, which takes everything.

    An object is the payload as it is, also one that looks like an envelope. All else, also what
    is not JSON or can't be read by every client, is passed on as the text that it is, in `raw`.

    Args:
        name: of the feed.
        event: the type of what is published.
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
    """Return what a message of the event bus publishes. Raises `SchemaError` as its route does."""
    return [route(data)]

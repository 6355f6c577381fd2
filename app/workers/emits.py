"""Emits of stock `RedisManager`s, read as drafts (docs/protocol.md, "Emits")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.channel import BROADCAST_CHANNEL, NOTIFICATIONS, Channel, is_sid, listed
from app.core.shown import shown
from app.hub.draft import Draft
from app.hub.hub import Hub
from schemas.envelope import is_envelope, read_worker_envelope
from schemas.errors import SchemaError


def is_for_channels(hub: Hub, message: dict[str, Any]) -> bool:
    """Return whether an emit is to be published into channels.

    python-socketio's own manager handles the rest: emits to a foreign namespace or to single
    connections, and those with binary data, a callback or connections to skip. Of a list of rooms,
    it handles the session ids.

    Args:
        message: the emit as the stock manager writes it to Redis.
    """
    namespace = message.get("namespace") or "/"
    if (
        not isinstance(namespace, str)
        or namespace not in hub.registry.namespaces
        or message.get("binary")
        or message.get("callback")
        or message.get("skip_sid")
    ):
        return False
    rooms = message.get("room")
    return rooms is None or any(not is_sid(room) for room in listed(rooms))


async def read_emit(hub: Hub, message: dict[str, Any]) -> list[Draft]:
    """Return the drafts of an emit: into a room, a list of rooms, or a whole namespace.

    Raises:
        SchemaError: it is neither an envelope nor a payload.
        Unavailable: the broker can't be reached for the channels of the namespace.
    """
    namespace = message.get("namespace") or "/"
    rooms = message.get("room")
    if rooms is not None:
        # Ids may be integers.
        channels = [Channel(namespace, str(name)) for name in listed(rooms) if not is_sid(name)]
    elif namespace == NOTIFICATIONS:
        channels = [BROADCAST_CHANNEL]  # everybody in the namespace has joined it
    else:
        channels = await hub.channels(namespace)
    return _drafts(list(dict.fromkeys(channels)), message)


class EmitPublisher:
    """Publishes the emits of this server process that are for channels."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def publish(self, emit: dict[str, Any]) -> bool:
        """Publish an emit into all of its rooms or none.

        Args:
            emit: in the form in which managers write it to Redis.

        Returns:
            False if it isn't for channels.

        Raises:
            SchemaError, Unavailable: as `Hub.publish_all`.
        """
        if not is_for_channels(self._hub, emit):
            return False
        await self._hub.publish_all(await read_emit(self._hub, emit))
        return True


def _drafts(channels: Sequence[Channel], message: dict[str, Any]) -> list[Draft]:
    """Return the drafts of an emit, whose one argument is an envelope or a bare payload."""
    event, args = message.get("event"), message.get("data")
    if not isinstance(event, str):
        raise SchemaError({"type": "Must be text."})
    if not isinstance(args, list) or len(args) != 1:
        raise SchemaError({"data": "An emit has exactly one argument."})
    return make_drafts(channels, event, args[0])


def make_drafts(channels: Sequence[Channel], event: str, value: Any) -> list[Draft]:
    """Return drafts of an envelope, or of a bare payload: all have the same data.

    Raises:
        SchemaError: it is an invalid envelope.
    """
    if not is_envelope(event, value):
        return [Draft(channel, event, value) for channel in channels]
    if not channels:
        return []
    envelope = read_worker_envelope(value)
    named = value.get("channel")
    if named is not None:
        name = str(named)
        for channel in channels:
            if name != channel.name:
                problem = f"Not the room that it was emitted to, {shown(channel.name)}."
                raise SchemaError({"channel": problem})
    return [
        Draft(
            channel,
            event,
            envelope["data"],
            sender=envelope.get("sender"),
            action=envelope.get("action"),
            nonce=envelope.get("nonce"),
        )
        for channel in channels
    ]

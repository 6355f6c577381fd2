"""Make messages of what stock `RedisManager`s emit (contract §8)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

from app.core.channel import BROADCAST_CHANNEL, NOTIFICATIONS, Channel, is_sid
from app.draft import Draft
from app.hub import Hub
from schemas.envelope import ENVELOPE, is_envelope
from schemas.errors import SchemaError

log = structlog.get_logger("hearth.workers")


class EmitIntake:
    """Publish emits that are for channels; what fits no schema is not delivered."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def take(self, message: dict[str, Any]) -> bool:
        """Publish one emit, as the stock manager writes it to Redis.

        Returns:
            False when it is no channel's business and stock is to handle it: another namespace,
            binary data, a callback, or a single connection's room.
        """
        namespace = message.get("namespace") or "/"
        if (
            namespace not in self._hub.registry.namespaces
            or message.get("binary")
            or message.get("callback")
        ):
            return False
        rooms = message.get("room")
        names = rooms if rooms is None or isinstance(rooms, list) else [rooms]
        if names is not None:
            names = [name for name in names if not is_sid(name)]
            if not names:
                return False
        for channel in self._channels(namespace, names):
            try:
                await self._hub.publish(_draft(channel, message, self._hub.clock()))
            except SchemaError as error:
                self._hub.counters.rejected[namespace] += 1
                log.warning(
                    "rejected what a worker emitted",
                    namespace=namespace,
                    event_name=str(message.get("event"))[:64],
                    reason=str(error)[:500],
                )
        return True

    def _channels(self, namespace: str, names: Iterable[str] | None) -> list[Channel]:
        if names is not None:
            return [Channel(namespace, str(name)) for name in names]  # ids may be integers
        if namespace == NOTIFICATIONS:
            return [BROADCAST_CHANNEL]  # everybody there has joined it, so once is enough
        return self._hub.local_channels(namespace)


def _past(instant: Any, now: float) -> float | None:
    # Another process's clock may be ahead; what is kept for a time counts by ours.
    return min(instant, now) if isinstance(instant, float) else None


def _draft(channel: Channel, message: dict[str, Any], now: float) -> Draft:
    """Read an emit: its one argument is an envelope or a bare payload.

    Raises:
        SchemaError: it is neither.
    """
    event, args = message.get("event"), message.get("data")
    if not isinstance(event, str):
        raise SchemaError({"type": "Must be text."})
    if not isinstance(args, list) or len(args) != 1:
        raise SchemaError({"data": "An emit has exactly one argument."})
    if not is_envelope(event, args[0]):
        return Draft(channel, event, args[0], relay=False)
    envelope = ENVELOPE.load(args[0])
    if envelope.get("channel", channel.name) != channel.name:
        raise SchemaError({"channel": f"Not the room that it was emitted to, {channel.name}."})
    return Draft(
        channel,
        event,
        envelope["data"],
        sender=envelope.get("sender"),
        action=envelope.get("action"),
        nonce=envelope.get("nonce"),
        published_at=_past(message.get("published_at"), now),
        relay=False,
    )

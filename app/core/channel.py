"""Channels: each is a namespace and a room in it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

NOTIFICATIONS: Final = "/notifications"
BROADCAST: Final = "broadcast"
# Rooms and session ids share a name space in python-socketio. Every session id ends with this, and
# no channel's name contains it, so that the two can't be confused.
SID_MARK: Final = "~"


class Channel(NamedTuple):
    """One stream of messages, e.g. `Channel("/circles", "dev-team")`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}"


@lru_cache(maxsize=4096)
def channel_named(namespace: str, name: str) -> Channel:
    """Return `Channel(namespace, name)`, cached because that is cheaper.

    Only for names that are known to be valid: the cache must not hold a client's long texts.
    """
    return Channel(namespace, name)


def user_channel(user_id: str) -> Channel:
    """Return the channel that reaches every device of one user."""
    return Channel(NOTIFICATIONS, f"user:{user_id}")


BROADCAST_CHANNEL: Final = Channel(NOTIFICATIONS, BROADCAST)


def listed(room: Any) -> list[Any]:
    """Return the rooms that `room` names, as python-socketio reads it: one, or several."""
    return list(room) if hasattr(room, "__len__") and not isinstance(room, str) else [room]


def is_sid(room: object) -> bool:
    """Return whether a room is a session id, and not the name of a channel."""
    return isinstance(room, str) and room.endswith(SID_MARK)

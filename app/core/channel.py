"""What a channel is: a namespace and a room in it (contract, glossary)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

NOTIFICATIONS: Final = "/notifications"
BROADCAST: Final = "broadcast"
# Rooms and session ids share one name space in python-socketio. Every session id ends with this,
# and no channel's name may hold it: so neither is ever taken for the other.
SID_MARK: Final = "~"


class Channel(NamedTuple):
    """One stream of messages, e.g. `Channel("/circles", "dev-team")`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}"


@lru_cache(maxsize=4096)
def channel_named(namespace: str, name: str) -> Channel:
    """Return `Channel(namespace, name)`; the same one again while it is in use, which is cheaper.

    For names that were looked at already: what is remembered must not be somebody's long text.
    """
    return Channel(namespace, name)


def user_channel(user_id: str) -> Channel:
    """Return the channel that reaches every device of one user (contract §2)."""
    return Channel(NOTIFICATIONS, f"user:{user_id}")


BROADCAST_CHANNEL: Final = Channel(NOTIFICATIONS, BROADCAST)


def is_sid(room: object) -> bool:
    """Tell a session id from the name of a channel."""
    return isinstance(room, str) and room.endswith(SID_MARK)

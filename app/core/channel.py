"""Channels: each is a namespace and a room in it; and what their names may be, in any script."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any, Final, NamedTuple

CIRCLES: Final = "/circles"
NOTIFICATIONS: Final = "/notifications"
BROADCAST: Final = "broadcast"
# Rooms and session ids share a name space in python-socketio. Every session id ends with this, and
# no channel's name contains it, so that the two can't be confused.
SID_MARK: Final = "~"

MAX_NAME: Final = 1024
#: The most characters of an id, and of what else stands in a name as one part.
MAX_ID: Final = 255
# Quotes and "<>" keep names harmless in a page and a log line, "*" is a grant's wildcard, and Redis
# takes what is in braces for the part of a key that decides where it lies in a cluster.
_FORBIDDEN: Final = re.compile(r'[*~"\\<>{}]')
_CATEGORIES: Final = {
    "Cc": "a control",
    "Cf": "a format character",
    "Cn": "unassigned",
    "Co": "for private use",
    "Cs": "a surrogate",
    "Zl": "a line separator",
    "Zp": "a line separator",
}


class Channel(NamedTuple):
    """One stream of messages, e.g. `Channel("/circles", "dev-team")`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}"


def name_problem(name: str, most: int = MAX_NAME) -> str | None:
    """Return why `name` can't be the name of a channel, or None if it can.

    A name is of assigned Unicode characters, in NFC, because what looks the same must be the same
    channel. The text names a character by its number, so it is safe to print.

    Args:
        most: the most characters.
    """
    if not name:
        return "Must not be empty."
    if len(name) > most:
        return f"Must have at most {most:,} characters; has {len(name):,}."
    if (found := _FORBIDDEN.search(name)) is not None:
        return f"Must not have {_number(found[0])}."
    if not name.isprintable():  # it isn't either if it has a space other than U+0020
        for character in name:
            if (what := _CATEGORIES.get(unicodedata.category(character))) is not None:
                return f"Must not have {_number(character)}, which is {what}."
    if name[0].isspace() or name[-1].isspace():
        end = name[0] if name[0].isspace() else name[-1]
        return f"Must not begin or end with a space, {_number(end)}."
    if not unicodedata.is_normalized("NFC", name):
        return f"Must be in NFC; {_number(_denormal(name))} isn't."
    if "." in name and not {".", ".."}.isdisjoint(name.split("/")):
        return "A part between slashes must not be . or .., of U+002E alone."
    return None


def id_problem(text: str) -> str | None:
    """Return why `text` can't be an identity's id, which is part of names, or None if it can."""
    return name_problem(text, MAX_ID)


def _number(character: str) -> str:
    return f"U+{ord(character):04X}"


def _denormal(name: str) -> str:
    """Return the first character of `name` that its NFC doesn't have in that place."""
    normal = unicodedata.normalize("NFC", name)
    same = zip(name, normal, strict=False)
    return next((is_ for is_, should in same if is_ != should), name[len(normal) :][:1])


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

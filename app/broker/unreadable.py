"""Unreadable: what is in Redis where something of ours should be, and isn't."""

from __future__ import annotations

import asyncio
from typing import Final, cast

import structlog

from app.core.channel import Channel
from app.core.counters import Counters
from app.core.identity import KINDS, Identity, Kind

#: About the same kind of thing there is at most one line of the log in so many seconds.
WINDOW_SECONDS: Final = 60.0

log = structlog.get_logger("hearth.broker")


class Unreadable:
    """Counts and logs what can't be read, and is left out: one such thing makes nobody deaf.

    Args:
        counters: for metrics.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._logged_at: dict[str, float] = {}

    def tell(self, what: str, where: object) -> None:
        """Tell of something that can't be read.

        Args:
            what: its kind, one of few words.
            where: the key or the channel.
        """
        self._counters.unreadable[what] += 1
        now = asyncio.get_running_loop().time()
        if now >= self._logged_at.get(what, now):
            self._logged_at[what] = now + WINDOW_SECONDS
            log.error("ignored what can't be read in Redis", what=what, where=str(where)[:200])


def is_text(data: bytes) -> bool:
    """Return whether bytes are UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def channel_of(name: bytes) -> Channel | None:
    """Return the channel that `str(channel)` names; None for what is no such name."""
    if not is_text(name):
        return None
    namespace, _, room = name.decode().partition(":")
    return Channel(namespace, room) if namespace and room else None


def identity_of(key: bytes) -> Identity | None:
    """Return the identity that `Identity.key` names, without grants; None for what is no key."""
    if not is_text(key):
        return None
    kind, _, identity_id = key.decode().partition(":")
    return Identity(identity_id, cast(Kind, kind), ()) if kind in KINDS else None

"""Presence and due statuses of a single process, in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from app.broker.contract import PresenceEvents
from app.core.channel import Channel
from app.core.identity import Identity
from app.core.presence import Members, Presence


class MemoryPresence:
    """See `PresenceStore`. There are no other processes, so `events` is never called.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._channels: dict[Channel, Presence] = {}

    @property
    def ready(self) -> bool:
        return True

    async def start(self, events: PresenceEvents) -> None: ...

    async def close(self) -> None: ...

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        presence = self._channels.get(channel)
        if presence is None:
            presence = self._channels[channel] = Presence()
        return presence.enter(sid, identity, self._clock())

    async def exit(self, channel: Channel, sid: str, identity: Identity) -> bool:
        presence = self._channels.get(channel)
        if presence is None:
            return False
        leaves = presence.exit(sid, identity)
        if not len(presence):
            del self._channels[channel]
        return leaves

    async def members(self, channel: Channel, limit: int | None = None) -> Members:
        presence = self._channels.get(channel)
        return presence.members(limit) if presence is not None else Members(0, [])


class MemoryStatusQueue:
    """See `StatusQueue`. No status is ever overdue: when this process dies, so do its members."""

    shared = False

    def __init__(self) -> None:
        self._claims: dict[Channel, asyncio.TimerHandle] = {}

    async def claim(self, channel: Channel, seconds: float) -> float:
        loop = asyncio.get_running_loop()
        claim = self._claims.get(channel)
        if claim is not None and (wait := claim.when() - loop.time()) > 0:
            return wait
        if claim is not None:
            claim.cancel()
        self._claims[channel] = loop.call_later(seconds, self._claims.pop, channel)
        return 0.0

    async def add(self, channel: Channel) -> None: ...

    async def overdue(self, seconds: float) -> list[Channel]:
        return []

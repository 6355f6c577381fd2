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
    """See `PresenceStore`. No other process could be gone, so there is nothing to tell.

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
    """See `StatusQueue`. What this process doesn't live to tell, nobody is left to hear."""

    shared = False

    def __init__(self) -> None:
        self._free_at: dict[Channel, float] = {}

    async def claim(self, channel: Channel, seconds: float) -> float:
        now = asyncio.get_running_loop().time()
        if (wait := self._free_at.get(channel, now) - now) > 0:
            return wait
        while self._free_at and (oldest := next(iter(self._free_at.items())))[1] <= now:
            del self._free_at[oldest[0]]
        self._free_at[channel] = now + seconds
        return 0.0

    async def add(self, channel: Channel) -> None: ...

    async def overdue(self, seconds: float) -> list[Channel]:
        return []

"""Announcements of a single process, in memory."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence

from app.broker.announcements import Arrival, Departure, Departures
from app.core.channel import Channel
from app.core.identity import Identity


class MemoryAnnouncements:
    """See `Announcements`. None is ever overdue: when this process dies, so do its members."""

    def __init__(self) -> None:
        # Those that are away and were announced: when each left, by the event loop's clock.
        self._left: dict[Channel, dict[str, tuple[float, Identity]]] = {}

    async def arrive(self, channel: Channel, identity: Identity, absence: float) -> Arrival | None:
        left_at, _identity = self._left.get(channel, {}).get(identity.key, (None, identity))
        self._forget(channel, identity)
        if left_at is not None and _now() - left_at < absence:
            return None
        return Arrival("", "" if left_at is None else _mark(left_at), secrets.token_hex(8))

    async def confirm(self, channel: Channel, identity: Identity, mark: str) -> None:
        pass  # nobody else would publish it

    async def depart(self, channel: Channel, identity: Identity) -> None:
        self._left.setdefault(channel, {}).setdefault(identity.key, (_now(), identity))

    async def departures(
        self, channel: Channel, absence: float, told: Sequence[Departure] = ()
    ) -> Departures:
        left = self._left.get(channel, {})
        for one in told:
            if one.identity.key in left and _mark(left[one.identity.key][0]) == one.mark:
                self._forget(channel, one.identity)
        now = _now()
        waits = [at + absence - now for at, _identity in left.values() if at + absence > now]
        due = [
            Departure(identity, _mark(at)) for at, identity in left.values() if at + absence <= now
        ]
        return Departures(due, min(waits, default=0.0))

    async def overdue(self, seconds: float) -> list[Channel]:
        return []

    def _forget(self, channel: Channel, identity: Identity) -> None:
        left = self._left.get(channel, {})
        left.pop(identity.key, None)
        if not left:
            self._left.pop(channel, None)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _mark(left_at: float) -> str:
    return f"{left_at:.6f}"

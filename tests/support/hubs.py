"""Hubs of the test's own, whose fan-out remembers what each member would have got."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from app.broker.contract import Broker, PresenceStore
from app.broker.memory import MemoryBroker
from app.broker.memory_presence import MemoryPresence
from app.broker.memory_sessions import MemorySessions
from app.core.channel import Channel
from app.core.history import MOST_ANSWER_BYTES, HistoryOptions
from app.hub.hub import Hub
from app.hub.member import MembershipListener
from app.hub.memberships import Memberships
from app.hub.sessions import Sessions
from schemas.catalogue import standard_registry
from tests.support.members import RecordingFanOut


class RecordingBroker(MemoryBroker):
    """A memory broker that notes what is subscribed."""

    def __init__(self) -> None:
        super().__init__(HistoryOptions())
        self.subscribed: set[Channel] = set()

    async def subscribe(self, channel: Channel) -> None:
        self.subscribed.add(channel)
        await super().subscribe(channel)

    async def unsubscribe(self, channel: Channel) -> None:
        self.subscribed.discard(channel)
        await super().unsubscribe(channel)


def new_hub(
    fanout: RecordingFanOut,
    broker: Broker | None = None,
    presence: PresenceStore | None = None,
    clock: Callable[[], float] = time.time,
    answer_bytes: int = MOST_ANSWER_BYTES,
) -> Hub:
    """Return a hub that isn't started, in memory unless given something else to stand on."""
    broker = broker or MemoryBroker(HistoryOptions(), clock)
    presence = presence or MemoryPresence(clock)
    registry = standard_registry()
    sessions = Sessions(MemorySessions(), 0)
    memberships = Memberships(broker, presence, fanout, registry, sessions, answer_bytes, clock)
    return Hub(broker, presence, memberships, registry, clock, answer_bytes=answer_bytes)


@asynccontextmanager
async def running_hub(
    fanout: RecordingFanOut,
    broker: Broker | None = None,
    presence: PresenceStore | None = None,
    clock: Callable[[], float] = time.time,
    *,
    listeners: Sequence[MembershipListener] = (),
) -> AsyncIterator[Hub]:
    """Start what `new_hub` returns, and close it when the block ends."""
    hub = new_hub(fanout, broker, presence, clock)
    await hub.memberships.start(*listeners)
    try:
        yield hub
    finally:
        await hub.memberships.close()

"""Tallies of a single process: there is nobody to tell."""

from __future__ import annotations

from collections.abc import Mapping

from app.broker.tallies import TallyEvents
from app.core.quota import Tally


class MemoryTallies:
    """See `Tallies`. There are no other processes, so `events` is never called."""

    def start(self, events: TallyEvents) -> None: ...

    async def tell(self, tallies: Mapping[str, Tally]) -> None: ...

    def close(self) -> None: ...

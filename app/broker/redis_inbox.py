"""Bounds of the inbox in Redis, and what its consumers lose by them."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from app.broker.keys import INBOX_SIZE
from app.core.counters import Counters

#: There is at most one line of the log in so many seconds.
WINDOW_SECONDS: Final = 60.0

log = structlog.get_logger("hearth.workers")


class InboxBounds:
    """How much the inbox holds; what goes before its consumers have read it is logged and counted.

    Args:
        most_bytes: of its entries together; 0: any.
        counters: for metrics.
    """

    size = INBOX_SIZE

    def __init__(self, most_bytes: int, counters: Counters) -> None:
        self.most_bytes = most_bytes
        self._counters = counters
        self._unlogged = 0
        self._logged_at: float | None = None

    def note_lost(self, entries: int) -> None:
        """Tell of entries that went before every group of consumers had read them."""
        self._counters.add_inbox_lost(entries)
        self._unlogged += entries
        now = asyncio.get_running_loop().time()
        if self._logged_at is not None and now < self._logged_at + WINDOW_SECONDS:
            return
        log.warning(
            "the inbox is full: its oldest messages went before all workers had read them",
            lost=self._unlogged,
            size=self.size,
            admitted_by="INBOX_BYTES, or workers that keep up",
        )
        self._logged_at, self._unlogged = now, 0

"""Gap: a time for which no process received what workers emit, told afterwards."""

from __future__ import annotations

import asyncio

import structlog

from app.core.counters import Counters

log = structlog.get_logger("hearth.workers")


class Gap:
    """What this process may have missed, for as long as others may have received it."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._since: float | None = None

    def open(self) -> None:
        """Receive nothing from now on."""
        self._since = asyncio.get_running_loop().time()

    def fill(self) -> None:
        """Another process has received it, and this one is caught up."""
        self._since = None

    def tell(self) -> None:
        """Nobody has received it: log it, and count it."""
        since, self._since = self._since, None
        if since is not None:
            seconds = round(asyncio.get_running_loop().time() - since, 1)
            self._counters.add_emit_gap()
            log.error("no process received what workers emitted meanwhile", seconds=seconds)

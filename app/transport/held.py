"""Held bytes: what this process holds for its clients, and the bound for all of it together.

Each queue has a bound of its own. But thousands of connections, each just below its bounds, would
take more memory than there is; then whoever holds most goes first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

import structlog

from app.core.closing import Closing
from app.tasks import Tasks

CHECK_SECONDS: Final = 2.0
#: A connection that holds less is never closed for it.
SPARED_BYTES: Final = 65_536
#: Of the machine's memory, where no setting says how much.
SHARE: Final = 4
_CGROUPS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

_ADMITTED_BY: Final = {"admitted_by": "MAX_HELD_BYTES"}

log = structlog.get_logger("hearth.realtime")


class Holder(Protocol):
    """A connection, as the bound knows it."""

    @property
    def held_bytes(self) -> int:
        """The number of bytes that the server holds for its client."""

    @property
    def address(self) -> str:
        """The client's address."""

    def close(self, closing: Closing) -> None:
        """Close the connection."""


class Store(Protocol):
    """What holds messages, for nobody in particular."""

    @property
    def held_bytes(self) -> int:
        """The number of bytes that it holds."""

    def forget(self, size: int) -> None:
        """Forget about so many bytes, of what holds most."""


class HeldBytes:
    """What is held, by what holds it.

    Args:
        most: bytes that may be held together (`MAX_HELD_BYTES`); 0 sets no bound.
        connections: returns all connections.
        stores: by name, for the metric.
    """

    def __init__(
        self,
        most: int,
        connections: Callable[[], Iterable[Holder]],
        stores: Mapping[str, Store],
    ) -> None:
        self._most = most
        self._connections = connections
        self._stores = dict(stores)
        self._tasks = Tasks("held bytes")

    def start(self) -> None:
        """Check the bound from now on."""
        if self._most:
            self._tasks.every(CHECK_SECONDS, self.check)

    async def close(self) -> None:
        """Stop checking."""
        await self._tasks.cancel()

    def sizes(self) -> dict[str, int]:
        """Return how many bytes are held, by what holds them."""
        held = sum(connection.held_bytes for connection in self._connections())
        return {"connections": held} | {
            name: store.held_bytes for name, store in self._stores.items()
        }

    def check(self) -> None:
        """Have those go that hold most, until what is left is within the bound."""
        sizes = self.sizes()
        over = sum(sizes.values()) - self._most
        while over > 0:
            largest = max(sizes, key=lambda name: sizes[name])
            size = sizes.pop(largest)
            if largest in self._stores:
                size = min(over, size)
                if size:
                    log.warning("forgot messages", what=largest, bytes=size, **_ADMITTED_BY)
                    self._stores[largest].forget(size)
                over -= size
            else:
                over = self._close_largest(over)
            if not sizes:
                return

    def _close_largest(self, over: int) -> int:
        """Close connections that hold much; return by how many bytes it is still over."""
        holders = [(one.held_bytes, one) for one in self._connections()]
        holders = [one for one in holders if one[0] > SPARED_BYTES]
        for size, connection in sorted(holders, key=lambda one: one[0], reverse=True):
            if over <= 0:
                break
            log.warning(
                "closed a connection that holds too much",
                reason=Closing.MEMORY.reason,
                address=connection.address,
                bytes=size,
                **_ADMITTED_BY,
            )
            connection.close(Closing.MEMORY)
            over -= size
        return over


def share_of_memory() -> int:
    """Return a quarter of the memory that the process may take, in bytes."""
    return min(_limits()) // SHARE


def _limits() -> Iterable[int]:
    yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for path in _CGROUPS:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            yield int(text)

"""What happened, counted where it happens: plain integers, so that counting costs nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.core.closing import Closing
from app.core.errors import HearthError

# Those that are known beforehand count from zero: of a series that begins with 1, Prometheus's
# `increase` misses the first.
_CODES: Final = tuple(error.code for error in HearthError.__subclasses__())
_REASONS: Final = tuple(closing.reason for closing in Closing)


def _from_zero(*names: str) -> Callable[[], Counter[str]]:
    return lambda: Counter(dict.fromkeys(names, 0))


@dataclass(slots=True)
class Counters:
    """All of them count from the start of the process.

    Args:
        published: messages, by namespace and type.
        delivered: messages handed to members' connections.
        failed: requests that were answered with an error, by code.
        closed: connections that ended, by reason.
        returned: clients that came back for their session, by how that went.
        rejected: what workers sent and no schema accepts, by the Redis channel it came through.
    """

    published: Counter[tuple[str, str]] = field(default_factory=Counter)
    delivered: int = 0
    failed: Counter[str] = field(default_factory=_from_zero(*_CODES))
    closed: Counter[str] = field(default_factory=_from_zero(*_REASONS))
    returned: Counter[str] = field(default_factory=_from_zero("recovered", "incomplete"))
    rejected: Counter[str] = field(default_factory=Counter)

    def add_delivered(self, number: int) -> None:
        """Count messages that were handed to members' connections."""
        self.delivered += number

"""Counters of what has happened in this process: plain integers, so that counting is cheap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.core.closing import Closing
from app.core.errors import HearthError
from app.core.refused import Refused

# Known labels start at zero: Prometheus's `increase` misses the first event of a series that begins
# with 1.
_CODES: Final = tuple(error.code for error in HearthError.__subclasses__())
_REASONS: Final = tuple(closing.reason for closing in Closing)
_UNREADABLE: Final = (
    *("history", "publication", "presence", "process", "queue", "departure", "session"),
)
_REFUSALS: Final = tuple(refused.label for refused in Refused)


def _from_zero(*names: str) -> Callable[[], Counter[str]]:
    return lambda: Counter(dict.fromkeys(names, 0))


@dataclass(slots=True)
class Counters:
    """Counts since the start of the process.

    Args:
        published: messages, by namespace and type.
        delivered: messages handed to members' connections.
        failed: requests that were answered with an error, by code.
        closed: connections that were closed, by reason.
        returned: clients that came back for their session, by outcome.
        refused: requests and connections that weren't let in, by reason.
        rejected: messages of workers that were rejected, by the Redis channel.
        emit_gaps: times for which no process received what workers emit.
        redis_lost: connections to Redis that were lost, by their purpose.
        held: what is held at this moment, each as a function that returns its bytes.
        unreadable: what was found in Redis and couldn't be read, by its kind.
        inbox_lost: entries that left the inbox before all groups of consumers had read them.
    """

    published: Counter[tuple[str, str]] = field(default_factory=Counter)
    delivered: int = 0
    failed: Counter[str] = field(default_factory=_from_zero(*_CODES))
    closed: Counter[str] = field(default_factory=_from_zero(*_REASONS))
    returned: Counter[str] = field(default_factory=_from_zero("recovered", "incomplete"))
    refused: Counter[str] = field(default_factory=_from_zero(*_REFUSALS))
    rejected: Counter[str] = field(default_factory=Counter)
    emit_gaps: int = 0
    redis_lost: Counter[str] = field(default_factory=_from_zero("commands", "subscriptions"))
    held: dict[str, Callable[[], int]] = field(default_factory=dict)
    unreadable: Counter[str] = field(default_factory=_from_zero(*_UNREADABLE))
    inbox_lost: int = 0

    def add_delivered(self, number: int) -> None:
        """Count messages that were handed to members' connections."""
        self.delivered += number

    def add_emit_gap(self) -> None:
        """Count a time for which no process received what workers emit."""
        self.emit_gaps += 1

    def add_inbox_lost(self, number: int) -> None:
        """Count entries that left the inbox before they were read."""
        self.inbox_lost += number

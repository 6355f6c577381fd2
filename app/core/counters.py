"""What happened, counted where it happens: plain integers, so that counting costs nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


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
    failed: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    returned: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

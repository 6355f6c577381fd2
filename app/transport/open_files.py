"""Open files: how many the process may have, and whether nearly all of them are in use.

Every connection is one. The last few are kept for what has to work all the same: health checks,
connections to Redis, and the answers to who is refused.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Final, NamedTuple, Self

_MOST_RESERVED: Final = 64
_RESERVED_PART: Final = 8


class Raised(NamedTuple):
    """The limit of open files, before and after it was raised."""

    soft: int
    hard: int


def raise_limit() -> Raised | None:
    """Raise the soft limit to the hard one; return None where it is there, or can't be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # some systems name a hard limit that they don't grant
        return None
    return Raised(soft, hard)


class OpenFiles:
    """The limit, as connections meet it.

    Args:
        limit: how many files the process may have open.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._first_reserved = limit - min(_MOST_RESERVED, limit // _RESERVED_PART)

    @classmethod
    def of_process(cls) -> Self:
        """Return those of this process."""
        return cls(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    def are_scarce_for(self, transport: asyncio.BaseTransport | None) -> bool:
        """Tell whether a connection has one of the last descriptors.

        The system gives the lowest that is free, so all below it were in use when it was opened.
        """
        connection = None if transport is None else transport.get_extra_info("socket")
        return connection is not None and bool(connection.fileno() >= self._first_reserved)

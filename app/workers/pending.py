"""What was heard from workers and isn't known to have been taken in."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import NamedTuple

from app.draft import Draft

#: Returns what is to be published. Raises `SchemaError` where no schema accepts it.
Read = Callable[[], Awaitable[list[Draft]]]


class Heard(NamedTuple):
    """Something that a worker has emitted.

    Args:
        digest: by which the processes speak of it.
        source: the Redis channel it came through.
        data: as it came.
        read: makes drafts of it.
        at: when it was heard, by the event loop's clock.
    """

    digest: bytes
    source: str
    data: bytes
    read: Read
    at: float


def digest(source: str, data: bytes) -> bytes:
    """Return the same 12 bytes in every process."""
    return hashlib.blake2b(source.encode() + b"\n" + data, digest_size=12).digest()


class Pending:
    """A queue from whose midst things are taken by digest; equal ones count each."""

    def __init__(self) -> None:
        self._heard: dict[int, Heard] = {}
        self._numbers: dict[bytes, deque[int]] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._heard)

    def add(self, heard: Heard) -> None:
        """Add the newest."""
        self._heard[self._next] = heard
        self._numbers.setdefault(heard.digest, deque()).append(self._next)
        self._next += 1

    def first(self, count: int) -> list[Heard]:
        """Return the oldest ones, in order."""
        return list(islice(self._heard.values(), count))

    def remove(self, taken: bytes) -> bool:
        """Remove the oldest one of this digest; tell whether there was one."""
        numbers = self._numbers.get(taken)
        if numbers is None:
            return False
        del self._heard[numbers.popleft()]
        if not numbers:
            del self._numbers[taken]
        return True

"""Backlog: what was received from workers and isn't known to have been ingested."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import NamedTuple

from app.hub.draft import Draft
from schemas.errors import SchemaError

#: Returns what is to be published. Raises `SchemaError` if no schema accepts it.
Read = Callable[[], Awaitable[list[Draft]]]


class Received(NamedTuple):
    """An emit of a worker.

    Args:
        digest: identifies it to all processes.
        source: the Redis channel it was received on.
        data: as received.
        read: makes drafts of it.
        at: when it was received, by the event loop's clock.
    """

    digest: bytes
    source: str
    data: bytes
    read: Read
    at: float


def digest(source: str, data: bytes) -> bytes:
    """Return the digest of an emit, 12 bytes: the same in every process."""
    return hashlib.blake2b(source.encode() + b"\n" + data, digest_size=12).digest()


class Backlog:
    """A queue from which entries are removed by digest. Entries with equal digests count each.

    Entries are numbered as they are added: 0, 1, 2, …

    Args:
        most, most_bytes: with so many entries, or so large ones, it is full.
    """

    def __init__(self, most: int = 100_000, most_bytes: int = 67_108_864) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self.next = 0  # the number of the next entry
        self.size = 0  # of all entries together, in bytes
        self._received: dict[int, Received] = {}
        self._numbers: dict[bytes, deque[int]] = {}

    def __len__(self) -> int:
        return len(self._received)

    @property
    def full(self) -> bool:
        """Whether no more is to be added."""
        return len(self._received) >= self._most or self.size >= self._most_bytes

    def add(self, received: Received) -> int:
        """Add the newest entry, and return its number."""
        number = self.next
        self.next += 1
        self.size += len(received.data)
        self._received[number] = received
        self._numbers.setdefault(received.digest, deque()).append(number)
        return number

    def first(self, count: int, most_bytes: int) -> list[Received]:
        """Return the oldest entries, in order: so many, or so large together, but at least one."""
        oldest: list[Received] = []
        size = 0
        for received in islice(self._received.values(), count):
            size += len(received.data)
            if size > most_bytes and oldest:
                break
            oldest.append(received)
        return oldest

    def oldest(self) -> tuple[int, Received] | None:
        """Return the oldest entry and its number."""
        return next(iter(self._received.items()), None)

    def remove(self, ingested: bytes) -> int | None:
        """Remove the oldest entry with this digest, and return its number if there was one."""
        numbers = self._numbers.get(ingested)
        if numbers is None:
            return None
        number = numbers.popleft()
        if not numbers:
            del self._numbers[ingested]
        self.size -= len(self._received.pop(number).data)
        return number

    def forget(self, before: int) -> None:
        """Remove all entries below a number."""
        while (oldest := self.oldest()) is not None and oldest[0] < before:
            self.remove(oldest[1].digest)


async def read_nothing() -> list[Draft]:
    """The `Read` of what is no emit, and only has its place among them."""
    return []


def refuse(reason: str) -> Read:
    """Return a `Read` that always fails with `reason`.

    It is called when the emit is ingested, so that only one process logs and records the rejection.
    """

    async def read() -> list[Draft]:
        raise SchemaError({"message": reason})

    return read


def limited(read: Read, size: int, limit: int) -> Read:
    """Return `read`, or a `Read` that fails if `size` exceeds `limit`, both in bytes."""
    if size <= limit:
        return read
    return refuse(f"Has {size:,} bytes; MAX_MESSAGE_BYTES is {limit:,}.")

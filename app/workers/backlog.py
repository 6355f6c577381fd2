"""What was received from workers and isn't known to have been ingested."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import NamedTuple

from app.hub.draft import Draft
from schemas.errors import SchemaError

#: Returns what is to be published. Raises `SchemaError` where no schema accepts it.
Read = Callable[[], Awaitable[list[Draft]]]


class Received(NamedTuple):
    """Something that a worker has emitted.

    Args:
        digest: by which the processes speak of it.
        source: the Redis channel it came through.
        data: as it came.
        read: makes drafts of it.
        at: when it was received, by the event loop's clock.
    """

    digest: bytes
    source: str
    data: bytes
    read: Read
    at: float


def digest(source: str, data: bytes) -> bytes:
    """Return the same 12 bytes in every process."""
    return hashlib.blake2b(source.encode() + b"\n" + data, digest_size=12).digest()


class Backlog:
    """A queue from whose midst things are removed by digest; equal ones count each.

    What is added has a number: 0, 1, 2, …
    """

    def __init__(self) -> None:
        self.next = 0  # the number of what is added next
        self.size = 0  # of all that is in it, in bytes
        self._received: dict[int, Received] = {}
        self._numbers: dict[bytes, deque[int]] = {}

    def __len__(self) -> int:
        return len(self._received)

    def add(self, received: Received) -> int:
        """Add the newest, and return its number."""
        number = self.next
        self.next += 1
        self.size += len(received.data)
        self._received[number] = received
        self._numbers.setdefault(received.digest, deque()).append(number)
        return number

    def first(self, count: int) -> list[Received]:
        """Return the oldest ones, in order."""
        return list(islice(self._received.values(), count))

    def oldest(self) -> tuple[int, Received] | None:
        """Return the oldest one and its number."""
        return next(iter(self._received.items()), None)

    def remove(self, ingested: bytes) -> int | None:
        """Remove the oldest one of this digest, and return its number if there was one."""
        numbers = self._numbers.get(ingested)
        if numbers is None:
            return None
        number = numbers.popleft()
        if not numbers:
            del self._numbers[ingested]
        self.size -= len(self._received.pop(number).data)
        return number

    def forget(self, before: int) -> None:
        """Remove all below a number."""
        while (oldest := self.oldest()) is not None and oldest[0] < before:
            self.remove(oldest[1].digest)


def refuse(reason: str) -> Read:
    """Return what reads nothing and rejects with `reason`.

    Refusing goes the way of reading, so that of several processes one tells and keeps it.
    """

    async def read() -> list[Draft]:
        raise SchemaError({"message": reason})

    return read


def limited(read: Read, size: int, limit: int) -> Read:
    """Return `read`, or what rejects a message of `size` bytes when `limit` is less.

    It is asked before anything of the message goes back to Redis.
    """
    if size <= limit:
        return read
    return refuse(f"Has {size:,} bytes; MAX_MESSAGE_BYTES is {limit:,}.")

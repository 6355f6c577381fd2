"""Locks by key, for work that must not overlap with work on the same key."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

# The keys of held locks, each with an event if somebody waits for it.
_Held = dict[Hashable, asyncio.Event | None]


class KeyedLocks:
    """Locks by key; they take memory only while they are held."""

    def __init__(self) -> None:
        self._held: _Held = {}

    def hold(self, key: Hashable) -> KeyedLock:
        """Return a context manager that holds the lock of `key`."""
        return KeyedLock(self._held, key)


class KeyedLock:
    """The context manager of one lock; an async generator would cost nine times as much."""

    __slots__ = ("_held", "_key")

    def __init__(self, held: _Held, key: Hashable) -> None:
        self._held = held
        self._key = key

    async def __aenter__(self) -> None:
        while self._key in self._held:
            released = self._held[self._key]
            if released is None:
                released = self._held[self._key] = asyncio.Event()
            await released.wait()
        self._held[self._key] = None

    async def __aexit__(self, *_error: object) -> None:
        released = self._held.pop(self._key)
        if released is not None:
            released.set()

"""Locks by key: one after the other, where two would be in each other's way."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

# What is held, with an event where somebody waits for it.
_Held = dict[Hashable, asyncio.Event | None]


class KeyedLocks:
    """Locks that are there only while somebody holds them."""

    def __init__(self) -> None:
        self._held: _Held = {}

    def hold(self, key: Hashable) -> KeyedLock:
        """Return a block that waits until nobody else is in one with this key."""
        return KeyedLock(self._held, key)


class KeyedLock:
    """One block. It is a class, for an asynchronous generator costs nine times as much."""

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

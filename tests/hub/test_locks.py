"""Locks by key."""

from __future__ import annotations

import asyncio

import pytest

from app.hub.locks import KeyedLocks


async def test_one_key_is_held_by_one_at_a_time_and_others_by_others() -> None:
    locks = KeyedLocks()
    order: list[str] = []
    may_end = asyncio.Event()

    async def hold(name: str, key: str) -> None:
        async with locks.hold(key):
            order.append(f"{name} begins")
            await may_end.wait()
            order.append(f"{name} ends")

    async with asyncio.TaskGroup() as tasks:
        for name, key in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "x")):
            tasks.create_task(hold(name, key))
        await asyncio.sleep(0)
        assert order == ["a begins", "c begins"]
        may_end.set()
    assert [one for one in order if not one.startswith("c")] == [
        *("a begins", "a ends", "b begins", "b ends", "d begins", "d ends")
    ]


async def test_what_fails_or_gives_up_lets_the_next_in() -> None:
    locks = KeyedLocks()
    with pytest.raises(ValueError, match="in vain"):
        async with locks.hold("x"):
            raise ValueError("in vain")
    async with locks.hold("x"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), locks.hold("x"):
                pass
    async with locks.hold("x"):
        pass

"""Deadlines: what happens when one is missed, met, or cleared."""

from __future__ import annotations

import asyncio

from app.transport.deadlines import Deadlines
from tests.support.virtual_loop import run_virtually


def test_each_is_called_late_when_its_own_time_is_over() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        late: list[tuple[str, float]] = []
        deadlines: Deadlines[str] = Deadlines(10, lambda one: late.append((one, loop.time())))
        for one in "abcd":
            deadlines.add(one)
            await asyncio.sleep(1)
        deadlines.discard("b")
        deadlines.discard("nobody")
        await asyncio.sleep(20)
        assert [one for one, _at in late] == ["a", "c", "d"]
        assert all(
            due <= at < due + 0.1 for (_one, at), due in zip(late, (10, 12, 13), strict=True)
        )
        deadlines.add("e")
        await asyncio.sleep(11)
        assert late[-1][0] == "e"

    run_virtually(main)


def test_who_is_late_may_add_and_discard_others() -> None:
    async def main() -> None:
        late: list[str] = []

        def on_late(one: str) -> None:
            late.append(one)
            deadlines.discard("b")
            if len(late) < 3:
                deadlines.add("again")

        deadlines: Deadlines[str] = Deadlines(10, on_late)
        for one in "ab":
            deadlines.add(one)
        await asyncio.sleep(100)
        assert late == ["a", "b", "again"]

    run_virtually(main)


def test_after_clear_nothing_is_late() -> None:
    async def main() -> None:
        late: list[str] = []
        deadlines: Deadlines[str] = Deadlines(10, late.append)
        deadlines.add("a")
        deadlines.add("b")
        assert deadlines.clear() == ["a", "b"]
        assert deadlines.clear() == []
        await asyncio.sleep(100)
        assert late == []

    run_virtually(main)

"""The expiry of tokens: clients are disconnected when theirs expire, and not before."""

from __future__ import annotations

import asyncio

import uvloop

from app.requests.expiry import ExpiryTimer
from tests.support.clock import START
from tests.support.virtual_loop import run_virtually


class Unidentified:
    """A timer on the running loop's virtual time; notes who was sent away, and when.

    Args:
        slow: seconds by which the wall clock lags behind for each second of the loop.
    """

    def __init__(self, slow: float = 0) -> None:
        self._loop = asyncio.get_running_loop()
        self._speed = 1 - slow
        self.ended: list[tuple[str, float]] = []
        self.timer = ExpiryTimer(self.clock, self._end)

    def clock(self) -> float:
        return START + self._loop.time() * self._speed

    async def _end(self, sid: str) -> None:
        self.ended.append((sid, round(self.clock() - START, 2)))


def test_a_connection_ends_at_its_instant() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START + 60)
        await asyncio.sleep(59)
        assert door.ended == []
        await asyncio.sleep(2)
        assert door.ended == [("a", 60)]

    run_virtually(main)


def test_each_connection_has_its_own_instant() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("late", START + 60)
        door.timer.set("early", START + 30)
        await asyncio.sleep(100)
        assert door.ended == [("early", 30), ("late", 60)]

    run_virtually(main)


def test_an_instant_that_has_passed_ends_it_at_once() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START - 60)
        door.timer.set("b", START)
        assert door.ended == []  # not while somebody is still at work with it
        await asyncio.sleep(0.001)
        assert door.ended == [("a", 0), ("b", 0)]

    run_virtually(main)


def test_a_fresh_token_moves_the_instant() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START + 60)
        await asyncio.sleep(59)
        door.timer.set("a", START + 600)
        await asyncio.sleep(1000)
        assert door.ended == [("a", 600)]

    run_virtually(main)


def test_a_shorter_token_moves_it_too() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START + 600)
        door.timer.set("a", START + 60)
        await asyncio.sleep(1000)
        assert door.ended == [("a", 60)]

    run_virtually(main)


def test_a_token_that_does_not_end_keeps_the_connection() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START + 60)
        door.timer.set("a", None)
        door.timer.set("b", None)
        await asyncio.sleep(1e6)
        assert door.ended == []

    run_virtually(main)


def test_a_connection_that_is_gone_is_forgotten() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START + 60)
        door.timer.cancel("a")
        door.timer.cancel("a")
        door.timer.cancel("never there")
        await asyncio.sleep(100)
        assert door.ended == []

    run_virtually(main)


def test_a_connection_that_has_ended_can_be_forgotten() -> None:
    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START + 60)
        await asyncio.sleep(100)
        door.timer.cancel("a")
        assert door.ended == [("a", 60)]

    run_virtually(main)


def test_a_token_of_years_is_waited_for() -> None:
    years = 3 * 365 * 86_400

    async def main() -> None:
        door = Unidentified()
        door.timer.set("a", START + years)
        await asyncio.sleep(years - 1)
        assert door.ended == []
        await asyncio.sleep(2)
        assert door.ended == [("a", years)]

    run_virtually(main)


def test_a_token_until_the_end_of_days_is_no_problem() -> None:
    """The loop that the server runs on counts milliseconds in 64 bits."""

    async def main() -> None:
        ended: asyncio.Queue[str] = asyncio.Queue()

        timer = ExpiryTimer(lambda: START, ended.put)
        for sid, expires_at in (("a", 1e20), ("b", float("inf")), ("c", START)):
            timer.set(sid, expires_at)
        assert await ended.get() == "c"
        timer.cancel("a")
        timer.cancel("b")
        assert ended.empty()

    uvloop.run(main())


def test_it_is_the_wall_clock_that_counts() -> None:
    """The loop's own clock may run faster: then the timer wakes too early, and waits again."""

    async def main() -> None:
        door = Unidentified(slow=0.25)
        door.timer.set("a", START + 60)
        await asyncio.sleep(79)
        assert door.ended == []
        await asyncio.sleep(2)
        assert door.ended == [("a", 60)]

    run_virtually(main)

"""Tasks of one owner: what fails in one is logged, and none outlives its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from app.core.errors import Unavailable
from app.hub.roster import Roster
from app.requests.expiry import ExpiryTimer
from app.tasks import Tasks
from tests.fixtures.logs import Logs
from tests.support.ready import until


async def fail(error: BaseException) -> None:
    raise error


async def for_ever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


async def test_what_fails_is_logged_once_with_its_subject(logs: Logs) -> None:
    tasks = Tasks("the test")
    tasks.add(fail(KeyError("a mistake")))
    tasks.add(fail(Unavailable()))  # handled by whoever awaits it
    await tasks.finish(10)
    [line] = logs.lines
    assert (line["event"], line["subject"]) == ("a task failed", "the test")
    assert "a mistake" in line["exception"]


async def test_they_are_waited_for_also_those_that_are_added_meanwhile() -> None:
    tasks, done = Tasks("the test"), list[int]()

    async def count(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)
        if number:
            tasks.add(count(number - 1))

    tasks.add(count(3))
    await tasks.finish(10)
    assert (done, len(tasks)) == ([3, 2, 1, 0], 0)


async def test_what_is_late_is_cancelled() -> None:
    tasks, ended = Tasks("the test"), list[str]()
    tasks.add(for_ever(ended))
    await asyncio.sleep(0)
    await tasks.finish(0)
    assert (ended, len(tasks)) == (["ended"], 0)


async def test_what_swallows_its_cancellation_is_cancelled_again() -> None:
    tasks, swallowed = Tasks("the test"), list[int]()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.append(1)
        await asyncio.Event().wait()

    tasks.add(stubborn())
    await asyncio.sleep(0)
    await tasks.cancel()
    assert (swallowed, len(tasks)) == ([1], 0)


async def test_what_is_done_elsewhere_is_waited_for() -> None:
    tasks = Tasks("the test")
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    tasks.keep(future)
    asyncio.get_running_loop().call_soon(future.set_result, None)
    await tasks.finish(10)
    assert future.done()


async def test_something_is_done_again_and_again() -> None:
    tasks, times, enough = Tasks("the test"), list[int](), asyncio.Event()

    def work() -> None:
        times.append(1)
        if len(times) == 3:
            enough.set()

    tasks.every(0.001, work)
    await asyncio.wait_for(enough.wait(), 10)
    await tasks.cancel()


async def test_a_connection_that_can_not_be_closed_at_its_tokens_end_is_logged(logs: Logs) -> None:
    timer: ExpiryTimer[str] = ExpiryTimer(lambda: 100.0, lambda _one: fail(KeyError("a mistake")))
    timer.set("sid", 99.0)
    await until(lambda: bool(logs.lines))
    assert logs.lines[0]["subject"] == "expiry of tokens"


class Broken:
    """A queue of statuses that is wrong in a way that nobody thought of."""

    async def add(self, *_: Any) -> None:
        raise KeyError("a mistake")

    def __getattr__(self, _name: str) -> Any:
        def do(*_: Any) -> Coroutine[Any, Any, None]:
            return self.add()

        return do


async def test_a_status_that_can_not_be_added_to_the_queue_is_logged(logs: Logs) -> None:
    broken: Any = Broken()
    roster = Roster(broken, broken, broken)
    roster.start()
    roster._tasks.add(roster._note_due(pytest.__name__))  # type: ignore[arg-type]
    await until(lambda: bool(logs.lines))
    assert logs.lines[0]["subject"] == "circle_status"
    await roster.close()

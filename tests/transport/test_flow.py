"""The receive queue, and the grace for unsent bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.transport.flow import HIGH_WATERMARK, ReceiveQueue, grace


@pytest.fixture
def queue() -> ReceiveQueue:
    """A queue that is full."""
    queue = ReceiveQueue()
    for number in range(HIGH_WATERMARK):
        assert not queue.full
        queue.add(str(number))
    return queue


def test_the_oldest_message_comes_first(queue: ReceiveQueue) -> None:
    assert [queue.pop() for _number in range(2)] == ["0", "1"]
    assert len(queue) == HIGH_WATERMARK - 2


async def test_nobody_waits_for_room_that_is_there() -> None:
    await ReceiveQueue().until_room()


@pytest.mark.parametrize("make_room", [ReceiveQueue.pop, ReceiveQueue.clear])
async def test_all_who_wait_for_room_go_on_when_there_is_some(
    queue: ReceiveQueue, make_room: Callable[[ReceiveQueue], object]
) -> None:
    waiting = [asyncio.ensure_future(queue.until_room()) for _waiter in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    make_room(queue)
    await asyncio.gather(*waiting)


async def test_who_gives_up_leaves_the_others_waiting(queue: ReceiveQueue) -> None:
    gives_up, waits = (asyncio.ensure_future(queue.until_room()) for _waiter in range(2))
    await asyncio.sleep(0)
    gives_up.cancel()
    await asyncio.sleep(0)
    queue.pop()
    await waits
    assert gives_up.cancelled()


@pytest.mark.parametrize(
    ("unsent", "allowed"), [(101, 102), (150, 200), (200, 300), (1000, 1100), (5000, 5100)]
)
def test_as_many_bytes_as_went_over_the_limit_may_follow(unsent: int, allowed: int) -> None:
    assert grace(unsent, 100) == allowed

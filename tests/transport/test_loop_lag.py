"""How late the event loop is, by a clock that passes at once."""

from __future__ import annotations

import asyncio

import pytest

from app.transport.loop_lag import WINDOW_SECONDS, LoopLag
from tests.support.virtual_loop import VirtualLoop, run_virtually


def test_the_worst_of_late_is_told() -> None:
    run_virtually(_stand_still)


async def _stand_still() -> None:
    loop, lag = asyncio.get_running_loop(), LoopLag()
    assert isinstance(loop, VirtualLoop)
    lag.start()
    await asyncio.sleep(1)
    assert lag.seconds < 0.01
    loop.stand_still(3)
    await asyncio.sleep(1)
    assert lag.seconds == pytest.approx(3, abs=0.2)
    await asyncio.sleep(2 * WINDOW_SECONDS + 1)
    assert lag.seconds < 0.01
    lag.stop()

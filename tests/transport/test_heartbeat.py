"""Pings at their times, by a clock that passes at once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from app.core.closing import Closing
from app.transport.frames import TEXT, encode
from app.transport.heartbeat import Heartbeat
from tests.support.transport import RecordingConnection
from tests.support.virtual_loop import VirtualLoop, run_virtually

INTERVAL, TIMEOUT = 25.0, 20.0
CLOSE_TO = 0.05  # seconds by which the timer may be late
PING = encode(TEXT, b"2")


class Beats:
    """A heart, and when it pinged and closed whom."""

    def __init__(self, interval: float = INTERVAL, timeout: float = TIMEOUT) -> None:
        self.heartbeat = Heartbeat(interval, timeout)
        self.pings: dict[str, list[float]] = {}
        self.ends: dict[str, float] = {}

    def add(
        self, sid: str = "a", *, answers: Callable[[], bool] = lambda: False
    ) -> RecordingConnection:
        """Watch a connection that answers its pings, or not."""
        connection = _Ending(self, sid)
        self.pings[sid] = []

        def write(data: bytes) -> None:
            assert data == PING
            self.pings[sid].append(now())
            if answers():
                asyncio.get_running_loop().call_soon(self.heartbeat.on_pong, connection)

        connection.write = write
        self.heartbeat.add(connection)
        return connection


class _Ending(RecordingConnection):
    def __init__(self, beats: Beats, sid: str) -> None:
        super().__init__(sid)
        self._beats = beats

    def close(self, closing: Closing) -> None:
        super().close(closing)
        assert closing is Closing.PING_TIMEOUT
        self._beats.ends[self.sid] = now()


def now() -> float:
    return asyncio.get_running_loop().time()


def about(*times: float) -> list[Any]:
    return [pytest.approx(time, abs=CLOSE_TO) for time in times]


Main = Callable[[], Coroutine[Any, Any, None]]


def virtually(main: Main) -> Callable[[], None]:
    """Run a test on a virtual loop."""

    def run() -> None:
        run_virtually(main)

    run.__name__ = main.__name__
    run.__doc__ = main.__doc__
    return run


@virtually
async def test_who_answers_is_pinged_for_ever() -> None:
    beats = Beats()
    beats.add(answers=lambda: True)
    await asyncio.sleep(101)
    assert beats.pings["a"] == about(25, 50, 75, 100)
    assert beats.ends == {}


@virtually
async def test_pings_may_come_faster_than_answers_must() -> None:
    beats = Beats(interval=5, timeout=20)
    beats.add(answers=lambda: True)
    await asyncio.sleep(21)
    assert beats.pings["a"] == about(5, 10, 15, 20)


@virtually
async def test_who_does_not_answer_is_closed_when_the_time_is_over() -> None:
    beats = Beats()
    beats.add()
    await asyncio.sleep(100)
    assert beats.pings["a"] == about(25)
    assert beats.ends == {"a": about(45)[0]}


@virtually
async def test_who_stops_to_answer_is_closed_after_its_last_ping() -> None:
    beats = Beats()
    beats.add(answers=lambda: now() < 60)
    await asyncio.sleep(200)
    assert beats.pings["a"] == about(25, 50, 75)
    assert beats.ends == {"a": about(95)[0]}


@virtually
async def test_each_connection_has_times_of_its_own() -> None:
    beats = Beats()
    beats.add("a")
    await asyncio.sleep(10)
    beats.add("b", answers=lambda: True)
    await asyncio.sleep(10)
    beats.add("c")
    await asyncio.sleep(50)
    assert beats.pings == {"a": about(25), "b": about(35, 60), "c": about(45)}
    assert beats.ends == {"a": about(45)[0], "c": about(65)[0]}


@virtually
async def test_an_answer_that_nothing_asked_for_changes_nothing() -> None:
    beats = Beats()
    connection = beats.add()
    await asyncio.sleep(24)
    for _time in range(3):
        beats.heartbeat.on_pong(connection)
    await asyncio.sleep(2)
    assert beats.pings["a"] == about(25)
    await asyncio.sleep(18)
    beats.heartbeat.on_pong(connection)
    beats.heartbeat.on_pong(connection)
    await asyncio.sleep(24)
    assert beats.pings["a"] == about(25)
    await asyncio.sleep(2)
    assert beats.pings["a"] == about(25, 69)


@virtually
async def test_who_is_gone_is_left_alone() -> None:
    beats = Beats()
    connection = beats.add()
    await asyncio.sleep(20)
    beats.heartbeat.discard(connection)
    beats.heartbeat.discard(connection)
    await asyncio.sleep(100)
    assert (beats.pings["a"], beats.ends) == ([], {})


@virtually
async def test_who_is_gone_while_it_was_to_answer_is_left_alone() -> None:
    beats = Beats()
    connection = beats.add()
    await asyncio.sleep(30)
    beats.heartbeat.discard(connection)
    await asyncio.sleep(100)
    assert (beats.pings["a"], beats.ends) == (about(25), {})


@virtually
async def test_it_is_overdue_as_soon_as_its_time_is_over_whenever_the_timer_comes() -> None:
    beats = Beats()
    beats.add("a")
    await asyncio.sleep(0.003)
    late = beats.add("b")  # due so soon behind the other that the timer comes later
    await asyncio.sleep(44.999 - now())
    assert not beats.heartbeat.overdue(late)
    await asyncio.sleep(45.004 - now())
    assert beats.heartbeat.overdue(late)
    assert list(beats.ends) == ["a"]


@virtually
async def test_intervals_below_a_second_are_kept() -> None:
    beats = Beats(0.3, 0.2)
    beats.add("a", answers=lambda: True)
    beats.add("b")
    await asyncio.sleep(1)
    assert beats.pings == {"a": about(0.3, 0.6, 0.9), "b": about(0.3)}
    assert beats.ends == {"b": about(0.5)[0]}


@virtually
async def test_one_timer_does_for_all() -> None:
    beats = Beats()
    loop: Any = asyncio.get_running_loop()
    before = len(loop._scheduled)
    for number in range(100):
        beats.add(str(number), answers=lambda: True)
    assert len(loop._scheduled) == before + 1
    await asyncio.sleep(60)
    assert all(times == about(25, 50) for times in beats.pings.values())


@virtually
async def test_nobody_is_pinged_after_the_end() -> None:
    beats = Beats()
    beats.add("a")
    await asyncio.sleep(10)
    beats.add("b")
    await asyncio.sleep(20)
    beats.heartbeat.stop()
    await asyncio.sleep(100)
    assert (beats.pings, beats.ends) == ({"a": about(25), "b": []}, {})


@virtually
async def test_who_is_not_read_is_not_judged() -> None:
    beats = Beats()
    connection = beats.add()
    connection.socket.pause_reading()
    await asyncio.sleep(100)
    assert beats.ends == {}
    connection.socket.resume_reading()
    await asyncio.sleep(100)
    assert beats.ends == {"a": about(105)[0]}


@virtually
async def test_nobody_answers_for_the_time_for_which_the_process_stood_still() -> None:
    beats = Beats()
    beats.add("dead")
    beats.add("alive", answers=lambda: True)
    await asyncio.sleep(30)
    stand_still(300)
    await asyncio.sleep(0.9)  # time to read what has arrived
    assert beats.ends == {}
    await asyncio.sleep(50)
    assert beats.ends == {"dead": about(331)[0]}
    assert beats.pings["alive"] == about(25, 336, 361)


def stand_still(seconds: float) -> None:
    """Stop the process, as SIGSTOP does: timers come late."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.stand_still(seconds)


@virtually
async def test_a_connection_that_is_gone_is_not_kept_until_its_next_ping() -> None:
    heartbeat = Heartbeat(INTERVAL, TIMEOUT)
    connections: list[RecordingConnection] = []
    for sid in ("closed", "has answered before"):
        connections.append(RecordingConnection(sid))
        heartbeat.add(connections[-1])
    await asyncio.sleep(INTERVAL + 1)
    heartbeat.on_pong(connections[-1])
    while connections:
        heartbeat.discard(connections[-1])
        kept_by = gc.get_referrers(connections.pop())
        assert not [one for one in kept_by if type(one).__module__ == Heartbeat.__module__]

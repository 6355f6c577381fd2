"""What handlers do: begun at once where that is allowed, in turn, looked after, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

from app.core.closing import Closing
from app.transport.flow import ProtocolError
from app.transport.work import Work
from tests.fixtures.logs import Logs
from tests.support.transport import RecordingConnection

MANY = 5000  # more than Python's stack is deep
Handle = Callable[[str], Awaitable[None]]


class Beginning(RecordingConnection):
    """Begins the work of each message at once, as servers do for our own namespaces."""

    def __init__(self, handle: Handle) -> None:
        super().__init__()
        self.work = Work()
        self._handler = handle

    def _handle(self, message: str | bytes) -> None:
        super()._handle(message)
        self.work.begin(self, self._handler(str(message)))


def from_the_loop(function: Callable[[], object]) -> asyncio.Future[None]:
    """Call `function` as the event loop calls protocols: without a current task."""
    done = asyncio.get_running_loop().create_future()

    def call() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - the test's to see
            done.set_exception(error)
        else:
            done.set_result(None)

    asyncio.get_running_loop().call_soon(call)
    return done


async def nothing() -> None: ...


def begin(work: Awaitable[Any], connection: RecordingConnection | None = None) -> tuple[Work, Any]:
    """Return a call that begins `work`, and where."""
    all_work = Work()
    return all_work, lambda: all_work.begin(connection or RecordingConnection(), work)


async def test_what_waits_for_nothing_is_done_at_once_and_without_a_task() -> None:
    tasks: list[object] = []

    async def note() -> None:
        await nothing()
        tasks.append(asyncio.current_task())

    connection = RecordingConnection()
    work, call = begin(note(), connection)

    def check() -> None:
        call()
        assert tasks == [None]
        assert not work._tasks
        connection.receive("next")
        assert connection.messages == ["next"]

    await from_the_loop(check)


async def test_what_waits_goes_on_in_a_task_and_the_next_message_waits_for_it() -> None:
    gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    seen: list[str] = []

    async def handle(packet: str) -> None:
        seen.append(f"begins {packet}")
        if packet == "a":
            seen.append(await gate)
            async with asyncio.timeout(30):  # there is a task from here on
                await asyncio.sleep(0)
        seen.append(f"ends {packet}")

    connection = Beginning(handle)
    await from_the_loop(lambda: connection.receive("a", "b", "c"))
    assert seen == ["begins a"]
    gate.set_result("opened")
    await connection.work.finish(10)
    assert seen == [*("begins a", "opened", "ends a", "begins b", "ends b", "begins c", "ends c")]


async def test_messages_that_waited_are_handled_one_after_the_other_not_one_in_the_other() -> None:
    seen: list[str] = []

    async def handle(packet: str) -> None:
        seen.append(packet)

    connection = Beginning(handle)
    connection.hold_requests()
    sent = [f"42{number}" for number in range(MANY)]
    for packet in sent:
        connection.receive(packet)
    await from_the_loop(connection.go_on)
    assert seen == sent


async def test_within_a_task_it_gets_a_task_of_its_own() -> None:
    tasks: list[object] = []

    async def note() -> None:
        tasks.append(asyncio.current_task())

    work, call = begin(note())
    call()
    assert tasks == []
    await work.finish(10)
    assert tasks != [None]
    assert tasks != [asyncio.current_task()]


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_what_fails_is_logged_once_and_the_next_message_is_handled(
    logs: Logs, steps: int
) -> None:
    seen: list[str] = []

    async def handle(packet: str) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        seen.append(packet)
        if packet == "a":
            raise RuntimeError("a bug")

    connection = Beginning(handle)
    await from_the_loop(lambda: connection.receive("a", "b"))
    await connection.work.finish(10)
    assert seen == ["a", "b"]
    assert logs.events() == logs.tracebacks() == ["a handler failed"]
    assert not connection.closed


@pytest.mark.parametrize("steps", [0, 1])
async def test_who_breaks_the_protocol_is_closed(steps: int) -> None:
    async def handle(_packet: str) -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise ProtocolError("not like this")

    connection = Beginning(handle)
    await from_the_loop(lambda: connection.receive("a", "b"))
    await connection.work.finish(10)
    assert (connection.messages, connection.closings) == (["a"], [Closing.TRANSPORT_ERROR])


async def test_it_has_a_context_of_its_own_in_all_its_steps() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")
    seen: list[str] = []

    async def work_with_it() -> None:
        token = variable.set("inside")
        await asyncio.sleep(0)
        seen.append(variable.get())
        variable.reset(token)
        seen.append(variable.get())

    work, call = begin(work_with_it())

    def check() -> None:
        call()
        assert variable.get() == "outside"

    await from_the_loop(check)
    await work.finish(10)
    assert seen == ["inside", "outside"]


@pytest.mark.parametrize("turns", [0, 1, 2])
async def test_the_end_cancels_what_has_begun_wherever_it_waits(turns: int, logs: Logs) -> None:
    ended: list[str] = []

    async def wait_for_ever() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    work, call = begin(wait_for_ever())

    def begin_and_cancel() -> None:
        call()
        if turns == 0:  # before its task has had a turn
            for task in work._tasks._tasks:
                task.cancel()

    await from_the_loop(begin_and_cancel)
    for _ in range(turns):
        await asyncio.sleep(0)
    await work.finish(0)
    assert ended == ["cancelled"]
    assert logs.events() == []


async def test_a_cancellation_within_the_first_step_ends_nothing_else() -> None:
    async def give_up() -> None:
        raise asyncio.CancelledError

    connection = RecordingConnection()
    _work, call = begin(give_up(), connection)
    await from_the_loop(call)
    connection.receive("next")
    assert connection.messages == ["next"]

"""What handlers do that takes time: tasks that are kept, looked after, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, Final

import structlog

from app.tasks import Tasks
from app.transport.connection import Connection
from app.transport.flow import ProtocolError

log = structlog.get_logger("hearth.realtime")

_TAKEN: Final = object()


class Work:
    """The tasks of a server. What fails in one is logged once, and ends nothing else."""

    def __init__(self) -> None:
        self._tasks = Tasks("handlers")
        self._loop: asyncio.AbstractEventLoop | None = None

    def spawn(self, work: Awaitable[Any]) -> None:
        """Do something beside all else."""
        self._tasks.add(_guarded(work))

    def run(self, connection: Connection, work: Awaitable[Any]) -> None:
        """Do something that a connection's next event is to wait for."""
        connection.hold_requests()
        self._keep_in_turn(connection, _in_turn(connection, work), copy_context())

    def begin(self, connection: Connection, work: Awaitable[Any]) -> None:
        """Do as `run` does, but at once, up to the first thing that it has to wait for.

        Most of what our own namespaces do waits for nothing, and so needs no task. Until `work`
        waits it has none, and so can't use `asyncio.timeout`: nothing for others' handlers.
        """
        connection.hold_requests()
        steps, context = _in_turn(connection, work), copy_context()
        # To find the running loop takes a system call (`getpid`), each time.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        if asyncio.current_task(loop) is not None:
            # What `work` does with its task, it would do with this one.
            self._keep_in_turn(connection, steps, context)
            return
        try:
            waits_for = context.run(steps.send, None)
        except (StopIteration, asyncio.CancelledError):
            # Who has handed in this event goes on with the next: no recursion where many wait.
            connection.release_requests()
        else:
            self._keep_in_turn(connection, _Begun(steps, waits_for), context)

    def keep(
        self, future: asyncio.Future[Any], on_done: Callable[[asyncio.Future[Any]], None]
    ) -> None:
        """Let what is done elsewhere end too before the server does."""
        self._tasks.keep(future)
        future.add_done_callback(on_done)

    async def finish(self, seconds: float) -> None:
        """Let what is at work end; cancel what hasn't after so many seconds."""
        await self._tasks.finish(seconds)

    def _keep_in_turn(
        self, connection: Connection, work: Coroutine[Any, Any, None], context: Context
    ) -> None:
        self._tasks.add(work, context).add_done_callback(lambda _task: connection.go_on())


class _Begun(Coroutine[Any, Any, None]):
    """A coroutine that has taken its first step, for a task that is to take the others.

    Args:
        waits_for: what the first step yielded: usually a future.
    """

    __slots__ = ("_steps", "_waits_for")

    def __init__(self, steps: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._steps = steps
        self._waits_for = waits_for

    def send(self, value: Any) -> Any:
        if self._waits_for is _TAKEN:
            return self._steps.send(value)
        waits_for, self._waits_for = self._waits_for, _TAKEN
        return waits_for

    def throw(self, *error: Any) -> Any:
        # Also before `send`: a task that is cancelled at once ends what has begun.
        self._waits_for = _TAKEN
        return self._steps.throw(*error)

    def close(self) -> None:
        self._steps.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise NotImplementedError("for a task only")


async def _guarded(work: Awaitable[Any]) -> None:
    try:
        await work
    except Exception:
        log.exception("a handler failed")


async def _in_turn(connection: Connection, work: Awaitable[Any]) -> None:
    try:
        await work
    except ProtocolError as error:
        connection.fail(error)
    except Exception:
        log.exception("a handler failed")

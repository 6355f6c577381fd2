"""The work of handlers: coroutines that run at once or as tasks, in the order of requests."""

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
    """The tasks of a server's handlers. A failure is logged once, and stops nothing else."""

    def __init__(self) -> None:
        self._tasks = Tasks("handlers")
        self._loop: asyncio.AbstractEventLoop | None = None

    def spawn(self, work: Awaitable[Any]) -> None:
        """Run `work` as a task, in no order with anything else."""
        self._tasks.add(_guarded(work))

    def run(self, connection: Connection, work: Awaitable[Any]) -> None:
        """Run `work` as a task that the next request of the connection waits for."""
        connection.hold_requests()
        self._keep_in_turn(connection, _in_turn(connection, work), copy_context())

    def begin(self, connection: Connection, work: Awaitable[Any]) -> None:
        """Run `work` as `run` does, but start it in this call, up to its first wait.

        Most handlers of our own namespaces wait for nothing, and so need no task. Up to its first
        wait `work` has no task, so `asyncio.timeout` fails there: unfit for applications' handlers.
        """
        connection.hold_requests()
        steps, context = _in_turn(connection, work), copy_context()
        # To find the running loop takes a system call (`getpid`), each time.
        loop = self._loop = self._loop or asyncio.get_running_loop()
        if asyncio.current_task(loop) is not None:
            # `work` would take the current task for its own, and might cancel it.
            self._keep_in_turn(connection, steps, context)
            return
        try:
            waits_for = context.run(steps.send, None)
        except (StopIteration, asyncio.CancelledError):
            # Not `go_on`: the caller handles the next message, without recursion.
            connection.release_requests()
        else:
            self._keep_in_turn(connection, _Begun(steps, waits_for), context)

    def keep(
        self, future: asyncio.Future[Any], on_done: Callable[[asyncio.Future[Any]], None]
    ) -> None:
        """Have `finish` wait for a future too; call `on_done` when it is done."""
        self._tasks.keep(future)
        future.add_done_callback(on_done)

    async def finish(self, seconds: float) -> None:
        """Wait for all tasks; cancel those that aren't done after `seconds`."""
        await self._tasks.finish(seconds)

    def _keep_in_turn(
        self, connection: Connection, work: Coroutine[Any, Any, None], context: Context
    ) -> None:
        self._tasks.add(work, context).add_done_callback(lambda _task: connection.go_on())


class _Begun(Coroutine[Any, Any, None]):
    """A coroutine that has run up to its first wait, for a task that runs the rest.

    Args:
        waits_for: what it yielded there, usually a future: the task is to wait for it.
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
        # Also before `send`: a task may be cancelled before its first step.
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

"""Commands to Redis, pipelined: replies come in the order of the commands."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import hiredis
import structlog

from app.core.errors import Unavailable
from app.redis.clock import RedisClock
from app.redis.connector import Connector, Link
from app.redis.failures import ReadOnlyRedis
from app.redis.fitness import Fitness, is_read_only
from app.redis.format import FormatCheck
from app.redis.reconnecting import ReconnectingLink
from app.redis.replies import EXPECTED, NOT_ANSWERED, TEMPORARY, ReplyError
from app.redis.scripts import Script
from app.redis.window import Window

# A command without a reply for so long fails; until Redis replies again, further ones aren't sent.
ANSWER_SECONDS: Final = 2.0
# A connection without a reply for so long is dropped: it may be half open.
DROP_SECONDS: Final = 6.0
MOST_UNSENT_BYTES: Final = 64 * 1024 * 1024  # past that, commands fail at once
_WATCH_SECONDS: Final = 0.25
_TIME_SECONDS: Final = 1.0
_WARN_SECONDS: Final = 10.0
# A Redis that takes no writes is left at most so often: there may be no other.
_LEAVE_SECONDS: Final = 10.0
Argument = str | bytes | int | float
Read = TypeVar("Read")

log = structlog.get_logger("hearth.redis")


class Commands(ReconnectingLink):
    """The connection for commands.

    Args:
        drop_seconds: a connection without any reply for so long is dropped; it may be half open.
        check: looks whether what is there can be read.
        most_message_bytes: `MAX_MESSAGE_BYTES`, for which Redis is to be set up.
        lost: counts lost connections, by purpose.
        answer_seconds: how long Redis may take for an answer.
    """

    def __init__(
        self,
        connector: Connector,
        drop_seconds: float = DROP_SECONDS,
        check: FormatCheck | None = None,
        most_message_bytes: int = 1_000_000,
        lost: Counter[str] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        super().__init__(connector, "commands", lost)
        self._answer_seconds = answer_seconds
        self._check = check
        #: For commands that are larger than `SMALL_BYTES`.
        self.window = Window()
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._answering = True
        self._drop_seconds = drop_seconds
        self._clock = RedisClock()
        self._known: set[str] = set()  # digests of scripts that were run on this connection
        self._warned_at: dict[str, float] = {}
        self._fitness = Fitness(connector.host, most_message_bytes)
        self._asked_limits: asyncio.Future[Any] | None = None
        self._leave_at = 0.0  # when a Redis that takes no writes may be left
        self._watcher: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether Redis replies."""
        return self.link is not None and self._answering

    def deadline(self) -> int:
        """Return when a command that is sent now times out, in ms of Redis's own clock.

        Scripts refuse to run after it: a Redis that was frozen would otherwise run them after the
        sender was answered that nothing happened.

        Raises:
            Unavailable: Redis's clock isn't known.
        """
        now = asyncio.get_running_loop().time()
        return int((self._clock.at(now) + self._answer_seconds) * 1000)

    def send(self, *command: Argument) -> asyncio.Future[Any]:
        """Send a command, and return a future of the reply.

        The future fails with `Unavailable` if Redis doesn't reply in time or can't run the command
        at the moment, and with `ReplyError` if it refuses the command.

        Raises:
            Unavailable: nothing was sent.
        """
        link = self.link
        if link is None or not self._answering or link.unsent_bytes > MOST_UNSENT_BYTES:
            raise Unavailable
        return self._send(link, *command)

    def _send(self, link: Link, *command: Argument) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((loop.time(), future))
        link.send(*command)
        return future

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run a script, and return its reply. Raises as `send`'s future does."""
        # The first run on a connection sends the source: a run that had to be repeated after
        # NOSCRIPT would be overtaken by later ones.
        if script.sha in self._known:
            try:
                return await self.send("EVALSHA", script.sha, len(keys), *keys, *arguments)
            except ReplyError as error:
                if error.word != "NOSCRIPT":
                    raise
                self._known.discard(script.sha)
        reply = await self.send("EVAL", script.source, len(keys), *keys, *arguments)
        self._known.add(script.sha)
        return reply

    def begin(
        self,
        script: Script,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        read: Callable[[Any], Read],
    ) -> asyncio.Future[Read]:
        """Run a script ahead of everything that is sent later.

        If Redis has lost the script, it isn't repeated, for it would be overtaken: the future fails
        with `Unavailable`. Raises as `send`.

        Returns:
            A future of what `read` returns for the reply.
        """
        known = script.sha in self._known
        command = ("EVALSHA", script.sha) if known else ("EVAL", script.source)
        result: asyncio.Future[Read] = asyncio.get_running_loop().create_future()

        def on_reply(reply: asyncio.Future[Any]) -> None:
            error = reply.exception()
            if isinstance(error, ReplyError) and error.word == "NOSCRIPT":
                self._known.discard(script.sha)
                error = Unavailable()
            if result.done():
                return
            if error is not None:
                result.set_exception(error)
                return
            if not known:
                self._known.add(script.sha)
            try:
                result.set_result(read(reply.result()))
            except Exception as unreadable:  # noqa: BLE001 - whoever waits handles it
                result.set_exception(unreadable)

        self.send(*command, len(keys), *keys, *arguments).add_done_callback(on_reply)
        return result

    # The connection

    async def on_open(self, link: Link) -> None:
        self._waiting.clear()
        self._known.clear()
        link.on_congested = self.window.congest
        self.window.open()
        self._answering = True
        try:
            async with asyncio.timeout(self._answer_seconds):
                loop = asyncio.get_running_loop()
                sent_at = loop.time()
                self._clock.read(await self._send(link, "TIME"), sent_at, loop.time())
                if self._check is not None:
                    await self._check.look(partial(self._send, link))
        except (Unavailable, ReplyError) as error:
            raise ConnectionRefusedError("it refuses commands: see the line before") from error
        await self._look_at(link)
        self._watcher = self._tasks.add(self._watch())

    async def _look_at(self, link: Link) -> None:
        """Tell what is wrong with a Redis. Raises where it can't be written to."""
        with suppress(Unavailable, ReplyError):  # a right is missing, which is logged
            async with asyncio.timeout(self._answer_seconds):
                info = await self._send(link, "INFO")
            if is_read_only(info):
                raise ReadOnlyRedis
            self._fitness.on_info(info)
        # Few services give this right, and nothing is lost without it: then it isn't logged.
        self._asked_limits = self._send(link, "CONFIG", "GET", "client-output-buffer-limit")
        self._asked_limits.add_done_callback(self._fitness.on_limits_reply)

    def on_reply(self, reply: Any) -> None:
        if not self._waiting:  # unsolicited, such as `-ERR max number of clients reached`
            self.drop()
            return
        _sent_at, future = self._waiting.popleft()
        if not self._answering:
            self._answering = True
            self.window.open()
            log.info("Redis answers again", redis=self._connector.host)
        if future.done():
            return
        if not isinstance(reply, hiredis.ReplyError):
            future.set_result(reply)
            return
        error = ReplyError(str(reply))
        if future is not self._asked_limits:
            self._log_error(error)
        if error.word not in TEMPORARY:
            future.set_exception(error)
            return
        future.set_exception(Unavailable())
        now = future.get_loop().time()
        if error.word == "READONLY" and now >= self._leave_at:  # no longer the master
            self._leave_at = now + _LEAVE_SECONDS
            self.drop()

    def on_lost(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None
        self._fail_waiting()
        self._waiting.clear()
        self.window.close()
        self.window.congest(False)
        self._clock.forget()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        next_time_at = silent_since = 0.0
        oldest: object = None
        while True:
            slept_at = loop.time()
            await asyncio.sleep(_WATCH_SECONDS)
            now = loop.time()
            if now - slept_at > 2 * _WATCH_SECONDS:
                continue  # this process was suspended: first read what has arrived meanwhile
            if not self._waiting:
                silent_since = now
            elif oldest is not self._waiting[0]:  # else nothing was replied since the last look
                silent_since = max(self._waiting[0][0], slept_at)
            oldest = self._waiting[0] if self._waiting else None
            # Later ones have time left, in which Redis would still run them.
            self._fail_waiting(sent_before=now - self._answer_seconds)
            # That one is late says nothing of the others, as long as Redis replies to any.
            if now - silent_since > self._answer_seconds and self._answering:
                self._answering = False
                log.error("Redis does not answer", redis=self._connector.host)
                self.window.close()
            if now - silent_since > self._drop_seconds:
                self.drop()
            if self._answering and now >= next_time_at:
                next_time_at = now + _TIME_SECONDS
                self._request_time(now)

    def _request_time(self, now: float) -> None:
        clock = asyncio.get_running_loop().time
        self._ask("TIME", lambda time: self._clock.read(time, now, clock()))

    def look_for_cuts(self) -> None:
        """Tell whether Redis has cut subscribers: the connection for them was lost."""
        self._ask("INFO", self._fitness.on_info)

    def _ask(self, command: str, on_answer: Callable[[Any], object]) -> None:
        """Ask for what is as well known a little later."""

        def on_reply(reply: asyncio.Future[Any]) -> None:
            if reply.exception() is None:
                on_answer(reply.result())

        with suppress(Unavailable):
            self.send(command).add_done_callback(on_reply)

    def _log_error(self, error: ReplyError) -> None:
        now = asyncio.get_running_loop().time()
        if error.word in EXPECTED or now < self._warned_at.get(error.word, now):
            return
        self._warned_at[error.word] = now + _WARN_SECONDS
        reason = str(error).partition(", with args")[0][:200]  # arguments may be confidential
        log.warning("Redis refused a command", redis=self._connector.host, reason=reason)

    def _fail_waiting(self, sent_before: float = math.inf) -> None:
        for sent_at, future in self._waiting:
            if sent_at >= sent_before:
                break
            if not future.done():
                future.set_exception(Unavailable(NOT_ANSWERED))
                future.exception()  # marks it as retrieved: nobody may be waiting any more

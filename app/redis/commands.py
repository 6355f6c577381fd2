"""Commands to Redis, pipelined: replies come in the order of the commands."""

from __future__ import annotations

import asyncio
import math
import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import hiredis
import structlog

from app.core.errors import Internal, Unavailable
from app.redis.connector import Connector, Link
from app.redis.fitness import problems
from app.redis.reconnecting import ReconnectingLink
from app.redis.scripts import Script

# A command without a reply for so long fails; until Redis replies again, further ones aren't sent.
ANSWER_SECONDS: Final = 2.0
# A connection without a reply for so long is dropped: it may be half open.
DROP_SECONDS: Final = 6.0
# While more than this is unsent, commands fail at once.
MOST_UNSENT_BYTES: Final = 64 * 1024 * 1024
_WATCH_SECONDS: Final = 0.25
_TIME_SECONDS: Final = 1.0
_WARN_SECONDS: Final = 10.0
# Errors of a Redis that can't do its work at the moment; any other error is a defect of ours.
_TEMPORARY: Final = frozenset(
    {"LOADING", "READONLY", "OOM", "MASTERDOWN", "MISCONF", "BUSY", "NOREPLICAS", "CLUSTERDOWN"}
    | {"TRYAGAIN", "NOAUTH", "NOPERM", "LATE", "UNBLOCKED", "NOGOODSLAVE"}
)
# Errors that are part of normal operation, and aren't logged.
_EXPECTED: Final = frozenset({"NOSCRIPT", "FENCED", "LATE"})

Argument = str | bytes | int | float
Read = TypeVar("Read")

log = structlog.get_logger("hearth.redis")


class ReplyError(Internal):
    """Redis refused a command; `word` is the first of its error, which no client is sent.

    Redis before 7 wraps the errors of commands in scripts: `ERR Error running script (call to f_…):
    @user_script:1: @user_script: 1: -OOM command not allowed …`.
    """

    def __init__(self, message: str) -> None:
        super().__init__()
        self.reply = message
        self.word = message.partition(" ")[0]
        if "The user executing the script can't run this command" in message:
            self.word = "NOPERM"
        elif wrapped := re.match(r"ERR Error running script .*? -?([A-Z]{3,}) ", message):
            self.word = wrapped[1]

    def __str__(self) -> str:
        return self.reply


class Commands(ReconnectingLink):
    """The connection for commands.

    Args:
        drop_seconds: a connection without any reply for so long is dropped; it may be half open.
    """

    def __init__(self, connector: Connector, drop_seconds: float = DROP_SECONDS) -> None:
        super().__init__(connector, "commands")
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._answering = True
        self._drop_seconds = drop_seconds
        self._clock_offset: float | None = None  # Redis's clock minus the loop's, in seconds
        self._known: set[str] = set()  # digests of scripts that were run on this connection
        self._warned_at: dict[str, float] = {}
        self._problems: set[str] = set()  # that were told
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
        if self._clock_offset is None:
            raise Unavailable
        now = asyncio.get_running_loop().time()
        return int((now + self._clock_offset + ANSWER_SECONDS) * 1000)

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
            except Exception as unreadable:
                log.exception("could not read a reply of Redis")
                result.set_exception(unreadable)

        self.send(*command, len(keys), *keys, *arguments).add_done_callback(on_reply)
        return result

    # The connection

    async def on_open(self, link: Link) -> None:
        self._waiting.clear()
        self._known.clear()
        self._answering = True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                sent_at = asyncio.get_running_loop().time()
                self._on_time(sent_at, await self._send(link, "TIME"))
        except (Unavailable, ReplyError) as error:
            raise ConnectionRefusedError("it refuses commands: see the line before") from error
        self._send(link, "INFO").add_done_callback(self._check_fitness)
        self._watcher = self._tasks.add(self._watch())

    def on_reply(self, reply: Any) -> None:
        if not self._waiting:  # unsolicited, such as `-ERR max number of clients reached`
            self.drop()
            return
        _sent_at, future = self._waiting.popleft()
        if not self._answering:
            self._answering = True
            log.info("Redis answers again", redis=self._connector.host)
        if future.done():
            return
        if not isinstance(reply, hiredis.ReplyError):
            future.set_result(reply)
            return
        error = ReplyError(str(reply))
        self._log_error(error)
        if error.word not in _TEMPORARY:
            future.set_exception(error)
            return
        future.set_exception(Unavailable())
        if error.word == "READONLY":  # no longer the master
            self.drop()

    def on_lost(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None
        self._fail_waiting()
        self._waiting.clear()
        self._clock_offset = None

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        next_time_at = 0.0
        while True:
            slept_at = loop.time()
            await asyncio.sleep(_WATCH_SECONDS)
            now = loop.time()
            if now - slept_at > 2 * _WATCH_SECONDS:
                continue  # this process was suspended: first read what has arrived meanwhile
            silent_since = self._waiting[0][0] if self._waiting else now
            if now - silent_since > ANSWER_SECONDS:
                if self._answering:
                    self._answering = False
                    log.error("Redis does not answer", redis=self._connector.host)
                # Later ones have time left, in which Redis would still run them.
                self._fail_waiting(sent_before=now - ANSWER_SECONDS)
            if now - silent_since > self._drop_seconds:
                self.drop()
            if self._answering and now >= next_time_at:
                next_time_at = now + _TIME_SECONDS
                self._request_time(now)

    def _request_time(self, now: float) -> None:
        def on_reply(reply: asyncio.Future[Any]) -> None:
            if reply.exception() is None:
                self._on_time(now, reply.result())

        with suppress(Unavailable):
            self.send("TIME").add_done_callback(on_reply)

    def _on_time(self, sent_at: float, reply: list[bytes]) -> None:
        # Redis read its clock between sending and now, which bounds the offset; a slow reply
        # bounds it loosely. Of what is possible the least is used: a deadline may be early, but
        # never late.
        at = int(reply[0]) + int(reply[1]) / 1_000_000
        least, most = at - asyncio.get_running_loop().time(), at - sent_at
        before = self._clock_offset
        self._clock_offset = least if before is None else max(least, min(before, most))

    def _check_fitness(self, info: asyncio.Future[bytes]) -> None:
        if info.cancelled() or info.exception() is not None:
            return  # a right is missing, which is logged, or the connection was lost
        for problem in problems(info.result()):
            if problem not in self._problems:
                self._problems.add(problem)
                log.warning(
                    "Redis is not set up as it should be",
                    redis=self._connector.host,
                    reason=problem,
                )

    def _log_error(self, error: ReplyError) -> None:
        now = asyncio.get_running_loop().time()
        if error.word in _EXPECTED or now < self._warned_at.get(error.word, now):
            return
        self._warned_at[error.word] = now + _WARN_SECONDS
        reason = str(error).partition(", with args")[0][:200]  # arguments may be confidential
        log.warning("Redis refused a command", redis=self._connector.host, reason=reason)

    def _fail_waiting(self, sent_before: float = math.inf) -> None:
        for sent_at, future in self._waiting:
            if sent_at >= sent_before:
                break
            if not future.done():
                future.set_exception(
                    Unavailable(
                        "The broker did not answer in time. The message may have been published: "
                        "repeat it with the same nonce."
                    )
                )
                future.exception()  # marks it as retrieved: nobody may be waiting any more

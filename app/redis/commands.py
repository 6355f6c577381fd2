"""Ask Redis things: replies come in the order of the commands, so none waits for another."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import hiredis
import structlog

from app.core.errors import Unavailable
from app.redis.connector import Connector, Link
from app.redis.reconnecting import ReconnectingLink
from app.redis.scripts import Script

# A command that has waited so long is given up, and so are all others until Redis answers again.
ANSWER_SECONDS: Final = 2.0
# A connection on which nothing was answered for so long is dropped: it may be half open.
DROP_SECONDS: Final = 6.0
# More than this is not left waiting in memory for a Redis that doesn't take it.
MOST_UNSENT_BYTES: Final = 64 * 1024 * 1024
_SWEEP_SECONDS: Final = 0.25
_ASK_TIME_SECONDS: Final = 1.0
_WARN_SECONDS: Final = 10.0
# What Redis says while it can't do its work; anything else would be a mistake of ours.
_NOT_NOW: Final = frozenset(
    {"LOADING", "READONLY", "OOM", "MASTERDOWN", "MISCONF", "BUSY", "NOREPLICAS", "CLUSTERDOWN"}
    | {"TRYAGAIN", "NOAUTH", "NOPERM", "LATE", "UNBLOCKED", "NOGOODSLAVE"}
)
# Part of the game: nobody needs to be warned of these.
_EXPECTED: Final = frozenset({"NOSCRIPT", "FENCED", "LATE"})

Argument = str | bytes | int | float
Read = TypeVar("Read")

log = structlog.get_logger("hearth.redis")


class ReplyError(Exception):
    """Redis refused a command; `code` is the first word of what it said.

    Redis before 7 wraps what a script ran into: `ERR Error running script (call to f_…):
    @user_script:1: @user_script: 1: -OOM command not allowed …`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.code = message.partition(" ")[0]
        if "The user executing the script can't run this command" in message:
            self.code = "NOPERM"
        elif wrapped := re.match(r"ERR Error running script .*? -?([A-Z]{3,}) ", message):
            self.code = wrapped[1]


class Commands(ReconnectingLink):
    """The connection for commands."""

    def __init__(self, connector: Connector) -> None:
        super().__init__(connector, "commands")
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._answering = True
        self._ahead: float | None = None  # Redis's clock minus the event loop's, in seconds
        self._known: set[str] = set()  # scripts that were run on this connection
        self._warned_at: dict[str, float] = {}
        self._watcher: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether Redis answers."""
        return self.link is not None and self._answering

    def deadline(self) -> int:
        """Return when a command that is sent now is given up, in ms of Redis's own clock.

        A Redis that stood still would otherwise do it later, when its sender has been told that
        nothing happened.

        Raises:
            Unavailable: Redis's clock isn't known.
        """
        if self._ahead is None:
            raise Unavailable
        now = asyncio.get_running_loop().time()
        return int((now + self._ahead + ANSWER_SECONDS) * 1000)

    def send(self, *command: Argument) -> asyncio.Future[Any]:
        """Send a command; the reply comes in the future.

        The future fails with `Unavailable` when Redis doesn't answer in time or refuses for now,
        and with `ReplyError` when it refuses for good.

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
        """Run a script, also when Redis has forgotten it. Raises as `send`'s future does."""
        # The first goes with its text: one that had to be sent again would be overtaken.
        if script.sha in self._known:
            try:
                return await self.send("EVALSHA", script.sha, len(keys), *keys, *arguments)
            except ReplyError as error:
                if error.code != "NOSCRIPT":
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
        """Run a script before whatever is sent later; what `read` makes of the reply is returned.

        It isn't repeated when Redis has just forgotten it, for then it would come later: the future
        fails with `Unavailable`. Raises as `send`.
        """
        known = script.sha in self._known
        text = ("EVALSHA", script.sha) if known else ("EVAL", script.source)
        result: asyncio.Future[Read] = asyncio.get_running_loop().create_future()

        def on_answer(answer: asyncio.Future[Any]) -> None:
            error = answer.exception()
            if isinstance(error, ReplyError) and error.code == "NOSCRIPT":
                self._known.discard(script.sha)
                error = Unavailable()
            if result.done():
                return
            if error is not None:
                result.set_exception(error)
                return
            if not known:
                self._known.add(script.sha)
            result.set_result(read(answer.result()))

        self.send(*text, len(keys), *keys, *arguments).add_done_callback(on_answer)
        return result

    # The connection

    async def on_open(self, link: Link) -> None:
        self._waiting.clear()
        self._known.clear()
        self._answering = True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                asked_at = asyncio.get_running_loop().time()
                self._on_time(asked_at, await self._send(link, "TIME"))
        except (Unavailable, ReplyError) as error:
            raise ConnectionRefusedError("Redis doesn't take commands") from error
        self._watcher = self._tasks.add(self._watch())

    def on_reply(self, reply: Any) -> None:
        if not self._waiting:  # `-ERR max number of clients reached`, say
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
        self._warn_of(error)
        if error.code not in _NOT_NOW:
            future.set_exception(error)
            return
        future.set_exception(Unavailable())
        if error.code == "READONLY":  # not the master any more
            self.drop()

    def on_lost(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None
        self._give_up_waiting()
        self._waiting.clear()
        self._ahead = None

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        ask_at = 0.0
        while True:
            looked_at = loop.time()
            await asyncio.sleep(_SWEEP_SECONDS)
            now = loop.time()
            if now - looked_at > 2 * _SWEEP_SECONDS:
                continue  # it is us who stood still: first read what has arrived meanwhile
            silent_since = self._waiting[0][0] if self._waiting else now
            if now - silent_since > ANSWER_SECONDS:
                if self._answering:
                    self._answering = False
                    log.error("Redis does not answer", redis=self._connector.host)
                self._give_up_waiting()
            if now - silent_since > DROP_SECONDS:
                self.drop()
            if self._answering and now >= ask_at:
                ask_at = now + _ASK_TIME_SECONDS
                self._ask_time(now)

    def _ask_time(self, now: float) -> None:
        def answered(asked: asyncio.Future[Any]) -> None:
            if asked.exception() is None:
                self._on_time(now, asked.result())

        with suppress(Unavailable):
            self.send("TIME").add_done_callback(answered)

    def _on_time(self, asked_at: float, reply: list[bytes]) -> None:
        # Redis read its clock some time between the question and now. The least that fits what we
        # knew: a deadline may be early, never late. An answer that was long on its way says little.
        at = int(reply[0]) + int(reply[1]) / 1_000_000
        least, most = at - asyncio.get_running_loop().time(), at - asked_at
        self._ahead = least if self._ahead is None else max(least, min(self._ahead, most))

    def _warn_of(self, error: ReplyError) -> None:
        now = asyncio.get_running_loop().time()
        if error.code in _EXPECTED or now < self._warned_at.get(error.code, now):
            return
        self._warned_at[error.code] = now + _WARN_SECONDS
        said = str(error).partition(", with args")[0][:200]  # those may be anything
        log.warning("Redis refused a command", redis=self._connector.host, reason=said)

    def _give_up_waiting(self) -> None:
        for _sent_at, future in self._waiting:
            if not future.done():
                future.set_exception(
                    Unavailable(
                        "The broker did not answer in time. The message may have been published: "
                        "repeat it with the same nonce."
                    )
                )
                future.exception()  # whoever waited may be gone

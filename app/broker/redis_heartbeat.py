"""What becomes of presence when a process is killed or frozen, or Redis forgets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from app.broker.contract import PresenceEvents
from app.broker.keys import PRESENCE_SECONDS, Keys
from app.broker.redis_presence_records import PresenceRecords
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.identity import Identity
from app.redis.commands import Commands, ReplyError
from app.redis.connector import Link
from app.redis.scripts import load_script
from app.tasks import Tasks

HEARTBEAT_SECONDS: Final = 1.0
_FIRST_SECONDS: Final = 0.1
#: After so many seconds of silence a process's members have left.
DEAD_SECONDS: Final = 4.0
#: How long ending may take: a process that is told to stop has five seconds.
END_SECONDS: Final = 3.0
_AT_ONCE: Final = 200

HEARTBEAT: Final = load_script(Path(__file__).parent / "lua", "heartbeat")

log = structlog.get_logger("hearth.presence")


class RedisHeartbeat:
    """Say that this process lives, see which others don't, and mend what Redis knows of members.

    `lives` tells whether the last beat was taken, which is a write: a Redis that is full, read-only
    or still loading takes none.
    """

    def __init__(self, commands: Commands, keys: Keys, presence: PresenceRecords) -> None:
        self.lives = False
        self._events: PresenceEvents | None = None
        self._commands = commands
        self._keys = keys
        self._presence = presence
        self._process = presence.process
        self._score = b""  # of the last beat
        self._link: Link | None = None  # that took it
        # Since when each beat was taken: after an outage everybody else seems dead for a moment.
        self._steady_since: float | None = None
        self._stale = False  # Redis may not know whom this process has
        self._was_buried = False
        self._mending = False
        self._burying: set[str] = set()
        self._tasks = Tasks()

    def start(self, events: PresenceEvents) -> None:
        """Begin to beat."""
        self._events = events
        self._tasks.add(self._run())

    async def _run(self) -> None:
        while True:
            try:
                await self._beat()
                self.lives = True
            except (Unavailable, ReplyError):  # the commands tell of it
                self.lives = False
                self._steady_since = None
            await asyncio.sleep(HEARTBEAT_SECONDS if self.lives else _FIRST_SECONDS)

    async def close(self) -> None:
        """Stop, and say that this process ends and whom it had.

        Raises:
            Unavailable: Redis can't be told; the other processes will find out.
        """
        await self._tasks.cancel()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._strike_all(self._process)
                await self._commands.send("ZREM", self._keys.processes, self._process)
        except (TimeoutError, ReplyError):
            raise Unavailable from None

    async def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        before, score, *dead = await self._commands.run(
            HEARTBEAT,
            [self._keys.processes, self._keys.process(self._process)],
            [self._process, int(DEAD_SECONDS * 1000), int(PRESENCE_SECONDS)],
        )
        if before != self._score or self._link is not self._commands.link:
            self._stale = True  # a Redis that restarts may have lost what is younger than a beat
            self._link = self._commands.link
            self._was_buried = self._was_buried or before.startswith(b"-")
        self._score = score
        if self._steady_since is None:
            self._steady_since = now
        if not self._mending and (self._stale or self._presence.gone()):
            self._mending = True
            self._tasks.add(self._mend())
        if now - self._steady_since > DEAD_SECONDS:
            for process in {name.decode() for name in dead} - self._burying:
                self._burying.add(process)
                self._tasks.add(self._bury(process))

    # This process

    async def _mend(self) -> None:
        try:
            await _each(self._leave, self._presence.gone())
            if self._stale:
                self._stale = False
                try:
                    await self._agree()
                except BaseException:
                    self._stale = True
                    raise
                self._was_buried = False
        except (Unavailable, ReplyError):
            pass  # with the next beat
        finally:
            self._mending = False

    async def _leave(self, channel: Channel, sid: str) -> None:
        for identity in await self._presence.strike(channel, self._process, sid):
            await self._tell(channel, identity, joined=False)

    async def _agree(self) -> None:
        """Have Redis know whom this process has, and nobody else."""
        channels = await self._presence.noted(self._process)
        await _each(self._strike_strangers, [(channel,) for channel in channels])
        await _each(self._enter_again, self._presence.here())

    async def _strike_strangers(self, channel: Channel) -> None:
        # An old state of Redis has those who have left since; everybody has been told of that.
        gone = set(self._presence.gone())
        for sid in await self._presence.noted_in(channel):
            if (channel, sid) not in gone:
                await self._presence.strike(channel, self._process, sid)

    async def _enter_again(self, channel: Channel, sid: str, identity: Identity) -> None:
        if not self._presence.has(channel, sid):
            return
        joins = await self._presence.note(channel, sid, identity)
        if joins and self._was_buried:  # else Redis has forgotten it, and nobody was told
            await self._tell(channel, identity, joined=True)

    # Another process

    async def _bury(self, process: str) -> None:
        try:
            await self._strike_all(process)
            # Noted for a while, so that it knows what happened should it live after all.
            await self._commands.send(
                *("ZADD", self._keys.processes, "XX", -self._commands.deadline(), process)
            )
            log.info("a process is gone; its members have left", process=process)
        except (Unavailable, ReplyError):
            pass  # with the next beat
        finally:
            self._burying.discard(process)

    async def _strike_all(self, process: str) -> None:
        # Whatever the order in which several try, each identity leaves once.
        channels = await self._presence.noted(process)
        await _each(self._strike_from, [(channel, process) for channel in channels])
        await self._commands.send("DEL", self._keys.process(process))

    async def _strike_from(self, channel: Channel, process: str) -> None:
        for identity in await self._presence.strike(channel, process):
            await self._tell(channel, identity, joined=False)

    async def _tell(self, channel: Channel, identity: Identity, *, joined: bool) -> None:
        if self._events is not None:
            await self._events.on_presence(channel, identity, joined)


async def _each(work: Callable[..., Awaitable[None]], arguments: Sequence[tuple[Any, ...]]) -> None:
    """Do something to each, so many at once. Raises what any of them did."""
    for start in range(0, len(arguments), _AT_ONCE):
        chunk = arguments[start : start + _AT_ONCE]
        results = await asyncio.gather(*(work(*one) for one in chunk), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

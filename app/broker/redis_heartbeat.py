"""Heartbeat of presence: evicts processes that are gone, and repairs what Redis has lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from app.broker.contract import PresenceEvents
from app.broker.keys import PRESENCE_SECONDS, Keys
from app.broker.redis_presence_records import PresenceRecords
from app.broker.unreadable import Unreadable, is_text
from app.core.channel import Channel
from app.core.errors import HearthError, Unavailable
from app.core.identity import Identity
from app.redis.commands import Commands
from app.redis.connector import Link
from app.redis.format import FORMAT
from app.redis.replies import ReplyError
from app.redis.scripts import load_script
from app.tasks import Tasks

_AT_ONCE: Final = 200

HEARTBEAT: Final = load_script(Path(__file__).parent / "lua", "heartbeat")

log = structlog.get_logger("hearth.presence")


@dataclass(frozen=True, slots=True)
class HeartbeatTimes:
    """All in seconds.

    Args:
        interval: between heartbeats.
        retry: the same, while they fail.
        dead: when a process that sends none is evicted.
        close: how long closing may take.
    """

    interval: float = 1.0
    retry: float = 0.1
    dead: float = 4.0
    close: float = 3.0


class RedisHeartbeat:
    """Sends heartbeats, evicts processes that send none, and reconciles Redis with this process.

    `alive` is whether the last heartbeat succeeded. It is a write, so it fails while Redis is full,
    read-only or still loading.
    """

    def __init__(
        self,
        commands: Commands,
        keys: Keys,
        presence: PresenceRecords,
        unreadable: Unreadable,
        times: HeartbeatTimes | None = None,
    ) -> None:
        self._unreadable = unreadable
        self.alive = False
        self._times = times or HeartbeatTimes()
        self._events: PresenceEvents | None = None
        self._commands = commands
        self._keys = keys
        self._presence = presence
        self._process = presence.process
        self._score = b""  # of the last heartbeat
        self._link: Link | None = None  # the connection that it was sent on
        # Since when all heartbeats have succeeded: after an outage of Redis all other processes
        # seem dead for a moment.
        self._steady_since: float | None = None
        self._stale = False  # Redis may have lost or evicted connections of this process
        self._was_evicted = False
        self._repairing = False
        self._to_check: list[Channel] = []
        self._evicting: set[str] = set()
        self._tasks = Tasks("presence")

    def start(self, events: PresenceEvents) -> None:
        """Begin to send heartbeats."""
        self._events = events
        self._tasks.add(self._run())

    async def _run(self) -> None:
        while True:
            try:
                await self._beat()
                self.alive = True
            except HearthError:  # `Commands` has logged it
                self._miss()
            except Exception:
                log.exception("a heartbeat failed")
                self._miss()
            await asyncio.sleep(self._times.interval if self.alive else self._times.retry)

    def _miss(self) -> None:
        self.alive = False
        self._steady_since = None

    async def close(self) -> None:
        """Stop, and evict this process.

        Raises:
            Unavailable: Redis can't be reached in time; another process will evict this one.
        """
        await self._tasks.cancel()
        try:
            async with asyncio.timeout(self._times.close):
                await self._evict_all(self._process)
                await self._commands.send("ZREM", self._keys.processes, self._process)
        except (TimeoutError, ReplyError):
            raise Unavailable from None

    async def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        before, score, *dead = await self._commands.run(
            HEARTBEAT,
            [self._keys.processes, self._keys.process(self._process), self._keys.format],
            [self._process, int(self._times.dead * 1000), int(PRESENCE_SECONDS), FORMAT],
        )
        if before != self._score or self._link is not self._commands.link:
            self._stale = True  # a Redis that has restarted may have lost its latest writes
            self._link = self._commands.link
            self._was_evicted = self._was_evicted or before.startswith(b"-")
        self._score = score
        if self._steady_since is None:
            self._steady_since = now
        if not self._repairing:
            self._repairing = True
            lags = self._stale or self._presence.departed()
            self._tasks.add(self._repair() if lags else self._heal())
        if now - self._steady_since > self._times.dead:
            for name in dead:
                if not is_text(name):
                    self._unreadable.tell("process", self._keys.processes)
                    await self._commands.send("ZREM", self._keys.processes, name)
                elif (process := name.decode()) not in self._evicting:
                    self._evicting.add(process)
                    self._tasks.add(self._evict_process(process))

    # This process

    async def _repair(self) -> None:
        try:
            await self._each(self._leave, self._presence.departed())
            if self._stale:
                self._stale = False
                try:
                    await self._reconcile()
                except BaseException:
                    self._stale = True
                    raise
                self._was_evicted = False
        except HearthError:
            pass  # the next heartbeat tries again
        finally:
            self._repairing = False

    async def _heal(self) -> None:
        """Restore what Redis has evicted of some channels; all have their turn."""
        try:
            self._to_check = self._to_check or self._presence.channels()
            some, self._to_check = self._to_check[:_AT_ONCE], self._to_check[_AT_ONCE:]
            await self._each(self._heal_channel, [(channel,) for channel in some])
        except HearthError:
            pass  # when it is their turn again
        finally:
            self._repairing = False

    async def _heal_channel(self, channel: Channel) -> None:
        if await self._presence.heal(channel):
            log.warning(
                "Redis has evicted a channel's presence, which is restored; see maxmemory-policy",
                channel=str(channel),
            )

    async def _leave(self, channel: Channel, sid: str) -> None:
        for identity in await self._presence.evict(channel, self._process, sid):
            await self._notify(channel, identity, joined=False)

    async def _reconcile(self) -> None:
        """Make the records in Redis agree with the connections of this process."""
        channels = await self._presence.recorded(self._process)
        await self._each(self._evict_departed, [(channel,) for channel in channels])
        await self._each(self._enter_again, self._presence.connections())

    async def _evict_departed(self, channel: Channel) -> None:
        # An older state of Redis has connections that have left since. Members have been notified
        # of that, except of those in `departed`.
        departed = set(self._presence.departed())
        for sid in await self._presence.recorded_in(channel):
            if (channel, sid) not in departed:
                await self._presence.evict(channel, self._process, sid)

    async def _enter_again(self, channel: Channel, sid: str, identity: Identity) -> None:
        if not self._presence.has(channel, sid):
            return
        joins = await self._presence.record(channel, sid, identity)
        if joins and self._was_evicted:
            await self._notify(channel, identity, joined=True)
        elif joins:  # Redis had lost it, and no member saw it leave
            await self._presence.restore_announced(channel, identity)

    # Another process

    async def _evict_process(self, process: str) -> None:
        try:
            await self._evict_all(process)
            # A negative score tells the process that it was evicted, if it wasn't dead after all.
            score = -self._commands.deadline()
            await self._commands.send("ZADD", self._keys.processes, "XX", score, process)
            log.info("a process is gone; its members have left", process=process)
        except HearthError:
            pass  # the next heartbeat tries again
        finally:
            self._evicting.discard(process)

    async def _evict_all(self, process: str) -> None:
        # Several processes may do this at once: each identity leaves only once.
        channels = await self._presence.recorded(process)
        await self._each(self._evict_from, [(channel, process) for channel in channels])
        await self._commands.send("DEL", self._keys.process(process))

    async def _evict_from(self, channel: Channel, process: str) -> None:
        for identity in await self._presence.evict(channel, process):
            await self._notify(channel, identity, joined=False)

    async def _notify(self, channel: Channel, identity: Identity, *, joined: bool) -> None:
        if self._events is not None:
            await self._events.on_presence(channel, identity, joined)

    async def _each(
        self,
        work: Callable[..., Awaitable[None]],
        arguments: Sequence[tuple[Channel, *tuple[Any, ...]]],
    ) -> None:
        """Call `work` with each of `arguments`, several at once.

        What is refused for one channel, where something else is in the place of its presence, is
        told and keeps no other from its turn. `heal` does it when the place is free.

        Raises:
            Unavailable: Redis can't be reached.
        """
        for start in range(0, len(arguments), _AT_ONCE):
            chunk = arguments[start : start + _AT_ONCE]
            results = await asyncio.gather(*(work(*one) for one in chunk), return_exceptions=True)
            for (channel, *_rest), result in zip(chunk, results, strict=True):
                if isinstance(result, ReplyError):
                    self._unreadable.tell("presence", channel)
                elif isinstance(result, BaseException):
                    raise result

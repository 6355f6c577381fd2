"""Ingest of what workers emit: every process receives it, and exactly one publishes it.

What workers publish in Redis reaches all processes, and carries no id by which to deduplicate it.
So one process, the leader, holds a lease and publishes, in the order received. The script that
publishes also appends the emit's digest to a log, and does nothing if another process holds the
lease (its token is a fencing token). The other processes keep what they have received in a backlog
until they read its digest in the log. The next leader thus knows what is left, and publishes that.

A process that begins to receive (it starts, or its connection was lost) lacks what was emitted
before. It publishes a barrier, which is ingested like an emit: once that has happened, so has
whatever was emitted before it, and the process is *caught up*. While any process is caught up, none
that isn't gets the lease, or the order would be lost.

What can still go wrong, because pub/sub stores nothing:

- What is emitted while no process is connected is lost, as with stock servers; so is what only one
  process had received, if that dies before it has published it.
- When Redis restarts without its data, processes other than the leader drop their backlogs, because
  they can't know what was ingested. If the leader dies at the same time, that is lost.
- What the leader had not received (its connection was lost, and no other process was caught up) is
  ingested later, by a process that has it, and so after what was emitted later.
- Of emits with the same bytes, one may be lost if it is emitted while a process begins to receive
  and the others die before that one is caught up.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from app.broker.contract import Fenced
from app.broker.keys import Keys
from app.core.errors import HearthError, Unavailable
from app.hub.hub import Hub
from app.redis.commands import Commands
from app.redis.replies import ReplyError
from app.redis.subscriptions import Subscriptions
from app.tasks import Tasks
from app.workers.backlog import Backlog, Read, Received, digest, read_nothing
from app.workers.batch import Batcher
from app.workers.gap import Gap
from app.workers.lease import LEASE_SECONDS, IngestTimes, Lease, LeaseState

BATCH: Final = 100
#: What is sent to Redis at once, unless it is a single emit: whatever others send waits for it.
BATCH_BYTES: Final = 1024 * 1024
#: An emit whose publish has failed so often in a row is rejected.
MOST_FAILURES: Final = 5

log = structlog.get_logger("hearth.workers")


class Ingest:
    """Ingests the backlog while this process is the leader; else others ingest it.

    Args:
        subscriptions: the connection on which emits are received.
        process: the unique name of this process, without a hyphen.
        lease_seconds: when the lease expires if it isn't renewed.
        backlog: an empty one.
    """

    def __init__(
        self,
        hub: Hub,
        subscriptions: Subscriptions,
        commands: Commands,
        keys: Keys,
        process: str,
        times: IngestTimes | None = None,
        lease_seconds: float = LEASE_SECONDS,
        backlog: Backlog | None = None,
    ) -> None:
        self._times = times or IngestTimes()
        self._commands = commands
        self._keys = keys
        self._process = process
        self._batcher = Batcher(hub, commands, keys)
        self._lease_seconds = lease_seconds
        self._lease = Lease(commands, subscriptions, keys, process, lease_seconds)
        self._backlog = Backlog() if backlog is None else backlog
        self._leads = False
        self._led_last = False  # as of the last reply, even if the connection was lost since
        self._led_until = 0.0  # nobody else can have led before, by the event loop's clock
        self._subscribed = False  # everything that Redis publishes is received
        self._caught_up = False
        self._barrier = b""  # digest of the barrier, until this process is caught up
        self._barriers = 0
        self._gap = Gap(hub.counters)
        self._interruptions = 0
        self._received_since = 0  # number of the first entry received since the last of them
        self._skipped = False  # later entries were ingested before the oldest
        self._progressed_at = 0.0
        self._failures = 0
        self._renew_at = 0.0
        self._closing = False
        self._wake = asyncio.Event()
        self._tasks = Tasks("ingest")
        subscriptions.on_interrupted(self._on_interrupted)
        subscriptions.on_regained(self._renew_soon)
        subscriptions.listen(keys.ingest_barriers, self._on_barrier)

    @property
    def leads(self) -> bool:
        """Whether this process is the leader."""
        return self._leads

    @property
    def caught_up(self) -> bool:
        """Whether this process has received everything that isn't ingested yet."""
        return self._caught_up

    def receive(self, source: str, data: bytes, read: Read) -> None:
        """Add an emit to the backlog, to be ingested by this process or another.

        Args:
            source: the Redis channel it was received on.
            read: makes drafts of it.
        """
        if self._backlog.full:
            if self._caught_up or self._barrier:
                log.error(
                    "the backlog of what workers emit is full; another process may have the rest"
                )
            self._fall_behind()
            return
        at = asyncio.get_running_loop().time()
        self._backlog.add(Received(digest(source, data), source, data, read, at))
        if self._leads:
            self._wake.set()

    def _on_barrier(self, data: bytes) -> None:
        self.receive(self._keys.ingest_barriers, data, read_nothing)

    async def start(self) -> None:
        """Begin to ingest."""
        self._tasks.add(self._run())

    async def close(self) -> None:
        """Ingest what is left, and release the lease."""
        self._closing = True
        self._wake.set()
        await self._tasks.finish(self._times.drain)
        with suppress(Unavailable):
            await self._lease.update(able=False)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            try:
                await self._renew()
                self._renew_at = loop.time() + self._times.renew
                while loop.time() < self._renew_at and not self._closing:
                    if not (self._leads and await self._ingest_batch()):
                        await self._wait()
                while self._closing and self._leads and await self._ingest_batch():
                    pass
                continue
            except Unavailable:
                self._subscribed = self._leads = False
            except HearthError:  # `Commands` has logged it
                self._leads = False
            except Exception:
                self._leads = False
                log.exception("could not ingest what workers emit")
            await asyncio.sleep(self._times.renew)

    async def _wait(self) -> None:
        """Wait for something to ingest, or until the lease must be renewed."""
        loop = asyncio.get_running_loop()
        self._wake.clear()
        timer = loop.call_at(self._renew_at, self._wake.set)
        await self._wake.wait()
        timer.cancel()

    # The lease

    def _on_interrupted(self) -> None:
        # What arrives next may not be next in order: another process, which is caught up, leads.
        self._subscribed = self._leads = False
        if self._caught_up:
            self._gap.open()
        self._interruptions += 1
        self._received_since = self._backlog.next
        self._fall_behind()
        self._renew_soon()

    def _renew_soon(self) -> None:
        self._renew_at = 0.0
        self._wake.set()

    def _fall_behind(self) -> None:
        self._caught_up = False
        self._barrier = b""

    async def _renew(self) -> None:
        """Acquire or renew the lease, and remove what other processes have ingested."""
        led, interruptions = self._leads, self._interruptions
        if not self._subscribed:
            self._apply(await self._lease.update(able=False))
            self._subscribed = interruptions == self._interruptions
        # Unless it led all the time, its last publishes may still be in a lost connection, where
        # Redis will read them: they are fenced off.
        asked_at = asyncio.get_running_loop().time()
        state = await self._lease.update(able=True, caught_up=self._caught_up, renew_token=not led)
        self._apply(state)
        if not state.leads and self._is_overdue():
            state = await self._lease.update(able=True, caught_up=self._caught_up, force=True)
            self._apply(state)
        if interruptions != self._interruptions:
            return  # the connection was lost in the meantime
        if state.leads and not led:
            log.info("this process ingests what workers emit", process=self._process)
        self._leads = self._led_last = state.leads
        self._led_until = asked_at + self._lease_seconds
        if state.leads and not self._caught_up:  # then no other process is
            self._gap.tell()
        if not self._caught_up and not self._barrier:
            self._barriers += 1
            barrier = f"{self._process}-{self._barriers}".encode()
            self._barrier = digest(self._keys.ingest_barriers, barrier)
            await self._commands.send("PUBLISH", self._keys.ingest_barriers, barrier)

    def _apply(self, state: LeaseState) -> None:
        if state.lost_track:
            now = asyncio.get_running_loop().time()
            if self._caught_up and not (self._led_last and now < self._led_until):
                # No connection was lost: the process was suspended for long.
                self._backlog.forget(self._backlog.next)
            elif not self._led_last:  # a leader knows what it has ingested
                self._backlog.forget(self._received_since)
            self._fall_behind()
        if state.ingested:
            self._progressed_at = asyncio.get_running_loop().time()
        for ingested in state.ingested:
            self._remove(ingested)

    def _remove(self, ingested: bytes) -> None:
        number = self._backlog.remove(ingested)
        if number is None:
            return  # emitted before this process began to receive
        if ingested == self._barrier:
            self._barrier = b""
            self._caught_up = True
            self._gap.fill()
        while (oldest := self._backlog.oldest()) is not None:
            self._skipped = oldest[0] < number
            if not self._skipped or oldest[1].source != self._keys.ingest_barriers:
                return
            # The leader hasn't received this barrier; its process sends another.
            self._backlog.remove(oldest[1].digest)
            if oldest[1].digest == self._barrier:
                self._barrier = b""
        self._skipped = False

    def _is_overdue(self) -> bool:
        oldest = self._backlog.oldest()
        if oldest is None:
            return False
        now = asyncio.get_running_loop().time()
        times = self._times
        limit = times.takeover if self._caught_up else times.longest_takeover
        idle = now - self._progressed_at > limit
        return now - oldest[1].at > limit and (idle or self._skipped)

    # What is received

    async def _ingest_batch(self) -> bool:
        """Ingest the oldest entries; return whether there were any."""
        batch = self._backlog.first(1 if self._failures else BATCH, BATCH_BYTES)
        if not batch:
            return False
        try:
            if self._failures >= MOST_FAILURES:
                reason = "Publishing it failed again and again."
                outcome = await self._batcher.skip(batch[0], self._lease.token, reason)
            else:
                outcome = await self._batcher.publish(batch, self._lease.token)
        except Unavailable:
            self._failures += 1
            raise
        for received, entry_id in outcome.ingested:
            self._lease.note_ingested(entry_id)
            self._remove(received.digest)
        if outcome.error is None:
            self._failures = 0
            return True
        # Any of the rest may have been ingested: the log is read before going on.
        if isinstance(outcome.error, Fenced | ReplyError):
            self._leads = False
            self._renew_at = 0.0
            return False
        self._failures += 1
        raise outcome.error

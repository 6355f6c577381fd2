"""Take in what every process hears, in exactly one of them (contract §4, promise 6).

What workers publish in Redis reaches all processes and has no name of its own. One process holds a
lease and publishes it, in the order heard; the same script that publishes notes its digest in a
stream, and does nothing when the lease is another's. The others keep what they have heard until
they read its digest there. Whoever gets the lease next so knows what is left, and takes it in.

A process that begins to hear (it starts, or its connection came back) hasn't heard what was emitted
before. It publishes a mark, which is taken in like an emit: when that has happened, whatever was
emitted before it was too, and the process is *whole*. While any process is whole, none that isn't
gets the lease, or the order would be lost.

What can still go wrong, for Redis keeps nothing of what it publishes:

- What is emitted while no process is connected is lost, as with stock servers; so is what only a
  process had heard that dies before it has published it.
- When Redis restarts without its data, processes other than the holder forget what they heard
  before: they can't know what was taken in. When the holder dies at that same time, that is lost.
- What the holder had not heard (its connection was lost, and nobody else was whole) is taken in
  later by who has, after what came behind it.
- Of emits with the same bytes, one may be lost when it is emitted just while a process begins to
  hear and the others die before that is whole.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from app.broker.contract import Fenced
from app.broker.keys import Keys
from app.core.errors import Unavailable
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.redis.commands import Commands, ReplyError
from app.redis.subscriptions import Subscriptions
from app.workers.batch import Batches
from app.workers.lease import Lease, Standing
from app.workers.pending import Heard, Pending, Read, digest

TEND_SECONDS: Final = 0.5
#: What the holder doesn't take in for so long is taken in by another that has heard it...
PATIENCE_SECONDS: Final = 3.0
#: ... and that one is whole; else after so long.
LONGEST_PATIENCE_SECONDS: Final = 6.0
DRAIN_SECONDS: Final = 2.0
BATCH: Final = 100
MOST_PENDING: Final = 100_000
MOST_PENDING_BYTES: Final = 67_108_864
#: An emit that Redis fails to take so often in a row is given up.
MOST_FAILURES: Final = 5

log = structlog.get_logger("hearth.workers")


class Intake:
    """What is to be taken in, and who does it.

    Args:
        subscriptions: the connection on which emits are heard.
        process: this process's name, without a hyphen.
    """

    def __init__(
        self,
        hub: Hub,
        subscriptions: Subscriptions,
        commands: Commands,
        keys: Keys,
        process: str,
    ) -> None:
        self._commands = commands
        self._keys = keys
        self._process = process
        self._batches = Batches(hub, commands, keys)
        self._lease = Lease(commands, subscriptions, keys, process)
        self._pending = Pending()
        self._holds = False
        self._held_last = False  # as of the last answer, also when the connection was lost since
        self._hears = False  # what Redis publishes comes
        self._whole = False
        self._mark = b""  # digest of the mark, until this process is whole
        self._marks = 0
        self._heard_since = 0  # number of the first that came through this connection
        self._skipped = False  # others were taken in before the oldest
        self._progressed_at = 0.0
        self._failures = 0
        self._due = 0.0
        self._closing = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        subscriptions.on_regained(self._begin_to_hear)
        subscriptions.listen(
            keys.emits_marks, lambda data: self.hear(keys.emits_marks, data, _read_nothing)
        )

    @property
    def holds(self) -> bool:
        """Whether this process takes in what is emitted."""
        return self._holds

    @property
    def whole(self) -> bool:
        """Whether this process has heard all that is to be taken in."""
        return self._whole

    def hear(self, source: str, data: bytes, read: Read) -> None:
        """Note what a worker has emitted; it is published here or elsewhere.

        Args:
            source: the Redis channel that it came through.
            read: makes drafts of it.
        """
        if len(self._pending) >= MOST_PENDING or self._pending.size >= MOST_PENDING_BYTES:
            if self._whole or self._mark:
                log.error("not all that workers emit is noted: too much is waiting")
            self._lose_track()  # another process may have it
            return
        at = asyncio.get_running_loop().time()
        self._pending.add(Heard(digest(source, data), source, data, read, at))
        if self._holds:
            self._wake.set()

    async def start(self) -> None:
        """Begin to take in."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Take in what is left, and let another process have the lease at once."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            _done, late = await asyncio.wait([self._task], timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with suppress(Unavailable):
            await self._lease.ask(able=False)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing:
            try:
                await self._tend()
                self._due = loop.time() + TEND_SECONDS
                while loop.time() < self._due and not self._closing:
                    if not (self._holds and await self._take_batch()):
                        await self._rest()
                while self._closing and self._holds and await self._take_batch():
                    pass
                continue
            except Unavailable:
                self._hears = self._holds = False
            except Exception:
                self._holds = False
                log.exception("could not take in what workers emit")
            await asyncio.sleep(TEND_SECONDS)

    async def _rest(self) -> None:
        """Wait for something to take in, or until it is time to tend the lease."""
        loop = asyncio.get_running_loop()
        self._wake.clear()
        timer = loop.call_at(self._due, self._wake.set)
        await self._wake.wait()
        timer.cancel()

    # The lease

    def _begin_to_hear(self) -> None:
        self._hears = self._holds = False
        self._heard_since = self._pending.next
        self._lose_track()
        self._due = 0.0
        self._wake.set()

    def _lose_track(self) -> None:
        self._whole = False
        self._mark = b""

    async def _tend(self) -> None:
        """Get the lease, or keep it; learn what others have taken in."""
        held = self._holds
        if not self._hears:
            self._apply(await self._lease.ask(able=False))
            self._hears = True
        since = self._heard_since
        # Unless it held the lease all the time, it isn't sure what became of its last publishes:
        # those that Redis finds in a lost connection only now are too late.
        standing = await self._lease.ask(able=True, whole=self._whole, renew_token=not held)
        self._apply(standing)
        if not standing.holds and self._is_out_of_patience():
            standing = await self._lease.ask(able=True, whole=self._whole, force=True)
            self._apply(standing)
        if since != self._heard_since:
            return  # the connection was lost meanwhile
        if standing.holds and not held:
            log.info("this process takes in what workers emit", process=self._process)
        self._holds = self._held_last = standing.holds
        if not self._whole and not self._mark:
            self._marks += 1
            mark = f"{self._process}-{self._marks}".encode()
            self._mark = digest(self._keys.emits_marks, mark)
            await self._commands.send("PUBLISH", self._keys.emits_marks, mark)

    def _apply(self, standing: Standing) -> None:
        if standing.lost_track:
            if self._whole:  # the connection was not lost: it was asleep, and all is old
                self._pending.forget(self._pending.next)
            elif not self._held_last:  # the holder knows what it has taken in
                self._pending.forget(self._heard_since)
            self._lose_track()
        if standing.taken:
            self._progressed_at = asyncio.get_running_loop().time()
        for taken in standing.taken:
            self._remove(taken)

    def _remove(self, taken: bytes) -> None:
        number = self._pending.remove(taken)
        if number is None:
            return  # it was emitted before this process heard
        if taken == self._mark:
            self._mark = b""
            self._whole = True
        while (oldest := self._pending.oldest()) is not None:
            self._skipped = oldest[0] < number
            if not self._skipped or oldest[1].source != self._keys.emits_marks:
                return
            # A mark that the holder hasn't heard says nothing. Whose it is sends another one.
            self._pending.remove(oldest[1].digest)
            if oldest[1].digest == self._mark:
                self._mark = b""
        self._skipped = False

    def _is_out_of_patience(self) -> bool:
        oldest = self._pending.oldest()
        if oldest is None:
            return False
        now = asyncio.get_running_loop().time()
        patience = PATIENCE_SECONDS if self._whole else LONGEST_PATIENCE_SECONDS
        idle = now - self._progressed_at > patience
        return now - oldest[1].at > patience and (idle or self._skipped)

    # What is heard

    async def _take_batch(self) -> bool:
        """Take in the oldest; tell whether there were any."""
        batch = self._pending.first(1 if self._failures else BATCH)
        if not batch:
            return False
        try:
            if self._failures >= MOST_FAILURES:
                reason = "Redis failed to take it, again and again."
                outcome = await self._batches.give_up(batch[0], self._lease.token, reason)
            else:
                outcome = await self._batches.take(batch, self._lease.token)
        except Unavailable:
            self._failures += 1
            raise
        for heard, entry_id in outcome.taken:
            self._lease.took_in(entry_id)
            self._remove(heard.digest)
        if outcome.error is None:
            self._failures = 0
            return True
        # Which of the rest were taken in is in the stream; it is read before going on.
        if isinstance(outcome.error, Fenced | ReplyError):
            self._holds = False
            self._due = 0.0
            return False
        self._failures += 1
        raise outcome.error


async def _read_nothing() -> list[Draft]:
    return []

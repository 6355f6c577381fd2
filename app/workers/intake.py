"""Take in what every process hears, in exactly one of them (contract §4, promise 6).

What workers publish in Redis reaches all processes and has no name of its own. One process holds a
lease and publishes it; the same script that publishes notes its digest in a stream, and does
nothing when the lease is another's. The others keep what they have heard until they read its digest
there. Whoever gets the lease next so knows what is left, and takes it in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from app.broker.keys import REJECTED_SIZE, Keys
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Message, Receipt
from app.draft import Draft
from app.hub import Hub
from app.redis.commands import Commands, ReplyError
from app.redis.scripts import load_script
from app.workers.pending import Heard, Pending, Read, digest
from schemas.errors import SchemaError

LEASE_SECONDS: Final = 3.0
TEND_SECONDS: Final = 0.5
#: What nobody has taken in for so long is taken in by whoever has heard it...
PATIENCE_SECONDS: Final = 3.0
#: ... also when the holder of the lease is at work, but has not heard it, it seems.
LONGEST_PATIENCE_SECONDS: Final = 10.0
BATCH: Final = 100
MOST_PENDING: Final = 100_000
# The stream is read from so long before this process began to hear.
_OVERLAP_MS: Final = 5_000

ACQUIRE: Final = load_script(Path(__file__).parent / "lua", "acquire")

Publish = Callable[
    [Sequence[tuple[Channel, Message]], tuple[str, bytes]], Awaitable[tuple[list[Receipt], str]]
]

log = structlog.get_logger("hearth.workers")


class Intake:
    """The lease, and what is to be taken in.

    Args:
        publish: publishes an emit's messages unless the lease is another's, and returns their
            receipts and the id of its digest in the stream.
        hears: tells whether what is published in Redis reaches this process.
        process: this process's name.
    """

    def __init__(
        self,
        hub: Hub,
        publish: Publish,
        hears: Callable[[], bool],
        commands: Commands,
        keys: Keys,
        process: str,
    ) -> None:
        self._hub = hub
        self._publish = publish
        self._hears = hears
        self._commands = commands
        self._keys = keys
        self._process = process
        self._pending = Pending()
        self._holds = False
        # What this process holds the lease by. A new one each time it isn't sure what became of its
        # last publishes: those that Redis finds in a lost connection only now are too late.
        self._token = process
        self._tokens = 0
        self._known = ""  # id of the last digest that this process knows
        self._progressed_at = 0.0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def hear(self, source: str, data: bytes, read: Read) -> None:
        """Note what a worker has emitted; it is published here or elsewhere.

        Args:
            source: the Redis channel that it came through.
            read: makes drafts of it.
        """
        if len(self._pending) >= MOST_PENDING:
            (oldest,) = self._pending.first(1)
            self._pending.remove(oldest.digest)
            log.error("dropped what a worker emitted", reason="too much is waiting")
        at = asyncio.get_running_loop().time()
        self._pending.add(Heard(digest(source, data), source, data, read, at))
        if self._holds:
            self._wake.set()

    async def start(self) -> None:
        """Begin to take in."""
        self._tasks = [
            asyncio.create_task(_forever(self._tend, TEND_SECONDS)),
            asyncio.create_task(_forever(self._take_in, 0.0)),
        ]

    async def close(self) -> None:
        """Stop, and let another process have the lease at once."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._holds:
            with suppress(Unavailable):
                await self._commands.send("DEL", self._keys.emits_holder)

    # The lease

    async def _tend(self) -> None:
        """Get the lease, or keep it; learn what others have taken in."""
        if not self._hears():
            self._holds = False  # and does not renew it, so that another one gets it
            return
        if not self._known:
            seconds, _microseconds = await self._commands.send("TIME")
            self._known = f"{int(seconds) * 1000 - _OVERLAP_MS}-0"
        was_holder = self._holds
        before = self._token
        if not was_holder:
            self._tokens += 1
            self._token = f"{self._process}-{self._tokens}"
        mine, *taken = await self._commands.run(
            ACQUIRE,
            [self._keys.emits_holder, self._keys.emits_taken],
            [
                *(self._token, int(LEASE_SECONDS * 1000), int(self._is_out_of_patience())),
                *(self._known, before),
            ],
        )
        if was_holder and not self._holds:
            return  # what was under way has failed meanwhile: ask again
        if not was_holder:
            # A holder reads what it has taken in itself from the answers to that.
            for entry_id, taken_digest in zip(taken[::2], taken[1::2], strict=True):
                self._pending.remove(taken_digest)
                self._known = entry_id.decode()
                self._progressed_at = asyncio.get_running_loop().time()
        if mine and not was_holder:
            log.info("this process takes in what workers emit", process=self._process)
        self._holds = bool(mine)
        if self._holds and len(self._pending):
            self._wake.set()

    def _is_out_of_patience(self) -> bool:
        if self._holds or not len(self._pending):
            return False
        now = asyncio.get_running_loop().time()
        (oldest,) = self._pending.first(1)
        waited = now - oldest.at
        return waited > LONGEST_PATIENCE_SECONDS or (
            waited > PATIENCE_SECONDS and now - self._progressed_at > PATIENCE_SECONDS
        )

    # What is heard

    async def _take_in(self) -> None:
        await self._wake.wait()
        self._wake.clear()
        while self._holds and len(self._pending):
            await self._take_batch()

    async def _take_batch(self) -> None:
        batch = self._pending.first(BATCH)
        read = [await self._read(heard) for heard in batch]
        # All are sent at once, and Redis takes them in this order.
        calls = [
            asyncio.ensure_future(
                self._publish(
                    [(draft.channel, message) for draft, message in targets],
                    (self._token, heard.digest),
                )
            )
            for heard, (targets, _rejected) in zip(batch, read, strict=True)
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        for heard, (targets, rejected), result in zip(batch, read, results, strict=True):
            if isinstance(result, BaseException):
                # Which of the rest were taken in is in the stream; it is read before going on.
                self._holds = False
                if not isinstance(result, Unavailable | ReplyError):
                    raise result
                if isinstance(result, ReplyError) and result.code != "FENCED":
                    log.error("could not take in what a worker emitted", reason=result.code)
                return
            receipts, self._known = result
            self._pending.remove(heard.digest)
            for (draft, _message), receipt in zip(targets, receipts, strict=True):
                self._hub.count(draft, receipt)
            if rejected is not None:
                self._reject(heard, rejected)

    async def _read(self, heard: Heard) -> tuple[list[tuple[Draft, Message]], SchemaError | None]:
        try:
            drafts = await heard.read()
        except SchemaError as error:
            return [], error
        targets = []
        rejected = None
        for draft in drafts:
            try:
                targets.append((draft, self._hub.prepare(draft)))
            except SchemaError as error:
                rejected = error
        return targets, rejected

    def _reject(self, heard: Heard, error: SchemaError) -> None:
        reason = str(error)[:500]
        self._hub.counters.rejected[heard.source] += 1
        log.warning("rejected what a worker emitted", source=heard.source, reason=reason)
        with suppress(Unavailable):
            self._commands.send(
                *("XADD", self._keys.rejected, "MAXLEN", "~", REJECTED_SIZE, "*"),
                *("source", heard.source, "reason", reason, "data", heard.data),
            ).add_done_callback(lambda future: future.exception())


async def _forever(work: Callable[[], Awaitable[Any]], pause: float) -> None:
    while True:
        try:
            await work()
        except Unavailable:
            await asyncio.sleep(TEND_SECONDS)
        except Exception:
            log.exception("could not take in what workers emit")
            await asyncio.sleep(TEND_SECONDS)
        if pause:
            await asyncio.sleep(pause)

"""Publish what was heard from workers, in order, and say how far that went."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from app.broker.keys import REJECTED_BYTES, REJECTED_SIZE, Keys
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.message import Message, Receipt
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.redis.commands import Commands, ReplyError
from app.workers.pending import Heard
from schemas.errors import SchemaError

#: What one emit may publish in all channels together, in bytes: Redis takes it as one command.
MOST_STEP_BYTES: Final = 67_108_864

#: Publishes an emit's messages as one step unless the lease is another's, and returns their
#: receipts and the id of its digest in the stream of what was taken in.
Publish = Callable[
    [Sequence[tuple[Channel, Message]], tuple[str, bytes]], Awaitable[tuple[list[Receipt], str]]
]

log = structlog.get_logger("hearth.workers")


class Step(NamedTuple):
    """What one emit publishes, and why not all of it."""

    targets: list[tuple[Draft, Message]]
    rejected: str = ""


class Outcome(NamedTuple):
    """How far a batch went.

    Args:
        taken: what was taken in, with the ids of their digests, in order.
        error: what ended it; None when all was taken in.
    """

    taken: list[tuple[Heard, str]]
    error: BaseException | None = None


class Batches:
    """Publishes batches of what was heard; what can't be published is rejected.

    Args:
        publish: see `Publish`.
    """

    def __init__(self, hub: Hub, publish: Publish, commands: Commands, keys: Keys) -> None:
        self._hub = hub
        self._publish = publish
        self._commands = commands
        self._keys = keys

    async def take(self, batch: Sequence[Heard], token: str) -> Outcome:
        """Publish a batch.

        What the outcome doesn't name may have been published all the same: the stream knows.

        Args:
            token: what this process holds the lease by.

        Raises:
            Unavailable: nothing was published.
        """
        steps = [await self._read(heard) for heard in batch]
        # All are sent at once, and Redis takes them in this order.
        results = await asyncio.gather(
            *(self._send(heard, step, token) for heard, step in zip(batch, steps, strict=True)),
            return_exceptions=True,
        )
        taken: list[tuple[Heard, str]] = []
        refused: list[tuple[Heard, ReplyError]] = []
        for heard, step, result in zip(batch, steps, results, strict=True):
            if isinstance(result, ReplyError) and result.code != "FENCED":
                refused.append((heard, result))  # and would be, each time
            elif isinstance(result, BaseException):
                # Those behind it that were taken in are read from the stream before going on.
                return Outcome(taken, result)
            else:
                receipts, entry_id = result
                taken.append((heard, entry_id))
                for (draft, _message), receipt in zip(step.targets, receipts, strict=True):
                    self._hub.count(draft, receipt)
                if step.rejected:
                    self._reject(heard, step.rejected)
        for heard, error in refused:
            outcome = await self.give_up(heard, token, f"Redis refused it: {error}")
            taken += outcome.taken
            if outcome.error is not None:
                return Outcome(taken, outcome.error)
        return Outcome(taken)

    async def give_up(self, heard: Heard, token: str, reason: str) -> Outcome:
        """Take something in without publishing it."""
        try:
            _receipts, entry_id = await self._send(heard, Step([]), token)
        except (Unavailable, ReplyError) as error:
            return Outcome([], error)
        self._reject(heard, reason)
        return Outcome([(heard, entry_id)])

    async def _send(self, heard: Heard, step: Step, token: str) -> tuple[list[Receipt], str]:
        return await self._publish(
            [(draft.channel, message) for draft, message in step.targets], (token, heard.digest)
        )

    async def _read(self, heard: Heard) -> Step:
        """Return what is to be published. Raises `Unavailable`."""
        try:
            drafts = await heard.read()
        except SchemaError as error:
            return Step([], str(error))
        except Unavailable:
            raise
        except Exception as error:
            # A mistake of ours must not keep what follows from being taken in.
            log.exception("could not read what a worker emitted", source=heard.source)
            return Step([], type(error).__name__)
        targets = []
        rejected = ""
        for draft in drafts:
            try:
                targets.append((draft, self._hub.prepare(draft)))
            except SchemaError as error:
                rejected = str(error)
            except Exception as error:
                log.exception("could not read what a worker emitted", source=heard.source)
                rejected = type(error).__name__
        size = sum(len(message.body) for _draft, message in targets)
        if size > MOST_STEP_BYTES:
            where = f"{len(targets)} channels of {targets[0][0].channel.namespace}"
            return Step([], f"It would take {size} bytes at once, in {where}.")
        return Step(targets, rejected)

    def _reject(self, heard: Heard, reason: str) -> None:
        self._hub.counters.rejected[heard.source] += 1
        log.warning("rejected what a worker emitted", source=heard.source, reason=reason[:500])
        with suppress(Unavailable):
            self._commands.send(
                *("XADD", self._keys.rejected, "MAXLEN", "~", REJECTED_SIZE, "*"),
                *(
                    "source",
                    heard.source,
                    "reason",
                    reason[:500],
                    "data",
                    heard.data[:REJECTED_BYTES],
                ),
            ).add_done_callback(lambda future: future.exception())

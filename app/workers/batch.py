"""Publish what was heard from workers, in order, and say how far that went."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from app.broker.contract import Fence, Fenced
from app.broker.keys import REJECTED_BYTES, REJECTED_SIZE, Keys
from app.core.errors import Unavailable
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.redis.commands import Commands, ReplyError
from app.workers.pending import Heard
from schemas.errors import SchemaError

#: What one emit may publish in all channels together, in bytes: Redis takes it as one command.
MOST_STEP_BYTES: Final = 67_108_864

log = structlog.get_logger("hearth.workers")


class Outcome(NamedTuple):
    """How far a batch went.

    Args:
        taken: what was taken in, with the ids of their digests, in order.
        error: what ended it; None when all was taken in.
    """

    taken: list[tuple[Heard, str]]
    error: BaseException | None = None


class Batches:
    """Publishes batches of what was heard; what can't be published is rejected."""

    def __init__(self, hub: Hub, commands: Commands, keys: Keys) -> None:
        self._hub = hub
        self._commands = commands
        self._keys = keys

    async def take(self, batch: Sequence[Heard], token: str) -> Outcome:
        """Publish a batch.

        What the outcome doesn't name may have been published all the same: the log of digests
        knows.

        Args:
            token: the fencing token of this process's lease.

        Raises:
            Unavailable: nothing was published.
        """
        read = [await self._read(heard) for heard in batch]
        # All are sent at once, and Redis takes them in this order.
        results = await asyncio.gather(
            *(
                self._hub.publish_emit(drafts, Fence(token, heard.digest), MOST_STEP_BYTES)
                for heard, (drafts, _reason) in zip(batch, read, strict=True)
            ),
            return_exceptions=True,
        )
        taken: list[tuple[Heard, str]] = []
        refused: list[tuple[Heard, str]] = []
        for heard, (_drafts, reason), result in zip(batch, read, results, strict=True):
            if isinstance(result, ReplyError):
                refused.append((heard, f"Redis refused it: {result}"))  # and would, each time
            elif isinstance(result, Unavailable | Fenced):
                # Those behind it that were taken in are read from the log before going on.
                return Outcome(taken, result)
            elif isinstance(result, Exception):
                # A mistake of ours must not keep what follows from being taken in.
                log.error("could not publish an emit", source=heard.source, exc_info=result)
                refused.append((heard, type(result).__name__))
            elif isinstance(result, BaseException):
                raise result
            else:
                taken.append((heard, result.entry_id))
                if reason := reason or str(result.refused or ""):
                    self._reject(heard, reason)
        for heard, reason in refused:
            outcome = await self.give_up(heard, token, reason)
            taken += outcome.taken
            if outcome.error is not None:
                return Outcome(taken, outcome.error)
        return Outcome(taken)

    async def give_up(self, heard: Heard, token: str, reason: str) -> Outcome:
        """Take something in without publishing it."""
        try:
            emitted = await self._hub.publish_emit([], Fence(token, heard.digest), 0)
        except (Unavailable, Fenced, ReplyError) as error:
            return Outcome([], error)
        self._reject(heard, reason)
        return Outcome([(heard, emitted.entry_id)])

    async def _read(self, heard: Heard) -> tuple[list[Draft], str]:
        """Return what is to be published, or why it can't be read. Raises `Unavailable`."""
        try:
            return await heard.read(), ""
        except SchemaError as error:
            return [], str(error)
        except Unavailable:
            raise
        except Exception as error:
            log.exception("could not read what a worker emitted", source=heard.source)
            return [], type(error).__name__

    def _reject(self, heard: Heard, reason: str) -> None:
        self._hub.counters.rejected[heard.source] += 1
        log.warning("rejected what a worker emitted", source=heard.source, reason=reason[:500])
        with suppress(Unavailable):
            entry = ("source", heard.source, "reason", reason[:500])
            stream = (self._keys.rejected, "MAXLEN", "~", REJECTED_SIZE, "*")
            self._commands.send(
                "XADD", *stream, *entry, "data", heard.data[:REJECTED_BYTES]
            ).add_done_callback(lambda future: future.exception())

"""Batches of what was received from workers: published in order, or rejected."""

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
from app.redis.commands import Commands
from app.redis.replies import ReplyError
from app.workers.backlog import Received
from app.workers.facts import facts_of
from schemas.errors import SchemaError

MOST_STEP_BYTES: Final = 67_108_864

log = structlog.get_logger("hearth.workers")


class Outcome(NamedTuple):
    """What was ingested of a batch.

    Args:
        ingested: each emit with the id of its digest in the log, in order.
        error: why the rest was not ingested; None if there is no rest.
    """

    ingested: list[tuple[Received, str]]
    error: BaseException | None = None


class Batcher:
    """Publishes batches; what can't be published is rejected.

    Args:
        most_step_bytes: that one emit may publish into all channels together: it is one command.
    """

    def __init__(
        self, hub: Hub, commands: Commands, keys: Keys, most_step_bytes: int = MOST_STEP_BYTES
    ) -> None:
        self._most_step_bytes = most_step_bytes
        self._hub = hub
        self._commands = commands
        self._keys = keys

    async def publish(self, batch: Sequence[Received], token: str) -> Outcome:
        """Publish a batch.

        What the outcome doesn't name may have been published all the same; the log of digests has
        it then.

        Args:
            token: the fencing token of this process's lease.

        Raises:
            Unavailable: nothing was published.
        """
        read = [await self._read(received) for received in batch]
        # All are sent at once, and Redis handles them in this order.
        results = await asyncio.gather(
            *(
                self._hub.publish_emit(drafts, Fence(token, received.digest), self._most_step_bytes)
                for received, (drafts, _reason) in zip(batch, read, strict=True)
            ),
            return_exceptions=True,
        )
        ingested: list[tuple[Received, str]] = []
        refused: list[tuple[Received, str]] = []
        for received, (_drafts, reason), result in zip(batch, read, results, strict=True):
            if isinstance(result, ReplyError):
                refused.append((received, f"Redis refused it: {result}"))  # and always would
            elif isinstance(result, Unavailable | Fenced):
                # Any of the later ones may have been ingested: the log is read before going on.
                return Outcome(ingested, result)
            elif isinstance(result, Exception):
                # A defect of ours must not keep the later ones from being ingested.
                log.error("could not publish an emit", source=received.source, exc_info=result)
                refused.append((received, type(result).__name__))
            elif isinstance(result, BaseException):
                raise result
            else:
                ingested.append((received, result.entry_id))
                if reason := reason or str(result.refused or ""):
                    self._reject(received, reason)
        for received, reason in refused:
            outcome = await self.skip(received, token, reason)
            ingested += outcome.ingested
            if outcome.error is not None:
                return Outcome(ingested, outcome.error)
        return Outcome(ingested)

    async def skip(self, received: Received, token: str, reason: str) -> Outcome:
        """Ingest an emit without publishing it, and reject it."""
        try:
            emitted = await self._hub.publish_emit([], Fence(token, received.digest), 0)
        except (Unavailable, Fenced, ReplyError) as error:
            return Outcome([], error)
        self._reject(received, reason)
        return Outcome([(received, emitted.entry_id)])

    async def _read(self, received: Received) -> tuple[list[Draft], str]:
        """Return what is to be published, or why it can't be read. Raises `Unavailable`."""
        try:
            return await received.read(), ""
        except SchemaError as error:
            return [], str(error)
        except Unavailable:
            raise
        except Exception as error:
            log.exception("could not read what a worker emitted", source=received.source)
            return [], type(error).__name__

    def _reject(self, received: Received, reason: str) -> None:
        self._hub.counters.rejected[received.source] += 1
        facts = facts_of(received.source, received.data)
        event = "rejected what a worker emitted"
        log.warning(event, source=received.source, reason=reason[:500], **facts)
        with suppress(Unavailable):
            entry = ("source", received.source, "reason", reason[:500])
            stream = (self._keys.rejected, "MAXLEN", "~", REJECTED_SIZE, "*")
            self._commands.send(
                "XADD", *stream, *entry, "data", received.data[:REJECTED_BYTES]
            ).add_done_callback(lambda future: future.exception())

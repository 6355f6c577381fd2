"""Feed of one channel: its publications in order, without a gap and each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from app.broker.record import decode_live
from app.broker.unreadable import Unreadable
from app.core.channel import Channel
from app.core.history import Position
from app.core.message import Publication, in_order

Receive = Callable[[Channel, Publication], None]

# How long a publication may take to arrive before it is read from history, in seconds.
LATE_SECONDS: Final = 0.1
MOST_BUFFERED_BYTES: Final = 16 * 1024 * 1024


class Feed:
    """Passes on what Redis publishes in a channel, as long as nothing is missing.

    When something is missing (an offset isn't the next one, the connection was lost), what arrives
    is buffered until `backfill` has read the gap from history and called `resume`.

    Redis adds a message to history before it publishes it, so a message that reveals a gap is
    backfilled too and isn't buffered. Each message begins at most one backfill, whatever that
    finds.

    Args:
        receive: called with each publication.
        backfill: begins to read what was missed; called once until `resume`.
        unreadable: is told of what is no publication.
        most_buffered_bytes: that are buffered while a backfill can't be done; the rest is
            backfilled as well.
    """

    __slots__ = (
        "_awaited",
        "_backfill",
        "_backfill_again",
        "_buffered",
        "_buffered_bytes",
        "_last_received",
        "_most_buffered_bytes",
        "_receive",
        "_unreadable",
        "channel",
        "last",
        "position",
        "subscribed",
    )

    def __init__(
        self,
        channel: Channel,
        receive: Receive,
        backfill: Callable[[Feed], None],
        unreadable: Unreadable,
        most_buffered_bytes: int = MOST_BUFFERED_BYTES,
    ) -> None:
        self._most_buffered_bytes = most_buffered_bytes
        self.channel = channel
        self.position: Position | None = None  # of the last publication passed on
        self.last: Publication | None = None  # without `prev`
        #: Done once Redis has confirmed the subscription.
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receive = receive
        self._backfill = backfill
        self._unreadable = unreadable
        # What has arrived and can't be passed on yet; None while nothing is missing.
        self._buffered: list[bytes] | None = []
        self._buffered_bytes = 0
        self._last_received: Position | None = None  # of what has arrived, passed on or not
        self._backfill_again = False  # more was missed since `backfill` began
        self._awaited: list[tuple[Position, asyncio.Future[bool]]] = []

    @property
    def caught_up(self) -> bool:
        """Whether nothing is known to be missing."""
        return self._buffered is None

    def on_message(self, data: bytes) -> None:
        """Handle what Redis has published."""
        if self._buffered is not None:
            self._buffered.append(data)
            self._buffered_bytes += len(data)
            if self._buffered_bytes > self._most_buffered_bytes:
                self._buffered, self._buffered_bytes = [], 0
                self._backfill_again = True
            return
        try:
            position, publication = decode_live(data)
        except ValueError:
            self._unreadable.tell("publication", self.channel)
            return
        if position is None:
            self._receive(self.channel, publication)
        elif not self._follows(position, publication):
            self.begin_backfill()

    def begin_backfill(self) -> None:
        """Buffer what arrives, and have what was missed read."""
        if self._buffered is None:
            self._buffered = []
            self._backfill(self)
        else:
            self._backfill_again = True

    def resume(
        self,
        head: Position,
        missed: list[Publication],
        lost: Publication | None = None,
        *,
        more: bool = False,
    ) -> None:
        """End a backfill: pass on what was missed, and then what was buffered.

        Args:
            head: the position of the last of `missed`, or where the channel is.
            missed: the publications between `position` and `head`, each with its `prev`.
            lost: where history was lost, the discontinuity that reports it: then `missed` doesn't
                follow `position`.
            more: whether more was missed after `head`: another backfill begins at once.
        """
        if lost is not None:
            self._receive(self.channel, lost)
            self.last = self._last_received = None
        for publication in missed:
            self._receive(self.channel, publication)
        if missed:
            self.last = in_order(missed[-1:], None)[0]
        self.position = head
        buffered, self._buffered, self._buffered_bytes = self._buffered or [], None, 0
        if self._backfill_again or more:
            self._backfill_again = False
            self.begin_backfill()
        for data in buffered:
            self.on_message(data)
        self._resolve_awaited()

    async def wait_for(self, position: Position, seconds: float) -> bool:
        """Wait until everything up to `position` was passed on.

        Returns:
            False if it takes longer than `seconds`.
        """
        if self._has_reached(position):
            return True
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[bool] = loop.create_future()
        awaited = (position, arrived)
        self._awaited.append(awaited)
        # It is on its way, most likely; if not, it was missed.
        late = loop.call_later(LATE_SECONDS, self.begin_backfill)
        end = loop.call_later(seconds, _resolve, arrived, False)
        try:
            return await arrived
        finally:
            late.cancel()
            end.cancel()
            self._awaited.remove(awaited)

    def _follows(self, position: Position, publication: Publication) -> bool:
        """Pass a publication on if it is the next one; return whether nothing is missing."""
        ours = self.position
        if ours is None or position.epoch != ours.epoch:
            return False
        before, self._last_received = self._last_received, position
        if position.offset == ours.offset + 1:
            self.position = position
            self.last = publication
            self._receive(self.channel, publication)
            if self._awaited:
                self._resolve_awaited()
            return True
        if position.offset > ours.offset:
            return False
        # What a backfill has covered arrives afterwards, once and in order. If Redis went back in
        # time instead, other messages have these offsets.
        if position.offset == ours.offset and self.last not in (None, publication):
            return False
        return before is None or position.epoch != before.epoch or position.offset > before.offset

    def _has_reached(self, position: Position) -> bool:
        ours = self.position
        return (
            ours is not None
            and self._buffered is None
            and ours.epoch == position.epoch
            and ours.offset >= position.offset
        )

    def _resolve_awaited(self) -> None:
        for position, arrived in self._awaited:
            if self._has_reached(position):
                _resolve(arrived, True)


def _resolve(arrived: asyncio.Future[bool], result: bool) -> None:
    if not arrived.done():
        arrived.set_result(result)

"""One channel as this process receives it: in order, without a hole, each message once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from app.broker.record import decode_live
from app.core.channel import Channel
from app.core.history import Position
from app.core.message import Publication

Receive = Callable[[Channel, Publication], None]

log = structlog.get_logger("hearth.broker")

# How long what was published may take to arrive before history is asked for it, in seconds.
LATE_SECONDS: Final = 0.1
# More than this doesn't wait in memory while a hole can't be filled: it is read from history later.
MOST_BUFFERED_BYTES: Final = 16 * 1024 * 1024


class Feed:
    """Hand on what Redis publishes in a channel, as long as nothing is missing.

    When something is (an offset that isn't the next one, a connection that was lost), what arrives
    waits until `backfill` has read the hole from history and called `resume`.

    What is published is in history by then, so a message that shows a hole is read from there too
    and need not wait; each begins at most one backfill, whatever it finds.

    Args:
        receive: is handed each publication.
        backfill: begins to read what was missed; called once until `resume`.
    """

    __slots__ = (
        *(
            "_again",
            "_awaited",
            "_backfill",
            "_published",
            "_receive",
            "_buffered",
            "_buffered_bytes",
        ),
        *("subscribed", "channel", "last", "position"),
    )

    def __init__(
        self, channel: Channel, receive: Receive, backfill: Callable[[Feed], None]
    ) -> None:
        self.channel = channel
        self.position: Position | None = None  # of the last publication handed on
        self.last: Publication | None = None
        #: Done once it has been subscribed to.
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receive = receive
        self._backfill = backfill
        # What has arrived and can't be handed on yet; None while nothing is missing.
        self._buffered: list[bytes] | None = []
        self._buffered_bytes = 0
        self._published: Position | None = None  # of the last that Redis has published
        self._again = False  # more was missed since `backfill` began
        self._awaited: list[tuple[Position, asyncio.Future[bool]]] = []

    @property
    def caught_up(self) -> bool:
        """Whether nothing is known to be missing."""
        return self._buffered is None

    def on_message(self, data: bytes) -> None:
        """Take what Redis has published."""
        if self._buffered is not None:
            self._buffered.append(data)
            self._buffered_bytes += len(data)
            if self._buffered_bytes > MOST_BUFFERED_BYTES:
                self._buffered, self._buffered_bytes = [], 0
                self._again = True
            return
        try:
            position, publication = decode_live(data)
        except ValueError:
            log.warning("ignored what is no publication", channel=str(self.channel))
            return
        if position is None:
            self._receive(self.channel, publication)
        elif not self._follows(position, publication):
            self.begin_backfill()

    def begin_backfill(self) -> None:
        """Let what arrives wait, and have what was missed read."""
        if self._buffered is None:
            self._buffered = []
            self._backfill(self)
        else:
            self._again = True

    def resume(
        self, head: Position, missed: list[Publication], lost: Publication | None = None
    ) -> None:
        """Hand on what was missed and then what has waited; end of what `begin_backfill` began.

        Args:
            head: the channel's newest message, from which it goes on.
            missed: what leads there.
            lost: where history was lost, what tells so: `missed` doesn't follow `position`.
        """
        if lost is not None:
            self._receive(self.channel, lost)
            self.last = self._published = None
        for publication in missed:
            self._receive(self.channel, publication)
            self.last = publication
        self.position = head
        waiting, self._buffered, self._buffered_bytes = self._buffered or [], None, 0
        if self._again:
            self._again = False
            self.begin_backfill()
        for data in waiting:
            self.on_message(data)
        self._tell_waiting()

    async def wait_for(self, position: Position, seconds: float) -> bool:
        """Wait until everything up to `position` was handed on.

        Returns:
            False when it takes longer than so many seconds.
        """
        if self._has_got_to(position):
            return True
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[bool] = loop.create_future()
        awaited = (position, arrived)
        self._awaited.append(awaited)
        # It is on its way, most likely; if not, it was missed.
        late = loop.call_later(LATE_SECONDS, self.begin_backfill)
        end = loop.call_later(seconds, _answer, arrived, False)
        try:
            return await arrived
        finally:
            late.cancel()
            end.cancel()
            self._awaited.remove(awaited)

    def _follows(self, position: Position, publication: Publication) -> bool:
        """Hand on the publication that comes next; tell whether nothing is missing before it."""
        ours = self.position
        if ours is None or position.epoch != ours.epoch:
            return False
        heard, self._published = self._published, position
        if position.offset == ours.offset + 1:
            self.position = position
            self.last = publication
            self._receive(self.channel, publication)
            if self._awaited:
                self._tell_waiting()
            return True
        if position.offset > ours.offset:
            return False
        # Old ones arrive after a hole was filled, once each and in order. Others have the offsets
        # of old ones where Redis went back in time.
        if position.offset == ours.offset and self.last not in (None, publication):
            return False
        return heard is None or position.epoch != heard.epoch or position.offset > heard.offset

    def _has_got_to(self, position: Position) -> bool:
        ours = self.position
        return (
            ours is not None
            and self._buffered is None
            and ours.epoch == position.epoch
            and ours.offset >= position.offset
        )

    def _tell_waiting(self) -> None:
        for position, arrived in self._awaited:
            if self._has_got_to(position):
                _answer(arrived, True)


def _answer(arrived: asyncio.Future[bool], answer: bool) -> None:
    if not arrived.done():
        arrived.set_result(answer)

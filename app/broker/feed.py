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
PATIENCE_SECONDS: Final = 0.1
# More than this doesn't wait in memory while a hole can't be filled: it is read from history later.
MOST_WAITING_BYTES: Final = 16 * 1024 * 1024


class Feed:
    """Hand on what Redis publishes in a channel, as long as nothing is missing.

    When something is (an offset that isn't the next one, a connection that was lost), what arrives
    waits until `fill` has read the hole from history and called `resume`.

    What is published is in history by then, so a message that shows a hole is read from there too
    and need not wait; each begins at most one fill, whatever it finds.

    Args:
        receive: is handed each publication.
        fill: begins to read what was missed; called once until `resume`.
    """

    __slots__ = (
        *("_again", "_awaited", "_fill", "_heard", "_receive", "_waiting", "_waiting_bytes"),
        *("begun", "channel", "last", "position"),
    )

    def __init__(self, channel: Channel, receive: Receive, fill: Callable[[Feed], None]) -> None:
        self.channel = channel
        self.position: Position | None = None  # of the last publication handed on
        self.last: Publication | None = None
        #: Done once it has been subscribed to.
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._receive = receive
        self._fill = fill
        # What has arrived and can't be handed on yet; None while nothing is missing.
        self._waiting: list[bytes] | None = []
        self._waiting_bytes = 0
        self._heard: Position | None = None  # of the last that Redis has published
        self._again = False  # more was missed since `fill` began
        self._awaited: list[tuple[Position, asyncio.Future[bool]]] = []

    @property
    def whole(self) -> bool:
        """Whether nothing is known to be missing."""
        return self._waiting is None

    def on_message(self, data: bytes) -> None:
        """Take what Redis has published."""
        if self._waiting is not None:
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            if self._waiting_bytes > MOST_WAITING_BYTES:
                self._waiting, self._waiting_bytes = [], 0
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
            self.begin_to_fill()

    def begin_to_fill(self) -> None:
        """Let what arrives wait, and have what was missed read."""
        if self._waiting is None:
            self._waiting = []
            self._fill(self)
        else:
            self._again = True

    def resume(
        self, head: Position, missed: list[Publication], lost: Publication | None = None
    ) -> None:
        """Hand on what was missed and then what has waited; end of what `begin_to_fill` began.

        Args:
            head: the channel's newest message, from which it goes on.
            missed: what leads there.
            lost: where history was lost, what tells so: `missed` doesn't follow `position`.
        """
        if lost is not None:
            self._receive(self.channel, lost)
            self.last = self._heard = None
        for publication in missed:
            self._receive(self.channel, publication)
            self.last = publication
        self.position = head
        waiting, self._waiting, self._waiting_bytes = self._waiting or [], None, 0
        if self._again:
            self._again = False
            self.begin_to_fill()
        for data in waiting:
            self.on_message(data)
        self._tell_reached()

    async def reach(self, position: Position, seconds: float) -> bool:
        """Wait until everything up to `position` was handed on.

        Returns:
            False when it takes longer than so many seconds.
        """
        if self._has_reached(position):
            return True
        loop = asyncio.get_running_loop()
        reached: asyncio.Future[bool] = loop.create_future()
        awaited = (position, reached)
        self._awaited.append(awaited)
        # It is on its way, most likely; if not, it was missed.
        patience = loop.call_later(PATIENCE_SECONDS, self.begin_to_fill)
        end = loop.call_later(seconds, _answer, reached, False)
        try:
            return await reached
        finally:
            patience.cancel()
            end.cancel()
            self._awaited.remove(awaited)

    def _follows(self, position: Position, publication: Publication) -> bool:
        """Hand on the publication that comes next; tell whether nothing is missing before it."""
        ours = self.position
        if ours is None or position.epoch != ours.epoch:
            return False
        heard, self._heard = self._heard, position
        if position.offset == ours.offset + 1:
            self.position = position
            self.last = publication
            self._receive(self.channel, publication)
            if self._awaited:
                self._tell_reached()
            return True
        if position.offset > ours.offset:
            return False
        # Old ones arrive after a hole was filled, once each and in order. Others have the offsets
        # of old ones where Redis went back in time.
        if position.offset == ours.offset and self.last not in (None, publication):
            return False
        return heard is None or position.epoch != heard.epoch or position.offset > heard.offset

    def _has_reached(self, position: Position) -> bool:
        ours = self.position
        return (
            ours is not None
            and self._waiting is None
            and ours.epoch == position.epoch
            and ours.offset >= position.offset
        )

    def _tell_reached(self) -> None:
        for position, reached in self._awaited:
            if self._has_reached(position):
                _answer(reached, True)


def _answer(reached: asyncio.Future[bool], answer: bool) -> None:
    if not reached.done():
        reached.set_result(answer)

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


class Feed:
    """Hand on what Redis publishes in a channel, as long as nothing is missing.

    When something is (an offset that isn't the next one, a connection that was lost), what arrives
    waits until `fill` has read the hole from history and called `resume`.

    Args:
        receive: is handed each publication.
        fill: begins to read what was missed; called once until `resume`.
    """

    __slots__ = (
        *("_again", "_awaited", "_fill", "_receive", "_waiting"),
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
            self.on_message(data)  # now it waits

    def begin_to_fill(self) -> None:
        """Let what arrives wait, and have what was missed read."""
        if self._waiting is None:
            self._waiting = []
            self._fill(self)
        else:
            self._again = True

    def resume(self, head: Position, missed: list[Publication] | None) -> bool:
        """Go on from `head`, the channel's newest message.

        Args:
            missed: what leads from `position` to there; None when that can't be had.

        Returns:
            False when history was lost: the members' positions mean nothing any more.
        """
        lost = missed is None and self.position is not None
        for publication in missed or ():
            self._receive(self.channel, publication)
            self.last = publication
        self.position = head
        return not lost

    def release(self) -> None:
        """Hand on what has waited; end of what `begin_to_fill` began."""
        waiting, self._waiting = self._waiting or [], None
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
        if position.offset == ours.offset + 1:
            self.position = position
            self.last = publication
            self._receive(self.channel, publication)
            if self._awaited:
                self._tell_reached()
            return True
        # An old one comes once more after a hole was filled. One that is younger than the last is
        # none of those: history went back in time.
        return position.offset <= ours.offset and not (
            self.last is not None and publication.published_at > self.last.published_at
        )

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

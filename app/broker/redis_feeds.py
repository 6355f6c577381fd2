"""The channels that this process has members in, as it hears them from Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from app.broker.contract import BrokerEvents
from app.broker.feed import Feed
from app.broker.keys import Keys
from app.broker.record import discontinuity
from app.broker.redis_log import RedisLog, missed
from app.core.channel import Channel
from app.core.errors import Unavailable
from app.core.history import Position
from app.core.message import Publication
from app.redis.commands import ReplyError
from app.redis.subscriptions import Subscriptions
from app.tasks import Tasks

_RETRY_SECONDS: Final = 0.25

log = structlog.get_logger("hearth.broker")


class RedisFeeds:
    """Subscribe, and backfill the holes.

    Args:
        log: where they are filled from.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        keys: Keys,
        log: RedisLog,
        clock: Callable[[], float],
    ) -> None:
        self._events: BrokerEvents | None = None
        self._subscriptions = subscriptions
        self._keys = keys
        self._log = log
        self._clock = clock
        self._feeds: dict[Channel, Feed] = {}
        self._tasks = Tasks("feeds")
        subscriptions.on_regained(self._backfill_all)

    def __iter__(self) -> Iterator[Channel]:
        return iter(list(self._feeds))

    def start(self, events: BrokerEvents) -> None:
        """Hand on what is received from now on."""
        self._events = events

    async def close(self) -> None:
        """Stop filling."""
        await self._tasks.cancel()

    async def subscribe(self, channel: Channel) -> None:
        """As `Broker.subscribe`."""
        feed = self._feeds.get(channel)
        if feed is None:
            feed = self._feeds[channel] = Feed(channel, self._hand_on, self._backfill)
            feed.subscribed = self._tasks.add(self._begin(feed))
        await asyncio.shield(feed.subscribed)

    def unsubscribe(self, channel: Channel) -> None:
        """As `Broker.unsubscribe`."""
        if self._feeds.pop(channel, None) is not None:
            self._subscriptions.unsubscribe(self._keys.live(channel))

    async def wait_for(self, channel: Channel, position: Position, seconds: float) -> None:
        """Wait until everything up to `position` was received, if `channel` is subscribed to.

        Raises:
            Unavailable: it takes longer than so many seconds.
        """
        feed = self._feeds.get(channel)
        if feed is not None and not await feed.wait_for(position, seconds):
            raise Unavailable

    async def _begin(self, feed: Feed) -> None:
        try:
            await self._subscriptions.subscribe(self._keys.live(feed.channel), feed.on_message)
            head, newest = await self._log.read(feed.channel, None, 1)
        except BaseException:
            if self._feeds.get(feed.channel) is feed:
                self.unsubscribe(feed.channel)
            raise
        if newest and newest[-1].offset == head.offset:
            feed.last = newest[-1]
        feed.resume(head, [])

    def _hand_on(self, channel: Channel, publication: Publication) -> None:
        if self._events is not None:
            self._events.on_publication(channel, publication)

    def _backfill_all(self) -> None:
        for feed in list(self._feeds.values()):
            feed.begin_backfill()

    def _backfill(self, feed: Feed) -> None:
        self._tasks.add(self._backfill_now(feed))

    async def _backfill_now(self, feed: Feed) -> None:
        while self._feeds.get(feed.channel) is feed:
            try:
                head, publications, start = await self._missed_by(feed)
            except (Unavailable, ReplyError):  # the commands tell of it
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            lost = None
            if start is not None:
                log.warning("history was lost", channel=str(feed.channel))
                lost = discontinuity(feed.channel, start, self._clock())
            feed.resume(head, publications, lost)
            return

    async def _missed_by(self, feed: Feed) -> tuple[Position, list[Publication], Position | None]:
        """Return the newest position, what leads there, and from where: None is where we are."""
        ours, last = feed.position, feed.last
        if ours is None:
            raise Unavailable  # it has not subscribed
        # From the one before, to see that the last is still what it was.
        since = Position(max(0, ours.offset - 1), ours.epoch)
        head, publications = await self._log.read(feed.channel, since, 0)
        if head.epoch == ours.epoch:
            same = next((one for one in publications if one.offset == ours.offset), last)
            if head.offset >= ours.offset and (last is None or same == last):
                publications = [one for one in publications if (one.offset or 0) > ours.offset]
                found = missed(head, ours, publications)
                return (head, [], head) if found is None else (head, found, None)
            # An older state of Redis came back, and other messages have our offsets.
            await self._log.invalidate(feed.channel, ours.epoch)
        start = await self._log.beginning(feed.channel)
        head, publications = await self._log.read(feed.channel, start, 0)
        found = missed(head, start, publications)
        return (head, [], head) if found is None else (head, found, start)

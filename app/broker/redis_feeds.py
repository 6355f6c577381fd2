"""Feeds of the channels that this process has members in, received from Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

import structlog

from app.broker.contract import BrokerEvents
from app.broker.feed import Feed
from app.broker.keys import Keys
from app.broker.record import discontinuity
from app.broker.redis_log import RedisLog
from app.broker.unreadable import Unreadable
from app.core.channel import Channel
from app.core.errors import HearthError, Unavailable
from app.core.history import Position, Recovery
from app.core.message import Publication
from app.redis.subscriptions import Subscriptions
from app.tasks import Tasks

#: What is read at once of what was missed: others' replies wait for it.
BACKFILL_BYTES: Final = 512 * 1024
_RETRY_SECONDS: Final = 0.25
#: The same, where a defect of ours is in the way: each attempt is logged.
_DEFECT_SECONDS: Final = 5.0

log = structlog.get_logger("hearth.broker")


class RedisFeeds:
    """Subscribes to channels, and backfills what pub/sub has lost.

    Args:
        log: the history to backfill from.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        keys: Keys,
        log: RedisLog,
        unreadable: Unreadable,
        clock: Callable[[], float],
    ) -> None:
        self._unreadable = unreadable
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
        """Pass what is received to `events` from now on."""
        self._events = events

    async def close(self) -> None:
        """Stop backfilling."""
        await self._tasks.cancel()

    async def subscribe(self, channel: Channel) -> None:
        """As `Broker.subscribe`."""
        feed = self._feeds.get(channel)
        if feed is None:
            feed = self._feeds[channel] = Feed(
                channel, self._pass_on, self._start_backfill, self._unreadable
            )
            feed.subscribed = self._tasks.add(self._begin(feed))
        await asyncio.shield(feed.subscribed)

    def unsubscribe(self, channel: Channel) -> None:
        """As `Broker.unsubscribe`."""
        if self._feeds.pop(channel, None) is not None:
            self._subscriptions.unsubscribe(self._keys.live(channel))

    async def wait_for(self, channel: Channel, position: Position, seconds: float) -> None:
        """Wait until everything up to `position` was received, if `channel` is subscribed.

        Raises:
            Unavailable: it takes longer than `seconds`.
        """
        feed = self._feeds.get(channel)
        if feed is not None and not await feed.wait_for(position, seconds):
            raise Unavailable

    async def _begin(self, feed: Feed) -> None:
        try:
            await self._subscriptions.subscribe(self._keys.live(feed.channel), feed.on_message)
            head, recovery = await self._log.recover(feed.channel, None, 1)
        except BaseException:
            if self._feeds.get(feed.channel) is feed:
                self.unsubscribe(feed.channel)
            raise
        newest = recovery.publications
        if newest and newest[-1].offset == head.offset:
            feed.last = newest[-1]
        feed.resume(head, [])

    def _pass_on(self, channel: Channel, publication: Publication) -> None:
        if self._events is not None:
            self._events.on_publication(channel, publication)

    def _backfill_all(self) -> None:
        for feed in list(self._feeds.values()):
            feed.begin_backfill()

    def _start_backfill(self, feed: Feed) -> None:
        self._tasks.add(self._backfill(feed))

    async def _backfill(self, feed: Feed) -> None:
        while self._feeds.get(feed.channel) is feed:
            try:
                lost, recovery = await self._missed_by(feed)
            except HearthError:  # `Commands` has logged it
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            except Exception:
                log.exception("could not read what was missed", channel=str(feed.channel))
                await asyncio.sleep(_DEFECT_SECONDS)
                continue
            if lost is not None:
                log.warning("history was lost", channel=str(feed.channel))
            report = None if lost is None else discontinuity(feed.channel, lost, self._clock())
            more = recovery.following > 0
            feed.resume(recovery.position, recovery.publications, report, more=more)
            return

    async def _missed_by(self, feed: Feed) -> tuple[Position | None, Recovery]:
        """Return what leads from the feed's position to the channel's newest message.

        Where history was lost, the position from which it leads there instead comes first.
        """
        ours, last = feed.position, feed.last
        if ours is None:
            raise Unavailable  # it has not subscribed
        there = await self._log.entry(feed.channel, ours.offset)
        _, recovery = await self._log.recover(feed.channel, ours, 0, BACKFILL_BYTES)
        if recovery.position.epoch == ours.epoch:
            is_same = last is None or there is None or there == last
            if is_same and recovery.position.offset >= ours.offset:
                if recovery.recovered:
                    return None, recovery
                return recovery.position, recovery
            # Redis was restored to an older state, and other messages have our offsets.
            await self._log.invalidate(feed.channel, ours.epoch)
        start = await self._log.beginning(feed.channel)
        head, recovery = await self._log.recover(feed.channel, start, 0, BACKFILL_BYTES)
        return (start if recovery.recovered else head), recovery

"""A feed passes on every message of history once and in order, whatever is lost on the way, or
reports a discontinuity (docs/protocol.md, promise 2)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.broker.feed import Feed
from app.broker.record import discontinuity
from app.broker.unreadable import Unreadable
from app.core.channel import Channel
from app.core.counters import Counters
from app.core.history import Position
from app.core.message import DISCONTINUITY, Publication, make_publication
from tests.support.messages import TEAM, message, text_of
from tests.support.ready import until

SIZE: Final = 6
AT_ONCE: Final = 2


class Redis:
    """A channel as Redis has it, what of it is on its way, and a feed of it."""

    def __init__(self, **options: Any) -> None:
        self.epochs = 1  # how many the channel has had
        self.log: list[Publication] = []
        self.on_way: list[bytes] = []
        self.received: list[Publication] = []
        self.published: list[str] = []
        self.backfills = 0
        self._sequence = 0
        self._count = 0
        self.feed = Feed(TEAM, self._receive, self._backfill, Unreadable(Counters()), **options)
        self.feed.resume(self.head, [])

    @property
    def head(self) -> Position:
        return Position(len(self.log), f"e{self.epochs}")

    def _receive(self, _channel: Channel, publication: Publication) -> None:
        self.received.append(publication)

    def _backfill(self, _feed: Feed) -> None:
        self.backfills += 1
        assert self.backfills == 1, "one at a time"

    def publish(self) -> None:
        self._count += 1
        self._sequence += 1
        # Clocks of processes differ: the time of publishing says nothing about the order.
        sent = message(str(self._count), 1000.0 - self._count % 3)
        self.log.append(make_publication(sent, len(self.log) + 1, self._sequence))
        at = b"%d %b %d " % (len(self.log), self.head.epoch.encode(), self._sequence)
        self.on_way.append(at + b"%b %.6f\n%b" % (b"user_message", sent.published_at, sent.body))

    def arrive(self) -> None:
        if self.on_way:
            self.feed.on_message(self.on_way.pop(0))

    def reconnect(self) -> None:
        """Lose what is on its way, and notice it."""
        self.on_way.clear()
        self.feed.begin_backfill()

    def lose_data(self) -> None:
        self.epochs += 1
        self.log.clear()

    def backfill(self) -> None:
        """Do what `RedisFeeds` does."""
        if not self.backfills:
            return
        self.backfills -= 1
        ours = self.feed.position
        assert ours is not None
        since = ours.offset if ours.epoch == self.head.epoch else 0
        missed = self.log[since:] if len(self.log) - since <= SIZE else None
        start = None if ours.epoch == self.head.epoch else Position(0, self.head.epoch)
        if missed is None:
            start, missed = self.head, []
        lost = None if start is None else discontinuity(TEAM, start, 0.0)
        some = missed[:AT_ONCE]
        reached = some[-1].offset if some else self.head.offset
        assert reached is not None
        head = Position(reached, self.head.epoch)
        self.feed.resume(head, some, lost, more=len(some) < len(missed))

    def finish(self) -> None:
        """Let everything arrive, and what is missing be backfilled."""
        for _ in range(1000):
            if not self.backfills and not self.on_way:
                return
            self.arrive()
            self.backfill()
        raise AssertionError("it backfills for ever")


STEPS: Final = ("publish", "publish", "publish", "arrive", "arrive", "reconnect", "backfill")


@given(st.lists(st.sampled_from(STEPS), max_size=60))
async def test_nothing_is_missing_or_doubled(steps: list[str]) -> None:
    redis = Redis()
    for step in steps:
        getattr(redis, step)()
    redis.publish()
    redis.finish()
    expected = 1
    for one in redis.received:
        if one.type == DISCONTINUITY:
            # More was missed than is kept.
            expected = Position(*_position_of(one)).offset + 1
            continue
        assert one.offset == expected
        expected += 1
    assert expected == len(redis.log) + 1
    assert all(redis.log[(one.offset or 0) - 1] == one for one in redis.received if one.offset)


@given(st.lists(st.sampled_from((*STEPS, "lose_data")), max_size=60))
async def test_a_new_epoch_is_reported_before_its_messages(steps: list[str]) -> None:
    redis = Redis()
    for step in steps:
        getattr(redis, step)()
    redis.publish()
    redis.reconnect()
    redis.finish()
    position = Position(0, "e1")
    for one in redis.received:
        if one.type == DISCONTINUITY:
            head = Position(*_position_of(one))
            assert head != position, "reported twice"
            position = head
        else:
            assert one.offset == position.offset + 1
            position = Position(one.offset, position.epoch)
    assert position == redis.head
    texts = [text_of(one) for one in redis.received if one.type != DISCONTINUITY]
    assert len(texts) == len(set(texts))


async def test_what_redis_has_forgotten_again_is_noticed_without_a_lost_connection() -> None:
    redis = Redis()
    for _ in range(5):
        redis.publish()
    redis.finish()
    del redis.log[3:]  # an old snapshot, and a proxy that keeps the connections
    redis.publish()
    redis.arrive()
    assert redis.backfills


async def test_what_cannot_be_backfilled_does_not_grow_without_bound() -> None:
    redis = Redis(most_buffered_bytes=1000)
    redis.reconnect()
    for _ in range(40):
        redis.publish()
        redis.arrive()
        assert sum(map(len, redis.feed._buffered or ())) <= 1000
    redis.finish()
    assert redis.feed.position == redis.head


async def test_who_joins_waits_for_what_is_on_its_way() -> None:
    redis = Redis()
    redis.publish()
    reaching = asyncio.create_task(redis.feed.wait_for(redis.head, 10))
    await asyncio.sleep(0)
    redis.arrive()
    assert await reaching is True
    assert len(redis.received) == 1


async def test_who_joins_has_what_was_lost_backfilled() -> None:
    redis = Redis()
    redis.publish()
    redis.on_way.clear()
    reaching = asyncio.create_task(redis.feed.wait_for(redis.head, 10))
    await until(lambda: redis.backfills == 1)
    redis.backfill()
    assert await reaching is True


async def test_who_joins_does_not_wait_for_ever() -> None:
    redis = Redis()
    redis.publish()
    assert await redis.feed.wait_for(redis.head, 0.2) is False


async def test_what_is_no_publication_is_ignored() -> None:
    redis = Redis()
    redis.feed.on_message(b"PUBLISH by hand")
    redis.publish()
    redis.arrive()
    assert len(redis.received) == 1


def _position_of(lost: Publication) -> tuple[int, str]:
    data = orjson.loads(lost.body)["data"]
    return data["offset"], data["epoch"]

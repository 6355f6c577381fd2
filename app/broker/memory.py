"""Memory broker: the order and history of each channel of a single process."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2s
from typing import Final, NamedTuple

from app.broker.contract import BrokerEvents, Fence, OnWatched, Published
from app.core.channel import Channel
from app.core.epoch import name_epoch
from app.core.history import HistoryOptions, HistoryWindow, Page, Position, Recovery
from app.core.message import IDEMPOTENCY_SECONDS, Message, Receipt, make_publication
from app.core.sizes import Sizes
from app.tasks import Tasks

HOUSEKEEPING_SECONDS: Final = 60.0


class _Remembered(NamedTuple):
    receipt: Receipt
    published_at: float


@dataclass(slots=True)
class _ChannelState:
    window: HistoryWindow
    # By nonce, to deduplicate; in the order of publishing, which is the order of expiry.
    receipts: OrderedDict[str, _Remembered] = field(default_factory=OrderedDict)
    subscribed: bool = False
    left_at: float = 0.0

    def forget_receipts(self, now: float) -> None:
        while self.receipts:
            key, receipt = next(iter(self.receipts.items()))
            if receipt.published_at > now - IDEMPOTENCY_SECONDS:
                return
            del self.receipts[key]

    def is_idle(self, left_before: float) -> bool:
        in_use = self.subscribed or self.receipts or len(self.window)
        return not in_use and self.left_at <= left_before


class MemoryBroker:
    """See `Broker`. No method awaits anything, so each is atomic.

    Args:
        history: what is kept of each channel.
        clock: seconds since 1970.
    """

    def __init__(self, history: HistoryOptions, clock: Callable[[], float] = time.time) -> None:
        self._events: BrokerEvents | None = None
        self._history = history
        self._clock = clock
        self._sequence = 0
        # Epochs are derived from these two and the channel: a channel that never had a message is
        # in the same epoch after it was forgotten, so no discontinuity needs to be reported.
        self._epoch_key = secrets.token_bytes(16)
        self._started_at = clock()
        self._forgotten = 0
        self._channels: dict[Channel, _ChannelState] = {}
        self._watched: dict[str, OnWatched] = {}
        self._tasks = Tasks("housekeeping")

    @property
    def ready(self) -> bool:
        return True

    async def start(self, events: BrokerEvents) -> None:
        self._events = events
        self._tasks.every(HOUSEKEEPING_SECONDS, self.forget_idle)

    async def close(self) -> None:
        await self._tasks.cancel()

    async def publish(self, channel: Channel, message: Message) -> Receipt:
        return self.publish_nowait(channel, message)

    async def publish_all(
        self, targets: Sequence[tuple[Channel, Message]], fence: Fence | None = None
    ) -> Published:
        return Published([self.publish_nowait(channel, message) for channel, message in targets])

    def publish_nowait(self, channel: Channel, message: Message) -> Receipt:
        state = self._channels.get(channel) or self._state(channel)
        if (nonce_key := message.nonce_key) is not None:
            now = self._clock()
            state.forget_receipts(now)
            if (first := state.receipts.get(nonce_key)) is not None:
                return replace(first.receipt, duplicate=True)
        window = state.window
        self._sequence += 1
        if message.kept:
            publication = make_publication(message, window.offset + 1, self._sequence)
            window.append(publication, message.compaction_key)
        else:
            publication = make_publication(message, None, self._sequence)
        receipt = Receipt(publication.offset, window.epoch, message.timestamp)
        if nonce_key is not None:
            state.receipts[nonce_key] = _Remembered(receipt, message.published_at)
        if state.subscribed and self._events is not None:
            self._events.on_publication(channel, publication)
        if (on_watched := self._watched.get(channel.namespace)) is not None:
            on_watched(channel, publication)
        return receipt

    async def subscribe(self, channel: Channel) -> None:
        self._state(channel).subscribed = True

    async def unsubscribe(self, channel: Channel) -> None:
        if (state := self._channels.get(channel)) is not None:
            state.subscribed, state.left_at = False, self._clock()

    async def watch(self, namespace: str, on_watched: OnWatched) -> None:
        self._watched[namespace] = on_watched

    async def unwatch(self, namespace: str) -> None:
        self._watched.pop(namespace, None)

    async def recover(
        self,
        channel: Channel,
        since: Position | None,
        limit: int | None,
        most_bytes: int | None = None,
    ) -> Recovery:
        return self._window(channel).recover(since, limit, self._clock(), most_bytes)

    async def history(
        self, channel: Channel, before: int | None, limit: int, most_bytes: int | None = None
    ) -> Page:
        return self._window(channel).page(before, limit, self._clock(), most_bytes)

    async def channels(self, namespace: str) -> list[Channel]:
        return [
            channel
            for channel, state in self._channels.items()
            if state.subscribed and channel.namespace == namespace
        ]

    async def sizes(self) -> Sizes:
        return Sizes(history=self.held_bytes)

    @property
    def held_bytes(self) -> int:
        """The number of bytes in the history of all channels."""
        return sum(state.window.bytes for state in self._channels.values())

    def forget(self, size: int) -> None:
        """Remove about so many bytes of history, the oldest messages of the largest first."""
        states = sorted(self._channels.values(), key=lambda one: one.window.bytes, reverse=True)
        for state in states:
            if size <= 0:
                return
            before = state.window.bytes
            state.window.shrink(before - size)
            size -= before - state.window.bytes

    def forget_idle(self) -> None:
        """Drop expired messages and receipts, and the channels of which nothing is left.

        Such a channel starts again in a new epoch if it had messages, so that its next offset 1
        isn't mistaken for the old one.
        """
        now = self._clock()
        for channel, state in list(self._channels.items()):
            state.window.trim(now)
            state.forget_receipts(now)
            if state.is_idle(now - self._history.recovery_seconds):
                self._forgotten += state.window.offset > 0
                del self._channels[channel]

    def _state(self, channel: Channel) -> _ChannelState:
        state = self._channels.get(channel)
        if state is None:
            state = self._channels[channel] = _ChannelState(self._window(channel))
        return state

    def _window(self, channel: Channel) -> HistoryWindow:
        """Return a channel's history, to be read: it leaves nothing of one that isn't there."""
        state = self._channels.get(channel)
        if state is not None:
            return state.window
        return HistoryWindow(self._epoch(channel), self._history)

    def _epoch(self, channel: Channel) -> str:
        name = f"{self._forgotten} {channel}".encode()
        digest = blake2s(name, key=self._epoch_key, digest_size=6).hexdigest()
        # Not its real birth, which would tell apart what is the same epoch; but one that rises.
        return name_epoch(self._started_at + self._forgotten / 1000, digest)

"""The broker of a single process: everything in memory."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2s
from typing import NamedTuple

from app.broker.base import Changed, Receive
from app.core.channel import Channel
from app.core.history import HistoryWindow, Page, Position, Recovery
from app.core.identity import Identity
from app.core.message import IDEMPOTENCY_SECONDS, Message, Receipt, place
from app.core.presence import Members, Presence


class _Remembered(NamedTuple):
    receipt: Receipt
    published_at: float


@dataclass(slots=True)
class _ChannelState:
    window: HistoryWindow
    presence: Presence = field(default_factory=Presence)
    # In the order of publishing, which is the order of expiry.
    receipts: dict[str, _Remembered] = field(default_factory=dict)
    subscribed: bool = False
    next_turn: float = 0.0
    left_at: float = 0.0

    def forget_receipts(self, now: float) -> None:
        for key, receipt in list(self.receipts.items()):
            if receipt.published_at > now - IDEMPOTENCY_SECONDS:
                break
            del self.receipts[key]

    def is_idle(self, left_before: float) -> bool:
        in_use = self.subscribed or self.receipts or len(self.presence) or len(self.window)
        return not in_use and self.left_at <= left_before


class MemoryBroker:
    """Keep each channel's order, history and presence in this process.

    No method waits for anything, so each is one step to everybody else.

    Args:
        history_size: most messages kept per channel; 0 keeps none.
        history_seconds: how long each is kept; 0 sets no age.
        clock: seconds since 1970.
        recovery_seconds: how long the position of a channel that nobody is in is remembered at
            least.
    """

    def __init__(
        self,
        history_size: int,
        history_seconds: float,
        clock: Callable[[], float] = time.time,
        recovery_seconds: float = 0,
    ) -> None:
        self.receive: Receive = lambda channel, publication: None
        self.changed: Changed = _tell_nobody
        self._sequence = 0
        # Epochs are made of these two and the channel: one that never had a message is in the same
        # epoch after it was forgotten, so that who was there needs no telling of a loss.
        self._life = secrets.token_bytes(16)
        self._forgotten = 0
        self._history_size = history_size
        self._history_seconds = history_seconds
        self._clock = clock
        self._recovery_seconds = recovery_seconds
        self._channels: dict[Channel, _ChannelState] = {}

    @property
    def ready(self) -> bool:
        return True

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def publish(self, channel: Channel, message: Message) -> Receipt:
        return self._publish(channel, message)

    def publish_nowait(self, channel: Channel, message: Message) -> Receipt:
        return self._publish(channel, message)

    def _publish(self, channel: Channel, message: Message) -> Receipt:
        state = self._channels.get(channel) or self._state(channel)
        if (nonce_key := message.nonce_key) is not None:
            now = self._clock()
            state.forget_receipts(now)
            if (first := state.receipts.get(nonce_key)) is not None:
                return replace(first.receipt, duplicate=True)
        window = state.window
        self._sequence += 1
        if message.kept:
            publication = place(message, window.offset + 1, self._sequence)
            window.append(publication)
        else:
            publication = place(message, None, self._sequence)
        receipt = Receipt(publication.offset, window.epoch, message.timestamp)
        if nonce_key is not None:
            state.receipts[nonce_key] = _Remembered(receipt, message.published_at)
        if state.subscribed:
            self.receive(channel, publication)
        return receipt

    async def subscribe(self, channel: Channel) -> None:
        self._state(channel).subscribed = True

    async def unsubscribe(self, channel: Channel) -> None:
        state = self._state(channel)
        state.subscribed, state.left_at = False, self._clock()

    async def recover(
        self, channel: Channel, since: Position | None, limit: int | None
    ) -> Recovery:
        return self._state(channel).window.recover(since, limit, self._clock())

    async def history(self, channel: Channel, before: int | None, limit: int) -> Page:
        return self._state(channel).window.page(before, limit, self._clock())

    async def enter(self, channel: Channel, sid: str, identity: Identity) -> bool:
        return self._state(channel).presence.enter(sid, identity, self._clock())

    async def exit(self, channel: Channel, sid: str, identity: Identity) -> bool:
        return self._state(channel).presence.exit(sid, identity)

    async def members(self, channel: Channel, limit: int | None = None) -> Members:
        state = self._channels.get(channel)
        return state.presence.members(limit) if state else Members(0, [])

    async def turn(self, channel: Channel, seconds: float) -> float:
        state, now = self._state(channel), asyncio.get_running_loop().time()
        if now < state.next_turn:
            return state.next_turn - now
        state.next_turn = now + seconds
        return 0.0

    async def owe(self, channel: Channel) -> None: ...

    async def owed(self, seconds: float) -> list[Channel]:
        return []  # who owed it would be this process

    async def channels(self, namespace: str) -> list[Channel]:
        return [
            channel
            for channel, state in self._channels.items()
            if state.subscribed and channel.namespace == namespace
        ]

    def forget_idle(self) -> None:
        """Drop what has aged, and channels that nothing is left of.

        Such a channel starts again in a new epoch if it had messages, so nobody mistakes its next
        offset 1 for the old one.
        """
        now = self._clock()
        for channel, state in list(self._channels.items()):
            state.window.trim(now)
            state.forget_receipts(now)
            if state.is_idle(now - self._recovery_seconds):
                self._forgotten += state.window.offset > 0
                del self._channels[channel]

    def _state(self, channel: Channel) -> _ChannelState:
        state = self._channels.get(channel)
        if state is None:
            window = HistoryWindow(self._epoch(channel), self._history_size, self._history_seconds)
            state = self._channels[channel] = _ChannelState(window)
        return state

    def _epoch(self, channel: Channel) -> str:
        name = f"{self._forgotten} {channel}".encode()
        return blake2s(name, key=self._life, digest_size=6).hexdigest()


async def _tell_nobody(_channel: Channel, _identity: Identity, _joined: bool) -> None: ...

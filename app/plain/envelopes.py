"""Envelopes: the dialect of paths that stand for one channel, or two; and of chats."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from itertools import chain, repeat
from typing import Any, Final

from app.core.epoch import first_number
from app.core.errors import Invalid
from app.core.history import Position
from app.core.message import Receipt
from app.hub.member import Member
from app.plain import texts
from app.plain.dialect import Dialect, Speaker
from app.plain.encoding import PLAIN, NumberedEncoding
from app.plain.incoming import read_draft
from app.plain.paths import Query, read_history, read_since
from app.transport.room import Encoding

#: A chat without `since` and `history` begins with so many messages.
CHAT_MESSAGES: Final = 50
_MOST_NUMBER: Final = 1 << 53


class Envelopes(Dialect):
    """The channels of the path are joined; what is sent is published there."""

    encoding: Encoding = PLAIN

    def __init__(self, client: Speaker) -> None:
        super().__init__(client)
        self._since: list[Position | None] = []  # for each channel, in their order
        self._history: int | None = None

    def prepare(self, query: Query) -> None:
        self._since = [read_since(text) for text in query.since]
        self._history = read_history(query.history)

    async def begin(self, member: Member) -> None:
        hub = self.hub
        async with AsyncExitStack() as stack:
            joined: list[texts.JoinedChannel] = []
            positions = chain(self._since, repeat(None))
            for channel, since in zip(self.open_to(member.identity), positions, strict=False):
                joining = hub.memberships.joining(member, channel, since, self._history)
                joined.append((channel, since, await stack.enter_async_context(joining)))
            if self._history is not None and not any(self._since):
                joined = texts.newest(joined, self._history)
            self.write(self._welcome(member, joined))
            self._since, self._history = [], None

    def _welcome(self, member: Member, joined: Sequence[texts.JoinedChannel]) -> bytes:
        now = self.hub.clock()
        places = texts.places(joined)
        frames = [texts.acknowledgement(member.identity, self.client.limits, now, channels=places)]
        for channel, since, one in joined:
            if since is not None and not one.recovery.recovered:
                frames.append(texts.loss(channel, one.recovery, now))
        following = [
            (publication.sequence, channel, publication)
            for channel, _since, one in joined
            for publication in one.recovery.publications
        ]
        following.sort(key=lambda one: one[0])
        frames += [self.encoding.encode(channel, one) for _sequence, channel, one in following]
        return b"".join(frames)

    def handle(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        match message["type"]:
            case "ping":
                self.pong()
            case "pong":
                pass  # some clients' answer to a heartbeat
            case _:
                return self._publish(member, message)
        return None

    def _publish(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        channels = self.client.endpoint.channels_of(member.identity)
        draft = read_draft(message, channels, member.identity)
        receipt = self.hub.publish_as(member.identity, draft)
        return None if isinstance(receipt, Receipt) else receipt


class Chat(Envelopes):
    """A chat: it begins with history, and its messages are numbered across epochs.

    So a page that knows nothing of epochs can ask, by the number of the last message that it has,
    for what it has missed.
    """

    encoding: NumberedEncoding

    def __init__(self, client: Speaker) -> None:
        super().__init__(client)
        self.encoding = NumberedEncoding()

    def prepare(self, query: Query) -> None:
        super().prepare(query)
        if self._history is None and not any(self._since):
            self._history = CHAT_MESSAGES

    def _welcome(self, member: Member, joined: Sequence[texts.JoinedChannel]) -> bytes:
        for _channel, _since, one in joined:  # there is one
            self.encoding.epoch = one.recovery.position.epoch
        return super()._welcome(member, joined)

    def handle(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        if message["type"] == "client.resume":
            return self._resume(member, message.get("lastClientIndex"))
        return super().handle(member, message)

    async def _resume(self, member: Member, number: object) -> None:
        """Join again, from the message of a number: what follows comes first, then what is live."""
        if not isinstance(number, int) or isinstance(number, bool) or number >= _MOST_NUMBER:
            raise Invalid(fields={"lastClientIndex": "Must be the seq of a message, or 0."})
        [channel] = self.open_to(member.identity)
        epoch = self.encoding.epoch
        offset = number - first_number(epoch) if number > 0 else 0
        since = Position(offset, epoch) if offset >= 0 else Position(0, "")  # of an older epoch
        async with self.hub.memberships.joining(member, channel, since, None) as joined:
            recovery, now = joined.recovery, self.hub.clock()
            epoch = self.encoding.epoch = recovery.position.epoch
            frames = [] if recovery.recovered else [texts.loss(channel, recovery, now)]
            frames += [self.encoding.encode(channel, one) for one in recovery.publications]
            boundary = {
                "replayed_events": len(recovery.publications) + recovery.following,
                "seq": first_number(epoch) + recovery.newest,
            }
            last = texts.notice_frame("chat.resume_boundary", boundary, now, channel.name)
            if recovery.following:
                self.encoding.end_with(recovery.newest, last)
            else:
                frames.append(last)
            self.write(b"".join(frames))

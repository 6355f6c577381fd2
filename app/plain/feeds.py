"""Feeds: the dialect of CodeWorm's dashboards, until they subscribe to topics instead."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

import orjson

from app.core.channel import Channel
from app.core.errors import Forbidden, HearthError, Invalid, NoToken
from app.core.identity import Identity
from app.core.message import Publication
from app.hub.member import Member
from app.plain.dialect import Dialect, Speaker
from app.plain.feed_encoding import FeedEncoding, feed_message
from app.plain.incoming import read_object
from app.plain.paths import EVENTS, LOGS
from app.plain.topics import Topics, is_subscribe, read_topics
from app.transport.frames import TEXT, encode

HISTORY_MESSAGES: Final = 200
_PONG: Final = encode(TEXT, b'{"type":"pong"}')


class Feeds(Dialect):
    """The feeds that the token opens are joined, with the newest logs and events.

    A client that may read none of them may still subscribe to topics; it is refused when it has
    sent anything else, or nothing in time.
    """

    encoding: FeedEncoding

    def __init__(self, client: Speaker) -> None:
        super().__init__(client)
        self.encoding = FeedEncoding(client.connection)
        self._undecided = False  # it may read no feed, and has sent nothing yet

    def open_to(self, identity: Identity) -> tuple[Channel, ...]:
        try:
            return super().open_to(identity)
        except Forbidden:
            return ()

    async def begin(self, member: Member) -> None:
        channels = self.open_to(member.identity)
        self._undecided = not channels
        if self._undecided:
            self.client.expect()
            return
        with self.encoding.held():
            async with AsyncExitStack() as stack:
                kept: list[tuple[Channel, Publication]] = []
                for channel in channels:
                    limit = HISTORY_MESSAGES if channel in (LOGS, EVENTS) else None
                    joining = self.hub.memberships.joining(member, channel, None, limit)
                    joined = await stack.enter_async_context(joining)
                    kept += [(channel, one) for one in joined.recovery.publications]
                if kept:
                    self.write(_history(kept))

    def late(self) -> HearthError:
        return NoToken("No token came in time.") if self.client.stranger else Forbidden()

    async def renew(self, member: Member, identity: Identity) -> list[Channel]:
        left = await super().renew(member, identity)
        if not member.channels:
            self.client.refuse(Forbidden())
        return left

    def renewed(self, identity: Identity) -> None:
        """The feeds' clients expect no answer."""

    def read(self, frame: str | bytes) -> dict[str, Any]:
        if frame == "ping":
            return {"type": "ping"}
        return read_object(frame, self.client.max_message_bytes)

    def handle(self, member: Member, message: dict[str, Any]) -> Awaitable[object] | None:
        if is_subscribe(message):
            return self._subscribe(read_topics(message))
        if self._undecided:
            self.client.refuse(self.late())
            return None
        match message.get("type"):
            case "ping":
                self.write(_PONG)
            case "pong":
                pass  # some clients' answer to a heartbeat
            case _:
                raise Invalid("Nothing is published here; this path only listens.")
        return None

    async def _subscribe(self, topics: list[str]) -> None:
        self.client.got()
        dialect = Topics(self.client)
        await dialect.subscribe(await self.client.become(dialect), topics)


def _history(kept: Sequence[tuple[Channel, Publication]]) -> bytes:
    """Return the frame of the newest logs and events, in the order of publishing."""
    newest = sorted(kept, key=lambda one: one[1].sequence)[-HISTORY_MESSAGES:]
    data = [feed_message(channel, publication) for channel, publication in newest]
    return encode(TEXT, orjson.dumps({"channel": "codeworm:history", "data": data}))

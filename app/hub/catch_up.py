"""Catching up: members that are behind get history at the pace at which they read it.

An answer holds a part of history only (docs/protocol.md, "Requests"). The rest follows as events:
the member isn't in the room yet, nothing is held for it, and whenever its connection has taken what
was sent, the next part is read from history. Once nothing is left there, it enters the room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from app.broker.contract import Broker
from app.broker.record import discontinuity
from app.core.channel import Channel
from app.core.closing import Closing
from app.core.errors import HearthError
from app.core.history import Position, Recovery
from app.core.merging import Read, merge
from app.core.message import DISCONTINUITY, Publication
from app.hub.fanout import FanOut
from app.hub.join_buffer import JoinBuffer
from app.hub.member import Member
from app.tasks import Tasks

_RETRY_SECONDS: Final = 0.25

log = structlog.get_logger("hearth.hub")


class CatchUp:
    """The members that are behind, and where each is in which channels.

    One member's channels are read in the order of publishing, and it enters their rooms together.

    Args:
        part_bytes: of history that are sent at a time, and that may be unsent before the next.
        clock: seconds since 1970.
    """

    def __init__(
        self, broker: Broker, fanout: FanOut, part_bytes: int, clock: Callable[[], float]
    ) -> None:
        self._broker = broker
        self._fanout = fanout
        self._part_bytes = part_bytes
        self._clock = clock
        # Not by session id: a connection that comes back has the same one, and the task of the
        # former connection may not have noticed its end yet.
        self._behind: dict[Member, dict[Channel, Position]] = {}
        self._members: dict[Channel, set[Member]] = {}
        self._buffer = JoinBuffer()
        self._tasks = Tasks("members that catch up")

    async def close(self) -> None:
        """Stop reading."""
        await self._tasks.cancel()

    def __contains__(self, channel: Channel) -> bool:
        return channel in self._members

    def begin(self, member: Member, channel: Channel, position: Position) -> None:
        """Send a member what follows a position, and have it enter the room then."""
        self._members.setdefault(channel, set()).add(member)
        behind = self._behind.get(member)
        if behind is None:
            behind = self._behind[member] = {channel: position}
            self._tasks.add(self._catch_up(member, behind))
        else:
            behind[channel] = position

    def end(self, member: Member, channel: Channel) -> Position | None:
        """Send a member no more of a channel; return where it was, if it was behind."""
        position = self._behind.get(member, {}).pop(channel, None)
        if position is not None:
            members = self._members[channel]
            members.remove(member)
            if not members:
                del self._members[channel]
        return position

    def on_publication(self, channel: Channel, publication: Publication) -> None:
        """Pass on what history doesn't keep; the rest is read from there."""
        members = self._members.get(channel)
        if members is None:
            return
        if publication.offset is None and publication.type != DISCONTINUITY:
            for member in members:
                self._fanout.send(member, channel, publication)
        else:
            self._buffer.add(channel, publication)

    async def _catch_up(self, member: Member, behind: dict[Channel, Position]) -> None:
        try:
            while behind and await member.connection.until_unsent(self._part_bytes):
                try:
                    await self._send_part(member, behind)
                except HearthError:  # the broker's; where it is, that is logged
                    await asyncio.sleep(_RETRY_SECONDS)
        except Exception:
            # It would hear nothing for ever: its client comes back, and recovers.
            log.exception("could not read on for a member", namespace=member.namespace)
            member.connection.close(Closing.UNAVAILABLE)
        finally:
            for channel in list(behind):
                self.end(member, channel)
            del self._behind[member]

    async def _send_part(self, member: Member, behind: dict[Channel, Position]) -> None:
        # It may have left the last channel while it was waited for.
        part_bytes = max(1, self._part_bytes // max(1, len(behind)))
        reads: dict[Channel, Read] = {}
        buffered: dict[Channel, list[Publication]] = {}
        try:
            for channel, since in list(behind.items()):
                buffered[channel] = self._buffer.begin(member, channel)
                recovery = await self._broker.recover(channel, since, None, part_bytes)
                reads[channel] = Read(since, recovery)
        finally:
            for channel in buffered:
                self._buffer.end(member, channel)
        # What it has left or joined again meanwhile is no longer read from here.
        reads = {
            channel: read for channel, read in reads.items() if behind.get(channel) is read.since
        }
        parts, reached = merge(reads)
        told: set[Channel] = set()
        for channel, publication in parts:
            if channel not in told and not reached[channel].recovered:
                self._tell_gap(member, channel, reached[channel])
            told.add(channel)
            self._fanout.send(member, channel, publication)
        for channel, recovery in reached.items():
            if recovery.following:
                behind[channel] = recovery.position
                continue
            if not recovery.recovered and channel not in told:
                self._tell_gap(member, channel, recovery)
            self.end(member, channel)
            self._fanout.go_live(member, channel, recovery.position, buffered[channel])

    def _tell_gap(self, member: Member, channel: Channel, recovery: Recovery) -> None:
        gap = discontinuity(channel, recovery.start, self._clock())
        self._fanout.send(member, channel, gap)

"""The join buffer: what is published while members are joining."""

from __future__ import annotations

from app.core.channel import Channel
from app.core.message import Publication
from app.hub.member import Member


class JoinBuffer:
    """Publications, in order, for each member that is joining a channel."""

    def __init__(self) -> None:
        self._buffers: dict[Channel, dict[Member, list[Publication]]] = {}

    def __contains__(self, channel: Channel) -> bool:
        return channel in self._buffers

    def add(self, channel: Channel, publication: Publication) -> None:
        """Buffer a publication for every member that is joining its channel."""
        for buffered in self._buffers.get(channel, {}).values():
            buffered.append(publication)

    def begin(self, member: Member, channel: Channel) -> list[Publication]:
        """Start buffering for a member; return the list that publications are appended to."""
        return self._buffers.setdefault(channel, {}).setdefault(member, [])

    def end(self, member: Member, channel: Channel) -> bool:
        """Stop buffering for a member; return False if that was done before."""
        buffers = self._buffers.get(channel, {})
        was_there = buffers.pop(member, None) is not None
        if not buffers:
            self._buffers.pop(channel, None)
        return was_there

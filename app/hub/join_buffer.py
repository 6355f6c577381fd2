"""The buffer of joins: what is published for connections that have not read their history yet."""

from __future__ import annotations

from app.core.channel import Channel
from app.core.message import Publication
from app.hub.member import Member


class JoinBuffer:
    """Keeps publications, in order, for each connection that is joining a channel."""

    def __init__(self) -> None:
        self._buffers: dict[Channel, dict[str, list[Publication]]] = {}

    def __contains__(self, channel: Channel) -> bool:
        return channel in self._buffers

    def add(self, channel: Channel, publication: Publication) -> None:
        """Keep a publication for everybody who is joining its channel."""
        for buffered in self._buffers.get(channel, {}).values():
            buffered.append(publication)

    def begin(self, member: Member, channel: Channel) -> list[Publication]:
        """Begin to keep what is published; return the list that it goes into."""
        return self._buffers.setdefault(channel, {}).setdefault(member.sid, [])

    def end(self, member: Member, channel: Channel) -> bool:
        """Stop it; False when that was done already."""
        buffers = self._buffers.get(channel, {})
        was_there = buffers.pop(member.sid, None) is not None
        if not buffers:
            self._buffers.pop(channel, None)
        return was_there

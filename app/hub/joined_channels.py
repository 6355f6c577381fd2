"""Channels that connections have joined: no more than a connection may be in."""

from __future__ import annotations

from collections import Counter

from app.core.channel import Channel
from app.core.errors import TooManyChannels
from app.hub.member import Member
from app.transport.connection import Connection


class JoinedChannels:
    """The number of channels that each connection has joined, in all namespaces together.

    Args:
        most: channels of one connection at a time (`CHANNELS_PER_CONNECTION`); 0: any number.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: Counter[Connection] = Counter()

    def require_room(self, member: Member, channel: Channel) -> None:
        """Raise `TooManyChannels` if a member may not join a channel too."""
        if channel not in member.channels and 0 < self._most <= self._counts[member.connection]:
            raise TooManyChannels(f"A connection joins at most {self._most:,} channels at a time.")

    def add(self, member: Member, channel: Channel) -> None:
        """Note that a member has joined a channel."""
        if channel not in member.channels:
            member.channels.add(channel)
            self._counts[member.connection] += 1

    def remove(self, member: Member, channel: Channel) -> None:
        """Note that a member has left a channel."""
        member.channels.remove(channel)
        self._counts[member.connection] -= 1
        if not self._counts[member.connection]:
            del self._counts[member.connection]

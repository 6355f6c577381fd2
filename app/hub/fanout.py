"""What the Hub asks of whatever hands messages to connections: `app.realtime`, `app.plain`."""

from __future__ import annotations

from typing import Protocol

from app.core.channel import Channel
from app.core.message import Publication


class FanOut(Protocol):
    """Hands publications to the members in this process. Nothing here waits or raises."""

    def enter(self, sid: str, channel: Channel) -> None:
        """Make a connection a member: it gets what is delivered from now on."""

    def leave(self, sid: str, channel: Channel) -> None:
        """End what `enter` began."""

    def has_members(self, channel: Channel) -> bool:
        """Tell whether a member of `channel` is connected here."""

    def deliver(self, channel: Channel, publication: Publication) -> None:
        """Send a publication to every member of `channel` here."""

    def send(self, sid: str, channel: Channel, publication: Publication) -> None:
        """Send a publication to one connection."""


class EveryFanOut:
    """Several fan-outs as one; to a connection that it doesn't know, each does nothing."""

    def __init__(self, *fanouts: FanOut) -> None:
        self._fanouts = fanouts

    def enter(self, sid: str, channel: Channel) -> None:
        for fanout in self._fanouts:
            fanout.enter(sid, channel)

    def leave(self, sid: str, channel: Channel) -> None:
        for fanout in self._fanouts:
            fanout.leave(sid, channel)

    def has_members(self, channel: Channel) -> bool:
        return any(fanout.has_members(channel) for fanout in self._fanouts)

    def deliver(self, channel: Channel, publication: Publication) -> None:
        for fanout in self._fanouts:
            fanout.deliver(channel, publication)

    def send(self, sid: str, channel: Channel, publication: Publication) -> None:
        for fanout in self._fanouts:
            fanout.send(sid, channel, publication)

"""A fan-out that remembers what each member would have got."""

from __future__ import annotations

from collections import defaultdict

import orjson

from app.core.channel import Channel
from app.core.message import Publication


class RecordingFanOut:
    """Members in memory; `inbox` holds what was sent to each connection, in order."""

    def __init__(self) -> None:
        self.members: defaultdict[Channel, list[str]] = defaultdict(list)
        self.inbox: defaultdict[str, list[Publication]] = defaultdict(list)

    def enter(self, sid: str, channel: Channel) -> None:
        if sid not in self.members[channel]:
            self.members[channel].append(sid)

    def leave(self, sid: str, channel: Channel) -> None:
        if sid in self.members[channel]:
            self.members[channel].remove(sid)

    def has_members(self, channel: Channel) -> bool:
        return bool(self.members[channel])

    def channels(self, namespace: str) -> list[Channel]:
        return [
            channel
            for channel, sids in self.members.items()
            if sids and channel.namespace == namespace
        ]

    def deliver(self, channel: Channel, publication: Publication) -> None:
        for sid in self.members[channel]:
            self.inbox[sid].append(publication)

    def send(self, sid: str, channel: Channel, publication: Publication) -> None:
        self.inbox[sid].append(publication)

    def texts(self, sid: str) -> list[str]:
        """Return the `content` of each message that a connection got."""
        return [orjson.loads(one.body)["data"]["content"] for one in self.inbox[sid]]

"""Members whose connections lead nowhere, and a fan-out that remembers what they would get."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import orjson

from app.core.channel import Channel
from app.core.closing import Closing
from app.core.counters import Counters
from app.core.identity import Identity
from app.core.message import Publication
from app.hub.fanout import FanOut
from app.hub.member import Member
from app.realtime.encoding import SOCKET_IO
from app.transport.connection import Connection, State, discard
from app.transport.flow import ProtocolError
from app.transport.limits import Limits


class Nowhere(Connection):
    """A connection that takes everything.

    Args:
        on_closed: called once it is closed.
    """

    def __init__(self, on_closed: Callable[[], object] = lambda: None) -> None:
        super().__init__(State.OPEN, discard, Limits(1000, 2000, 1000))
        self.closings: list[Closing] = []
        self._on_closed = on_closed

    def _handle(self, message: str | bytes) -> None: ...

    def fail(self, error: ProtocolError) -> None:
        raise error

    def close(self, closing: Closing) -> None:
        self.closings.append(closing)
        if not self.closed:
            self.state = State.CLOSED
            self._on_closed()


def new_member(
    sid: str, namespace: str, identity: Identity, connection: Connection | None = None
) -> Member:
    """Return a member of no channel yet."""
    return Member(sid, namespace, identity, connection or Nowhere(), SOCKET_IO)


class RecordingFanOut(FanOut):
    """Members in memory; `inbox` holds what was sent to each session id, in order."""

    def __init__(self) -> None:
        super().__init__(Counters())
        self.members: defaultdict[Channel, dict[str, Member]] = defaultdict(dict)
        self.inbox: defaultdict[str, list[Publication]] = defaultdict(list)

    def enter(self, member: Member, channel: Channel) -> None:
        self.members[channel][member.sid] = member

    def leave(self, member: Member, channel: Channel) -> None:
        self.members[channel].pop(member.sid, None)

    def __contains__(self, channel: object) -> bool:
        return any(members for one, members in self.members.items() if one == channel)

    def deliver(self, channel: Channel, publication: Publication) -> None:
        for sid in self.members[channel]:
            self.inbox[sid].append(publication)

    def send(self, member: Member, channel: Channel, publication: Publication) -> None:
        self.inbox[member.sid].append(publication)

    def texts(self, sid: str) -> list[str]:
        """Return the `content` of each message that a connection got."""
        return [orjson.loads(one.body)["data"]["content"] for one in self.inbox[sid]]

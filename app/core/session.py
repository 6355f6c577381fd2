"""What it takes to restore a dropped connection (contract §4, promise 8).

A stock client keeps one string for all its channels: the last argument of the last event that it
received. So that string says where the client was in each of them, and a connection is restored by
joining each channel again from there. Nothing has to be kept of what was sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.channel import Channel
from app.core.history import Position
from app.core.identity import Identity
from app.core.message import DISCONTINUITY, Publication

LONGEST_OFFSET: Final = 65_536
# A client that begins anew still has the offset string of its last session.
_TAG_LENGTH: Final = 6
_OFFSET: Final = re.compile(
    r"([A-Za-z0-9_-]{6}):([0-9]{1,9}):((?:[0-9]{1,9}\.[0-9]{1,16}(?:,(?=[0-9])|$))*)"
)


def whose_session(namespace: str, identity: Identity) -> str:
    """Return what says who may come back for a session. Strangers prove that by its pid alone."""
    return f"{namespace} {'stranger' if identity.stranger else identity.key}"


@dataclass(slots=True, eq=False)
class Cursor:
    """Where a client is in a channel that it has joined.

    Args:
        number: names this cursor in offset strings; no other cursor of the session ever has it.
        epoch: the epoch that the offsets count in.
        base: offset of the last message before those that come as events.
        trusted: whether the server made it join, whatever the token says.
        offset: of the last message that was sent.
    """

    number: int
    epoch: str
    base: int
    trusted: bool = False
    offset: int = 0

    def advance(self, offset: int) -> None:
        """Note that everything up to an offset was sent."""
        self.offset = offset

    def __post_init__(self) -> None:
        self.offset = max(self.offset, self.base)


@dataclass(slots=True, eq=False)
class Session:
    """A connection to one namespace that can be restored: in Redis, all but what was sent.

    Args:
        pid: by which the client asks for it; a secret between the two.
        owner: names the connection that has it now.
        sid, namespace: of the client.
        identity_id: its identity's id.
        whose: who may come back for it; see `whose_session`.
        life: counts how often history was lost in one of its channels: an offset string of another
            life says too little.
        over: whether the client or the server has ended it for good.
    """

    pid: str
    owner: str
    sid: str
    namespace: str
    identity_id: str
    whose: str
    life: int = 0
    over: bool = False
    cursors: dict[str, Cursor] = field(default_factory=dict)
    _numbers: int = 0
    # What offset strings begin with, as long as only this cursor moves on.
    _moving: Cursor | None = None
    _head: bytes = b""

    def finish(self) -> None:
        """End it for good."""
        self.over = True

    # Membership

    def enter(self, name: str, position: Position, *, trusted: bool) -> Cursor | None:
        """Note that the client joins a channel at a position; return its cursor there so far."""
        self._numbers += 1
        cursor = Cursor(self._numbers, position.epoch, position.offset, trusted)
        return self._put(name, cursor)

    def leave(self, name: str) -> None:
        """Note that the client has left a channel."""
        self._put(name, None)

    def put_back(self, name: str, cursor: Cursor | None) -> None:
        """Undo what `enter` did, which has returned this cursor."""
        self._put(name, cursor)

    def _put(self, name: str, cursor: Cursor | None) -> Cursor | None:
        self._moving = None
        before = self.cursors.pop(name, None)
        if cursor is not None:
            self.cursors[name] = cursor
        return before

    # Offset strings

    def head(self, cursor: Cursor) -> bytes:
        """Return what offset strings begin with while only this cursor moves: its offset follows.

        They are `<tag>:<life>:<number>.<offset>,<number>.<offset>…`, with the cursors that have
        moved; the tag tells them from those of other sessions.
        """
        if cursor is not self._moving:
            self._moving = cursor
            others = [one for one in self.cursors.values() if one is not cursor]
            moved = [
                b"%d.%d," % (one.number, one.offset) for one in others if one.offset > one.base
            ]
            self._head = b"%b%b%d." % (self._prefix.encode(), b"".join(moved), cursor.number)
        return self._head

    def follow(self, cursor: Cursor, publication: Publication) -> bytes:
        """Note that a publication is sent to the client; return the offset string it brings."""
        if publication.offset is not None:
            cursor.offset = publication.offset
        elif publication.type == DISCONTINUITY:
            self._begin_anew(cursor, publication)
        return b"%b%d" % (self.head(cursor), cursor.offset)

    def text(self) -> str:
        """Return the offset string of this moment."""
        moved = [f"{one.number}.{one.offset}" for one in self.cursors.values()]
        return f"{self._prefix}{','.join(moved)}"

    def resume(self, offset: str | None) -> bool:
        """Go back to where the client was.

        Args:
            offset: the last offset string that it received, None if it has received none.

        Returns:
            False where that can't be told: a string of another life, or no offset string.
        """
        reached: dict[str, str] = {}
        life = 0
        if offset is not None:
            if len(offset) > LONGEST_OFFSET or (found := _OFFSET.fullmatch(offset)) is None:
                return False
            if found[1] == self._tag:
                life = int(found[2])
                reached = dict(pair.split(".") for pair in found[3].split(",") if pair)
        if life != self.life:
            return False
        self._moving = None
        for cursor in self.cursors.values():
            cursor.offset = int(reached.get(str(cursor.number), cursor.base))
        return True

    @property
    def _tag(self) -> str:
        return self.pid[:_TAG_LENGTH]

    @property
    def _prefix(self) -> str:
        return f"{self._tag}:{self.life}:"

    def _begin_anew(self, cursor: Cursor, publication: Publication) -> None:
        head = json.loads(publication.body)["data"]
        cursor.epoch, cursor.base, cursor.offset = head["epoch"], head["offset"], head["offset"]
        self.life += 1
        self._moving = None

    # What is kept

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` needs besides pid and owner."""
        return {
            "sid": self.sid,
            "namespace": self.namespace,
            "identity": self.identity_id,
            "whose": self.whose,
            "life": self.life,
            "numbers": self._numbers,
            "places": {
                name: [cursor.number, cursor.epoch, cursor.base, cursor.trusted]
                for name, cursor in self.cursors.items()
            },
        }

    @classmethod
    def from_dict(cls, pid: str, owner: str, kept: dict[str, Any]) -> Session:
        """Return what `to_dict` told of."""
        names = (kept["sid"], kept["namespace"], kept["identity"], kept["whose"])
        session = cls(pid, owner, *names, kept["life"])
        session._numbers = kept["numbers"]
        session.cursors = {name: Cursor(*cursor) for name, cursor in kept["places"].items()}
        return session

    def channels(self) -> list[tuple[Channel, Position, bool]]:
        """Return the channels, where the client is in each, and whether it is trusted there."""
        return [
            (Channel(self.namespace, name), Position(cursor.offset, cursor.epoch), cursor.trusted)
            for name, cursor in self.cursors.items()
        ]

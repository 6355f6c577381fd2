"""Session: what it takes to restore a lost connection (docs/protocol.md, promise 8).

A stock client stores one string for all its channels: the last argument of the last event that it
received. So that string has the client's position in each of them, and a connection is restored by
joining each channel again from there. What was sent need not be stored.
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

#: A client sends it with its CONNECT, of which as much is read as of any stranger's message.
LONGEST_OFFSET: Final = 32_768
_MOST_GENERATIONS: Final = 999_999_999
# Tells the offset strings of sessions apart: a new session's client still has the last one's.
_TAG_LENGTH: Final = 6
_OFFSET: Final = re.compile(
    r"([A-Za-z0-9_-]{6}):([0-9]{1,9}):((?:[0-9]{1,9}\.[0-9]{1,16}(?:,(?=[0-9])|$))*)"
)


def claimant_of(namespace: str, identity: Identity) -> str:
    """Return the claimant of a session: who may take it over. Strangers need only its pid."""
    return f"{namespace} {'stranger' if identity.stranger else identity.key}"


@dataclass(slots=True, eq=False)
class Cursor:
    """Where a session is in one channel.

    Args:
        number: its name in offset strings; never reused within the session.
        epoch: the epoch of the offsets.
        base: offset of the last message before those that are sent as events.
        trusted: whether the server made it join, whatever the token grants.
        offset: offset of the last message that was sent.
    """

    number: int
    epoch: str
    base: int
    trusted: bool = False
    offset: int = 0

    def advance(self, offset: int) -> None:
        """Advance to an offset, because everything up to it was sent."""
        self.offset = offset

    def __post_init__(self) -> None:
        self.offset = max(self.offset, self.base)


@dataclass(slots=True, eq=False)
class Session:
    """A client of one namespace that can be restored. Offsets are not stored: the client has them.

    Args:
        pid: its id, known only to the client and the server.
        owner: the connection that has it now, `<process>:<connection>`.
        sid, namespace: the client's.
        identity_id: the id of its identity.
        claimant: who may take it over; see `claimant_of`.
        generation: counts how often history was lost in one of its channels. Offset strings of
            another generation are not accepted.
        over: whether the client or the server has closed it for good.
    """

    pid: str
    owner: str
    sid: str
    namespace: str
    identity_id: str
    claimant: str
    generation: int = 0
    over: bool = False
    cursors: dict[str, Cursor] = field(default_factory=dict)
    _numbers: int = 0
    # A cache: the beginning of offset strings while only this cursor advances.
    _moving: Cursor | None = None
    _head: bytes = b""

    def finish(self) -> None:
        """Close it for good."""
        self.over = True

    # Membership

    def enter(self, name: str, position: Position, *, trusted: bool) -> Cursor | None:
        """Add a channel that is joined at a position; return its previous cursor, if any."""
        self._numbers += 1
        cursor = Cursor(self._numbers, position.epoch, position.offset, trusted)
        return self._put(name, cursor)

    def leave(self, name: str) -> None:
        """Remove a channel."""
        self._put(name, None)

    def restore_cursor(self, name: str, cursor: Cursor | None) -> None:
        """Undo `enter`, which has returned this cursor."""
        self._put(name, cursor)

    def _put(self, name: str, cursor: Cursor | None) -> Cursor | None:
        self._moving = None
        before = self.cursors.pop(name, None)
        if cursor is not None:
            self.cursors[name] = cursor
        return before

    # Offset strings

    def head(self, cursor: Cursor) -> bytes:
        """Return the beginning of offset strings, up to this cursor's offset.

        An offset string is `<tag>:<generation>:<number>.<offset>,<number>.<offset>…`, with the
        cursors that have advanced. One that would be too long is of a generation that there never
        is, so that its client begins anew.
        """
        if cursor is not self._moving:
            self._moving = cursor
            others = [one for one in self.cursors.values() if one is not cursor]
            moved = [
                b"%d.%d," % (one.number, one.offset) for one in others if one.offset > one.base
            ]
            self._head = b"%b%b%d." % (self._prefix.encode(), b"".join(moved), cursor.number)
            if len(self._head) > LONGEST_OFFSET:
                self._head = b"%b:%d:%d." % (self._tag.encode(), _MOST_GENERATIONS, cursor.number)
        return self._head

    def follow(self, cursor: Cursor, publication: Publication) -> bytes:
        """Advance a cursor by a publication; return the offset string to send with it."""
        if publication.offset is not None:
            cursor.offset = publication.offset
        elif publication.type == DISCONTINUITY:
            self._begin_anew(cursor, publication)
        return b"%b%d" % (self.head(cursor), cursor.offset)

    def text(self) -> str:
        """Return the current offset string."""
        moved = [f"{one.number}.{one.offset}" for one in self.cursors.values()]
        return f"{self._prefix}{','.join(moved)}"

    def resume(self, offset: str | None) -> bool:
        """Set the cursors to where the client was.

        Args:
            offset: the last offset string that it received; None if it has received none.

        Returns:
            False if that is unknown: the string is of another generation, or malformed.
        """
        reached: dict[str, str] = {}
        generation = 0
        if offset is not None:
            if len(offset) > LONGEST_OFFSET or (found := _OFFSET.fullmatch(offset)) is None:
                return False
            if found[1] == self._tag:
                generation = int(found[2])
                reached = dict(pair.split(".") for pair in found[3].split(",") if pair)
        if generation != self.generation:
            return False
        self._moving = None
        for cursor in self.cursors.values():
            # A place begins where it was let in: a client may write whatever it likes.
            cursor.offset = max(cursor.base, int(reached.get(str(cursor.number), cursor.base)))
        return True

    @property
    def _tag(self) -> str:
        return self.pid[:_TAG_LENGTH]

    @property
    def _prefix(self) -> str:
        return f"{self._tag}:{self.generation}:"

    def _begin_anew(self, cursor: Cursor, publication: Publication) -> None:
        head = json.loads(publication.body)["data"]
        cursor.epoch, cursor.base, cursor.offset = head["epoch"], head["offset"], head["offset"]
        self.generation += 1
        self._moving = None

    # The stored record

    def to_dict(self) -> dict[str, Any]:
        """Return the record for `from_dict`, without pid and owner."""
        return {
            "sid": self.sid,
            "namespace": self.namespace,
            "identity": self.identity_id,
            "whose": self.claimant,
            "life": self.generation,
            "numbers": self._numbers,
            "places": {
                name: [cursor.number, cursor.epoch, cursor.base, cursor.trusted]
                for name, cursor in self.cursors.items()
            },
        }

    @classmethod
    def from_dict(cls, pid: str, owner: str, record: dict[str, Any]) -> Session:
        """Return the session of a record that `to_dict` returned.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is no such record.
        """
        session = cls(
            pid,
            owner,
            record["sid"],
            record["namespace"],
            record["identity"],
            record["whose"],
            int(record["life"]),
        )
        session._numbers = int(record["numbers"])
        session.cursors = {
            name: Cursor(int(number), str(epoch), int(base), bool(trusted))
            for name, (number, epoch, base, trusted) in record["places"].items()
        }
        return session

    def channels(self) -> list[tuple[Channel, Position, bool]]:
        """Return each channel, the client's position in it, and whether it is trusted there."""
        return [
            (Channel(self.namespace, name), Position(cursor.offset, cursor.epoch), cursor.trusted)
            for name, cursor in self.cursors.items()
        ]

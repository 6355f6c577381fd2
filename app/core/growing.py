"""Growing messages: texts that come in deltas, which history keeps and hands out as one message."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from app.core.deltas import Delta, Fit, Pieces
from app.core.message import Publication, splice

#: A text that is longer goes on in another message of history, so that its beginning can be
#: forgotten before its end.
MOST_BYTES: Final = 1_000_000
#: What each delta takes beside its text.
PIECE_BYTES: Final = 32


class Growth(NamedTuple):
    """What a publication adds to a message.

    Args:
        delta: the piece.
        envelope: of the publication, without `data`, `offset` and `nonce`.
        extra: the keys of `data` beside those of the delta.
    """

    delta: Delta
    envelope: Mapping[str, Any]
    extra: Mapping[str, Any] = {}


class Effect(NamedTuple):
    """What a publication does to messages that grow.

    Args:
        source: what it belongs to, in which nothing may change places.
        growth: what it adds to a message; None: it is one by itself.
        replaces: the messages for which it stands, or that it withdraws.
    """

    source: str
    growth: Growth | None = None
    replaces: Sequence[str] = ()


class Growing:
    """One message that grows, at the offset of its last delta.

    Args:
        publication: of the first.
        growth: what that adds.
    """

    __slots__ = ("_newest", "_pieces", "newest")

    def __init__(self, publication: Publication, growth: Growth) -> None:
        #: The publication of its last delta.
        self.newest = publication
        self._newest = growth
        self._pieces = Pieces(growth.delta, _offset(publication))

    @property
    def offset(self) -> int:
        """Of its last delta."""
        return self._pieces.offset

    @property
    def published_at(self) -> float:
        """When its last delta was, in seconds since 1970."""
        return self.newest.published_at

    @property
    def message_id(self) -> str:
        """Names the message within its channel."""
        return str(self._pieces.first.message_id)

    @property
    def bytes(self) -> int:
        """How much memory it takes, about."""
        return self._pieces.bytes + PIECE_BYTES * len(self._pieces)

    def takes(self, growth: Growth) -> bool:
        """Return whether a delta goes on with it."""
        first, delta = self._pieces.first, growth.delta
        return (
            str(delta.message_id) == self.message_id
            and delta.part == first.part
            and delta.fits(self._pieces.end) is Fit.NEXT
            and growth.extra == self._newest.extra
            and self.bytes < MOST_BYTES
        )

    def add(self, publication: Publication, growth: Growth) -> None:
        """Add the next delta. Raises `ValueError` if it isn't."""
        self._pieces.add(growth.delta, _offset(publication))
        self.newest, self._newest = publication, growth

    def after(self, offset: int) -> Publication:
        """Return what was added after an offset, joined. Raises `ValueError` if nothing was."""
        delta = self._pieces.after(offset)
        if delta is None:
            raise ValueError(f"nothing after {offset}")
        envelope = {**self._newest.envelope, "data": {**self._newest.extra, **delta.to_data()}}
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
        return replace(self.newest, body=splice(body, self.newest.offset))


class GrowingMessages:
    """The growing messages of one channel's history: which may go on, and which to replace."""

    __slots__ = ("_by_message", "_open", "_sources")

    def __init__(self) -> None:
        self._open: dict[str, Growing] = {}  # by source
        self._sources: dict[Growing, str] = {}
        self._by_message: dict[str, list[Growing]] = {}

    def going_on(self, source: str, growth: Growth) -> Growing | None:
        """Return the message that a delta goes on with; None: it begins one."""
        growing = self._open.get(source)
        return growing if growing is not None and growing.takes(growth) else None

    def begin(self, source: str, growing: Growing) -> None:
        """Add a message: no other of its source goes on."""
        self.seal(source)
        self._open[source] = growing
        self._sources[growing] = source
        self._by_message.setdefault(growing.message_id, []).append(growing)

    def seal(self, source: str) -> None:
        """Let no message of a source go on: something else of it follows."""
        self._open.pop(source, None)

    def of_message(self, message_id: str) -> list[Growing]:
        """Return what there is of a message, in order."""
        return list(self._by_message.get(message_id, ()))

    def discard(self, growing: Growing) -> None:
        """Forget one that history has no longer."""
        source = self._sources.pop(growing)
        if self._open.get(source) is growing:
            del self._open[source]
        siblings = self._by_message[growing.message_id]
        siblings.remove(growing)
        if not siblings:
            del self._by_message[growing.message_id]


def size_of(entry: Publication | Growing) -> int:
    """Return how many bytes history counts for an entry."""
    return entry.bytes if isinstance(entry, Growing) else len(entry.body)


def whole(entry: Publication | Growing, offset: int = 0) -> Publication:
    """Return what an entry hands out to who has seen everything up to an offset before its own."""
    return entry.after(offset) if isinstance(entry, Growing) else entry


def _offset(publication: Publication) -> int:
    if publication.offset is None:
        raise ValueError("history doesn't keep it")
    return publication.offset

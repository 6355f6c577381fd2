"""Messages before they are published, and the publications and receipts that they become.

All are treated as immutable. They are plain dataclasses with slots because every message makes
three of them: a frozen dataclass takes three times as long to make, a named tuple twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

IDEMPOTENCY_SECONDS: Final = 300.0  # docs/protocol.md, promise 4
DISCONTINUITY: Final = "discontinuity"


@dataclass(slots=True)
class Message:
    """A validated envelope that has no offset yet.

    Args:
        type: the type of message; also its Socket.IO event.
        body: the envelope as JSON, without `offset`: encoded once, by the publisher.
        published_at: the instant of its `timestamp`, in seconds since 1970.
        timestamp: the same as text, as in the envelope.
        kept: whether it is kept in history, and so gets an offset.
        nonce_key: publisher and nonce as one string, or None: repeats within
            `IDEMPOTENCY_SECONDS` are not published again.
        for_workers: whether it is added to the inbox (docs/protocol.md, "Inbox").
        compaction_key: in history, the newest message with this key stands for the older ones with
            it; None: for itself alone.
    """

    type: str
    body: bytes
    published_at: float
    timestamp: str
    kept: bool = True
    nonce_key: str | None = None
    for_workers: bool = False
    compaction_key: str | None = None


@dataclass(slots=True)
class Publication:
    """A published message.

    Args:
        offset: 1, 2, 3, … in its channel; None for a type that isn't kept in history.
        type, published_at: as in `Message`.
        body: the whole envelope as JSON.
        sequence: orders the publications of all channels; later ones have larger numbers.
        prev: where others between them were compacted, the offset that this one follows in its
            delivery; None: `offset` - 1. It is in `body`, too.
    """

    offset: int | None
    type: str
    body: bytes
    published_at: float
    sequence: int = 0
    prev: int | None = None


@dataclass(slots=True)
class Receipt:
    """What publishing returns.

    Args:
        offset: as in `Publication`.
        epoch: the epoch of the offset.
        timestamp: as in `Message`.
        duplicate: whether the nonce was published before; then the rest is of that publication.
    """

    offset: int | None
    epoch: str
    timestamp: str
    duplicate: bool = False


def make_publication(message: Message, offset: int | None, sequence: int = 0) -> Publication:
    """Return the publication of a message: the offset is spliced into the JSON, undecoded."""
    body = splice(message.body, offset)
    return Publication(offset, message.type, body, message.published_at, sequence)


def splice(body: bytes, offset: int | None) -> bytes:
    """Return the JSON of an envelope with its offset added."""
    return body if offset is None else b'%b,"offset":%d}' % (body[:-1], offset)


def in_order(publications: Iterable[Publication], place: int | None) -> list[Publication]:
    """Return what is delivered to somebody who is at `place`, each with the `prev` that it needs.

    Args:
        publications: in offset order, without those that were compacted.
        place: offset of the last message before them; None: whatever comes before the first.
    """
    placed: list[Publication] = []
    for publication in publications:
        if (offset := publication.offset) is None:
            placed.append(publication)
            continue
        prev = None if place is None or place == offset - 1 else place
        placed.append(publication if prev == publication.prev else _with_prev(publication, prev))
        place = offset
    return placed


def _with_prev(publication: Publication, prev: int | None) -> Publication:
    body = publication.body
    if publication.prev is not None:
        body = body[: body.rindex(b',"prev":')] + b"}"
    if prev is not None:
        body = b'%b,"prev":%d}' % (body[:-1], prev)
    return replace(publication, body=body, prev=prev)

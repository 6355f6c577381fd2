"""Messages before they are published, and the publications and receipts that they become.

All are treated as immutable. They are plain dataclasses with slots because every message makes
three of them: a frozen dataclass takes three times as long to make, a named tuple twice.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    type: str
    body: bytes
    published_at: float
    timestamp: str
    kept: bool = True
    nonce_key: str | None = None
    for_workers: bool = False


@dataclass(slots=True)
class Publication:
    """A published message.

    Args:
        offset: 1, 2, 3, … in its channel; None for a type that isn't kept in history.
        type, published_at: as in `Message`.
        body: the whole envelope as JSON.
        sequence: orders the publications of all channels; later ones have larger numbers.
    """

    offset: int | None
    type: str
    body: bytes
    published_at: float
    sequence: int = 0


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

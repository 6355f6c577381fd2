"""A message on its way in, and the same once it has its place in a channel.

Nobody changes one that is made. They are plain classes with slots, for every message makes three:
a frozen dataclass takes three times as long to make, a named tuple twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

IDEMPOTENCY_SECONDS: Final = 300.0  # contract §4, promise 4
DISCONTINUITY: Final = "discontinuity"


@dataclass(slots=True)
class Message:
    """A validated envelope that has no offset yet.

    Args:
        type: what the message is; also its Socket.IO event name.
        body: the envelope as JSON, without `offset`: encoded once, by the publisher.
        published_at: the instant in its `timestamp`, in seconds since 1970.
        timestamp: the same, as the envelope has it.
        kept: whether history keeps it, and it so gets an offset.
        nonce_key: publisher and nonce as one string, or None: repeats within
            `IDEMPOTENCY_SECONDS` are not published again.
        for_workers: whether workers are to get it too (contract §8, the inbox).
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
    """A message in its place.

    Args:
        offset: 1, 2, 3, … in its channel; None for a type that history doesn't keep.
        type, published_at: as in `Message`.
        body: the whole envelope as JSON.
        sequence: its place among the publications of all channels: later ones have larger numbers.
    """

    offset: int | None
    type: str
    body: bytes
    published_at: float
    sequence: int = 0


@dataclass(slots=True)
class Receipt:
    """What a publisher gets back.

    Args:
        offset: as in `Publication`.
        epoch: the epoch that the offset counts in.
        timestamp: as in `Message`.
        duplicate: whether the nonce had been published before; all else is of that time.
    """

    offset: int | None
    epoch: str
    timestamp: str
    duplicate: bool = False


def place(message: Message, offset: int | None, sequence: int = 0) -> Publication:
    """Give a message its place: the offset is spliced into the JSON, nothing is decoded."""
    body = splice(message.body, offset)
    return Publication(offset, message.type, body, message.published_at, sequence)


def splice(body: bytes, offset: int | None) -> bytes:
    """Return an envelope with its offset."""
    return body if offset is None else b'%b,"offset":%d}' % (body[:-1], offset)

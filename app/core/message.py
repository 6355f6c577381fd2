"""A message on its way in, and the same once it has its place in a channel.

Nobody changes one that is made. They are plain classes with slots, for every message makes three:
a frozen dataclass takes three times as long to make, a named tuple twice.
"""

from __future__ import annotations

from dataclasses import dataclass


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
        relay: whether other processes are to get it too; False for what came from them.
    """

    type: str
    body: bytes
    published_at: float
    timestamp: str
    kept: bool = True
    nonce_key: str | None = None
    relay: bool = True


@dataclass(slots=True)
class Publication:
    """A message in its place.

    Args:
        offset: 1, 2, 3, … in its channel; None for a type that history doesn't keep.
        type: as in `Message`.
        body: the whole envelope as JSON.
        published_at, timestamp: as in `Message`.
    """

    offset: int | None
    type: str
    body: bytes
    published_at: float
    timestamp: str


@dataclass(slots=True)
class Receipt:
    """What a publisher gets back: the publication, the epoch it counts in, and whether the
    nonce had been published before."""

    publication: Publication
    epoch: str
    duplicate: bool = False


IDEMPOTENCY_SECONDS = 300.0  # contract §4, promise 4


def place(message: Message, offset: int | None) -> Publication:
    """Give a message its place: the offset is spliced into the JSON, nothing is decoded."""
    body = message.body
    if offset is not None:
        body = b'%b,"offset":%d}' % (body[:-1], offset)
    return Publication(offset, message.type, body, message.published_at, message.timestamp)

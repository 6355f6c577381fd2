"""Records of messages in Redis: `<type> <published at>` and, on the next line, the envelope.

`publish.lua` writes them. They have no offset; that is added when they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from app.broker.unreadable import Unreadable
from app.core.channel import Channel
from app.core.clock import isoformat
from app.core.history import Position
from app.core.message import DISCONTINUITY, Publication, splice


def decode_record(record: bytes, offset: int | None, sequence: int) -> Publication:
    """Return the publication of a record, with its offset."""
    head, _, body = record.partition(b"\n")
    name, at = head.decode().split(" ")
    if body[:1] != b"{" or body[-1:] != b"}":
        raise ValueError("no envelope")
    return Publication(offset, name, splice(body, offset), float(at), sequence)


def decode_entry(entry: Any) -> Publication:
    """Return the publication of a stream's entry: `[<offset>-0, [s, sequence, m, record]]`."""
    entry_id, (_s, sequence, _m, record) = entry
    return decode_record(record, int(entry_id.partition(b"-")[0]), int(sequence))


def decode_entries(
    channel: Channel, entries: Iterable[Any], unreadable: Unreadable
) -> Iterator[Publication]:
    """Yield the publications of a stream's entries; what isn't one is told, and left out."""
    for entry in entries:
        try:
            yield decode_entry(entry)
        except (ValueError, TypeError, AttributeError):
            unreadable.tell("history", channel)


def decode_live(data: bytes) -> tuple[Position | None, Publication]:
    """Return what arrives by pub/sub, `<offset> <epoch> <sequence> <record>`, and its position."""
    offset, epoch, sequence, record = data.split(b" ", 3)
    if offset == b"-":
        return None, decode_record(record, None, int(sequence))
    position = Position(int(offset), epoch.decode())
    return position, decode_record(record, position.offset, int(sequence))


def after_loss(publications: Sequence[Publication], position: Position) -> Sequence[Publication]:
    """Return the publications that aren't covered by history read up to `position`.

    What precedes the beginning of that epoch is of an older one.

    Args:
        publications: received while history was read.
    """
    for number, one in reversed(list(enumerate(publications))):
        if one.type == DISCONTINUITY and orjson.loads(one.body)["data"]["epoch"] == position.epoch:
            return publications[number + 1 :]
    return publications


def discontinuity(channel: Channel, head: Position, now: float) -> Publication:
    """Return the publication that reports lost history; `head` is the channel's new position."""
    envelope = {
        "type": DISCONTINUITY,
        "channel": channel.name,
        "data": {"epoch": head.epoch, "offset": head.offset},
        "timestamp": isoformat(now),
    }
    return Publication(None, DISCONTINUITY, orjson.dumps(envelope), now)

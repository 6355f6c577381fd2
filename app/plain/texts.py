"""Texts for plain members: each message as one text frame (docs/protocol.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from app.core.channel import Channel
from app.core.clock import isoformat
from app.core.history import Position, Recovery
from app.core.identity import Identity
from app.core.message import DISCONTINUITY, Publication
from app.hub.joined import Joined
from app.transport.frames import TEXT, encode
from schemas.envelope import notice

# What existing clients look for beside `data`, by type.
_ALSO_ON_TOP: Final = {"system_announcement": "message", "notification": "subtype"}

#: A joined channel, its `since` or None, and the result of joining.
JoinedChannel = tuple[Channel, Position | None, Joined]


def envelope_of(publication: Publication) -> bytes:
    """Return the JSON of a publication's envelope, with what existing clients look for beside
    `data`."""
    body = publication.body
    key = _ALSO_ON_TOP.get(publication.type)
    if key is None or (value := orjson.loads(body)["data"].get(key)) is None:
        return body
    return b'%b,"%b":%b}' % (body[:-1], key.encode(), orjson.dumps(value))


def notice_frame(
    event: str, data: dict[str, Any], now: float, channel: str | None = None, **further: Any
) -> bytes:
    """Return an envelope for one connection alone.

    Args:
        now: seconds since 1970.
        channel: the name of the channel that it is about; None for the connection itself.
        further: more keys of the envelope.
    """
    envelope = notice(event, data, isoformat(now), channel)
    return encode(TEXT, orjson.dumps(envelope | further))


def pong(now: float) -> bytes:
    """Return the answer to a ping; `now` in seconds since 1970."""
    return notice_frame("pong", {"server_time": isoformat(now)}, now)


def acknowledgement(
    identity: Identity, limits: Mapping[str, float], now: float, **further: Any
) -> bytes:
    """Return `connection_ack`.

    Args:
        limits: by name.
        now: seconds since 1970.
        further: more keys of its data.
    """
    data = {
        "user_id": identity.id,
        "kind": identity.kind,
        "server_time": isoformat(now),
        "limits": limits,
    }
    return notice_frame("connection_ack", data | further, now)


def places(joined: Sequence[JoinedChannel]) -> list[dict[str, Any]]:
    """Return what `connection_ack` tells of each channel: where the messages that follow begin."""
    return [
        {
            "channel": channel.name,
            "offset": one.recovery.start.offset,
            "epoch": one.recovery.position.epoch,
            "recovered": one.recovery.recovered,
        }
        for channel, _since, one in joined
    ]


def loss(channel: Channel, recovery: Recovery, now: float) -> bytes:
    """Return the `discontinuity` that comes before what is left of a channel's history."""
    where = {"epoch": recovery.position.epoch, "offset": recovery.start.offset}
    return notice_frame(DISCONTINUITY, where, now, channel.name)


def newest(joined: Sequence[JoinedChannel], count: int) -> list[JoinedChannel]:
    """Return joined channels with the newest `count` messages of all of them together.

    Where some follow later, which of them are the newest isn't known yet: then nothing is left out.
    """
    if any(one.recovery.following for _channel, _since, one in joined):
        return list(joined)
    sequences = sorted(
        publication.sequence for _, _, one in joined for publication in one.recovery.publications
    )
    first = sequences[-count] if 0 < count <= len(sequences) else 0
    return [(channel, since, _from(one, first)) for channel, since, one in joined]


def _from(joined: Joined, sequence: int) -> Joined:
    recovery = joined.recovery
    publications = [one for one in recovery.publications if one.sequence >= sequence]
    return Joined(recovery._replace(publications=publications), joined.members)

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
from app.hub.memberships import Joined
from app.plain.paths import EVENTS, FEEDS, LOGS
from app.transport.frames import TEXT, encode
from schemas.envelope import notice

HISTORY_MESSAGES: Final = 200
_FEED_PONG: Final = encode(TEXT, b'{"type":"pong"}')
_ANNOUNCEMENT: Final = "system_announcement"

#: A joined channel, its `since` or None, and the result of joining.
JoinedChannel = tuple[Channel, Position | None, Joined]


def frame_of(channel: Channel, publication: Publication) -> bytes:
    """Return a publication as a text frame; empty for types that feeds don't have."""
    if channel.namespace == FEEDS:
        if publication.type == DISCONTINUITY:
            return b""
        return encode(TEXT, orjson.dumps(_feed_message(channel, publication)))
    body = publication.body
    if publication.type == _ANNOUNCEMENT:
        text = orjson.dumps(orjson.loads(body)["data"]["message"])
        body = b'%b,"message":%b}' % (body[:-1], text)
    return encode(TEXT, body)


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


def pong(now: float, *, for_feed: bool) -> bytes:
    """Return the answer to a ping; `now` in seconds since 1970."""
    if for_feed:
        return _FEED_PONG
    return notice_frame("pong", {"server_time": isoformat(now)}, now)


def welcome(
    identity: Identity, limits: Mapping[str, float], joined: Sequence[JoinedChannel], now: float
) -> bytes:
    """Return the first frames of a new member: `connection_ack`, and what it has missed.

    Args:
        limits: by name.
        now: seconds since 1970.
    """
    data = {
        "user_id": identity.id,
        "kind": identity.kind,
        "server_time": isoformat(now),
        "limits": limits,
        "channels": [
            {
                "channel": channel.name,
                "offset": _before(one.recovery),
                "epoch": one.recovery.position.epoch,
                "recovered": one.recovery.recovered,
            }
            for channel, _since, one in joined
        ],
    }
    frames = [notice_frame("connection_ack", data, now)]
    for channel, since, one in joined:
        recovery = one.recovery
        if since is not None and not recovery.recovered:
            where = {"epoch": recovery.position.epoch, "offset": _before(recovery)}
            frames.append(notice_frame(DISCONTINUITY, where, now, channel.name))
        frames += [frame_of(channel, publication) for publication in recovery.publications]
    return b"".join(frames)


def _before(recovery: Recovery) -> int:
    """Return the offset of the last message before those of a recovery.

    A client that takes it for its position misses nothing if it is disconnected among them.
    """
    first = next(iter(recovery.publications), None)
    return recovery.position.offset if first is None else (first.offset or 1) - 1


def feed_history(joined: Sequence[JoinedChannel]) -> bytes:
    """Return the newest logs and events in the order of publishing; empty if there are none."""
    kept = [
        (publication.sequence, channel, publication)
        for channel, _since, one in joined
        if channel in (LOGS, EVENTS)
        for publication in one.recovery.publications
    ]
    kept.sort(key=lambda item: item[0])
    newest = [_feed_message(channel, one) for _, channel, one in kept[-HISTORY_MESSAGES:]]
    if not newest:
        return b""
    return encode(TEXT, orjson.dumps({"channel": "codeworm:history", "data": newest}))


def _feed_message(channel: Channel, publication: Publication) -> dict[str, Any]:
    return {"channel": channel.name, "data": orjson.loads(publication.body)["data"]}

"""The answers to requests (docs/protocol.md, "Requests")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson
import structlog

from app.core.channel import Channel
from app.core.errors import (
    HearthError,
    Internal,
    Invalid,
    RateLimited,
    TokenExpired,
    TooLarge,
    TooManyChannels,
    Unauthorized,
)
from app.core.history import Page
from app.core.message import Publication, Receipt
from app.core.presence import Members
from app.core.refused import Refusal
from app.hub.hub import Hub
from app.hub.joined import Joined
from schemas.errors import SchemaError

_TOLD: Final = (Unauthorized, TokenExpired, TooLarge, TooManyChannels, RateLimited)

log = structlog.get_logger("hearth.namespaces")


def shown(error: BaseException, namespace: str) -> HearthError:
    """Return an error as its client may see it; log it if it is our defect."""
    if isinstance(error, HearthError):
        return error
    if isinstance(error, SchemaError):
        return Invalid(fields=error.fields)
    log.error("a request failed", namespace=namespace, exc_info=error)
    return Internal()


def refusal(hub: Hub, error: BaseException, namespace: str, address: str) -> HearthError:
    """Return the error that a failed request is answered with, and count it.

    Refused tokens and limits are told of as refusals too.

    Args:
        address: the client's.
    """
    public = shown(error, namespace)
    hub.counters.failed[public.code] += 1
    if isinstance(public, _TOLD):
        tell(hub, public, namespace, address)
    return public


def tell(hub: Hub, error: HearthError, namespace: str, address: str) -> None:
    """Tell of an error as a refusal, if it is one."""
    if (refused := Refusal.of(error, namespace=namespace)) is not None:
        hub.refusals.tell(refused, address)


def failure(error: HearthError) -> dict[str, Any]:
    """Return the answer to a failed request."""
    return {"ok": False, "error": error.to_dict()}


def published(receipt: Receipt) -> bytes:
    """Return the answer to a publish as JSON, with `offset` if history keeps the type.

    Nothing in it needs an escape.
    """
    answer = f'{{"ok":true,"epoch":"{receipt.epoch}","timestamp":"{receipt.timestamp}"'
    if receipt.offset is not None:
        answer += f',"offset":{receipt.offset}'
    if receipt.duplicate:
        answer += ',"duplicate":true'
    return f"{answer}}}".encode()


def joined(channel: Channel, joined: Joined) -> dict[str, Any]:
    """Return the answer to a join; `presence` is null if the member may not see it."""
    recovery = joined.recovery
    answer = {
        "ok": True,
        "channel": channel.name,
        "offset": recovery.position.offset,
        "epoch": recovery.position.epoch,
        "recovered": recovery.recovered,
        "messages": _messages(recovery.publications),
        "presence": None if joined.members is None else presence(joined.members),
    }
    if recovery.following:
        answer["following"] = recovery.following
    return answer


def page(page: Page) -> dict[str, Any]:
    return {
        "ok": True,
        "messages": _messages(page.publications),
        "offset": page.position.offset,
        "epoch": page.position.epoch,
        "more": page.more,
    }


def presence(members: Members) -> dict[str, Any]:
    return {"count": members.count, "members": [one.to_dict() for one in members.first]}


def _messages(publications: Iterable[Publication]) -> list[orjson.Fragment]:
    return [orjson.Fragment(publication.body) for publication in publications]

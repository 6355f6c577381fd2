"""The directory of the console: which channels have members, and who they are.

A caller learns of a channel what it would by joining it: its name if the token opens it, its
members if the token lets it see them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from aiohttp import web

from app.core import access
from app.core.channel import Channel
from app.core.errors import HearthError
from app.core.identity import Identity
from app.core.refused import Refusal
from app.hub.hub import Hub

#: How many channels an answer lists: their members are read one by one.
MOST_CHANNELS: Final = 200
_STATUS: Final = {"unauthorized": 401, "token_expired": 401, "unavailable": 503}

Identify = Callable[[str | None], Identity]


def add_directory_route(
    app: web.Application, hub: Hub, identify: Identify, namespaces: Iterable[str]
) -> None:
    """Serve `/console/channels`.

    Args:
        identify: returns the identity of a token, or of who brings none; raises `HearthError`.
        namespaces: those whose channels are listed.
    """
    listed = tuple(namespaces)

    async def channels(request: web.Request) -> web.Response:
        try:
            answer = await _list(hub, identify(_token(request)), listed)
        except HearthError as error:
            if (refusal := Refusal.of(error)) is not None:
                hub.refusals.tell(refusal, request.remote or "")
            return web.json_response(
                {"ok": False, "error": error.to_dict()}, status=_STATUS.get(error.code, 400)
            )
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    app.router.add_get("/console/channels", channels)


def _token(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _list(hub: Hub, identity: Identity, namespaces: Iterable[str]) -> dict[str, Any]:
    found: list[Channel] = []
    for namespace in namespaces:
        channels = await hub.channels(namespace)
        found += sorted(one for one in channels if access.may_read(identity, one))
    first = found[:MOST_CHANNELS]
    presences = await asyncio.gather(*(_presence(hub, identity, one) for one in first))
    return {
        "ok": True,
        "channels": [
            {"namespace": one.namespace, "channel": one.name, "presence": presence}
            for one, presence in zip(first, presences, strict=True)
        ],
        "more": len(found) - len(first),
    }


async def _presence(hub: Hub, identity: Identity, channel: Channel) -> dict[str, Any] | None:
    if not access.may_see_members(identity, channel):
        return None
    members = await hub.members(channel)
    return {"count": members.count, "members": [one.to_dict() for one in members.first]}

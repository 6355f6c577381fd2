"""Verbs: the requests that are the same on every way in (docs/protocol.md, "Requests").

Each takes the argument as it arrived, checks it, and passes its answer to `reply`, which must not
wait: what it sends comes before anything that is delivered later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from app.core.channel import Channel, channel_named
from app.core.clock import isoformat
from app.core.history import Position
from app.core.identity import Identity
from app.core.message import Receipt
from app.hub.draft import Draft
from app.hub.hub import Hub
from app.hub.member import Member
from app.requests import answers
from schemas import requests
from schemas.registry import MessageType

Reply = Callable[[dict[str, Any]], None]
Verb = Callable[[Hub, Member, str, Any, Reply], Awaitable[None]]


def publish(
    hub: Hub,
    identity: Identity,
    namespace: str,
    name: str,
    argument: Any,
    message_type: MessageType | None = None,
) -> Receipt | Awaitable[Receipt]:
    """Publish a message of the type `name`. Returns and raises as `Hub.publish_as` does."""
    arguments = requests.PUBLISH.load(argument)
    draft = Draft(
        channel_named(namespace, arguments["channel"]),
        name,
        arguments["data"],
        identity.to_dict(),
        arguments.get("action"),
        arguments.get("nonce"),
    )
    return hub.publish_as(identity, draft, message_type)


async def join(hub: Hub, member: Member, namespace: str, argument: Any, reply: Reply) -> None:
    arguments = requests.JOIN.load(argument)
    channel = Channel(namespace, arguments["channel"])
    since = Position(**arguments["since"]) if arguments.get("since") else None
    async with hub.memberships.joining(member, channel, since, arguments.get("history")) as joined:
        reply(answers.joined(channel, joined))


async def leave(hub: Hub, member: Member, namespace: str, argument: Any, reply: Reply) -> None:
    arguments = requests.LEAVE.load(argument)
    await hub.memberships.leave(member, Channel(namespace, arguments["channel"]))
    reply({"ok": True})


async def history(hub: Hub, member: Member, namespace: str, argument: Any, reply: Reply) -> None:
    arguments = requests.HISTORY.load(argument)
    channel = Channel(namespace, arguments["channel"])
    before, limit = arguments.get("before"), arguments["limit"]
    reply(answers.page(await hub.history(member.identity, channel, before, limit)))


async def presence(hub: Hub, member: Member, namespace: str, argument: Any, reply: Reply) -> None:
    arguments = requests.PRESENCE.load(argument)
    channel = Channel(namespace, arguments["channel"])
    members = await hub.presence(member.identity, channel)
    reply({"ok": True, **answers.presence(members)})


def expires_at(identity: Identity) -> str | None:
    """Return when an identity's token expires, as answers to `authenticate` say it."""
    return None if identity.expires_at is None else isoformat(identity.expires_at)


#: Those that are about one channel, by their names.
VERBS: Final[dict[str, Verb]] = {
    "join": join,
    "leave": leave,
    "history": history,
    "presence": presence,
}

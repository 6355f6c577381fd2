"""The paths of plain WebSockets: their channels, and who may join (docs/protocol.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from app.core import access
from app.core.channel import BROADCAST_CHANNEL, Channel, id_problem, user_channel
from app.core.errors import Forbidden, Invalid
from app.core.history import Position
from app.core.identity import Identity

FEEDS: Final = "/feeds"
#: CodeWorm's feeds; the history of the first two is sent on connecting.
LOGS: Final = Channel(FEEDS, "codeworm:logs")
EVENTS: Final = Channel(FEEDS, "codeworm:events")
STATS: Final = Channel(FEEDS, "codeworm:stats")

_SINCE: Final = re.compile(r"([^:\s]{1,64}):([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The channels that a path stands for.

    Args:
        channels: all of them; the first is the default for publishing.
        user_id: the user that the path names, if any; nobody else may join.
    """

    channels: tuple[Channel, ...]
    user_id: str | None = None

    @property
    def namespace(self) -> str:
        """The namespace of all its channels."""
        return self.channels[0].namespace

    @property
    def is_feed(self) -> bool:
        """Whether it is for CodeWorm's feeds, which have their own shape and are read-only."""
        return self.namespace == FEEDS

    def check(self) -> None:
        """Raise `Invalid` if the user that the path names is no valid id."""
        if self.user_id is not None and (problem := id_problem(self.user_id)) is not None:
            raise Invalid(fields={"user_id": problem})

    def open_to(self, identity: Identity) -> tuple[Channel, ...]:
        """Return the channels that `identity` joins: those that it may read.

        Raises:
            Forbidden: it may read none, or the path names somebody else.
        """
        if self.user_id is not None and self.user_id != identity.id:
            raise Forbidden("The path names somebody else than the token.")
        channels = tuple(one for one in self.channels if access.may_read(identity, one))
        if not channels:
            access.require_read(identity, self.channels[0])
        return channels


def _circle(names: Mapping[str, str]) -> Endpoint:
    return Endpoint((Channel("/circles", names["name"]),))


def _workspace(names: Mapping[str, str]) -> Endpoint:
    return Endpoint((Channel("/workspaces", names["id"]),))


def _agent(names: Mapping[str, str]) -> Endpoint:
    return Endpoint((Channel("/agents", names["id"]),))


def _notifications(names: Mapping[str, str]) -> Endpoint:
    user_id = names["user_id"]
    return Endpoint((user_channel(user_id), BROADCAST_CHANNEL), user_id)


def _chat(names: Mapping[str, str]) -> Endpoint:
    name = f"{names['workflow']}/{names['app_id']}/{names['chat_id']}"
    return Endpoint((Channel("/chat", name),), names["user_id"])


def _feeds(_names: Mapping[str, str]) -> Endpoint:
    return Endpoint((LOGS, EVENTS, STATS))


#: Path, in the form of aiohttp's router → its endpoint.
PATHS: Final[dict[str, Callable[[Mapping[str, str]], Endpoint]]] = {
    "/ws": _feeds,
    "/api/ws": _feeds,
    "/ws/circles/{name}": _circle,
    "/ws/workspace/{id}": _workspace,
    "/ws/agents/{id}": _agent,
    "/ws/notifications/{user_id}": _notifications,
    "/ws/{workflow}/{app_id}/{chat_id}/{user_id}": _chat,
}


def read_since(text: str) -> Position | None:
    """Parse `<epoch>:<offset>`; return None if empty. Raises `Invalid`."""
    if not text:
        return None
    found = _SINCE.fullmatch(text)
    if found is None:
        raise Invalid(fields={"since": "Must be <epoch>:<offset>."})
    return Position(int(found[2]), found[1])

"""The paths of plain WebSockets: their channels, and who may join (docs/protocol.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from app.core import access
from app.core.channel import BROADCAST_CHANNEL, Channel, id_problem, user_channel
from app.core.errors import Forbidden, Invalid
from app.core.history import Position
from app.core.identity import Identity
from schemas.requests import MAX_PAGE

FEEDS: Final = "/feeds"
#: The user id by which a path leaves it to the token who connects.
SELF: Final = "_"
#: What metrics and errors name where a connection has channels of any namespace.
ANY_NAMESPACE: Final = "*"
#: CodeWorm's feeds; the history of the first two is sent on connecting.
LOGS: Final = Channel(FEEDS, "codeworm:logs")
EVENTS: Final = Channel(FEEDS, "codeworm:events")
STATS: Final = Channel(FEEDS, "codeworm:stats")

_HISTORY: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_SINCE: Final = re.compile(r"([^:\s]{1,64}):([0-9]{1,15})")


#: The channel of whoever connects, on a path that names the user `_`.
_OWN: Final = user_channel(SELF)


class Speech(Enum):
    """What is spoken on a path; each has its `Dialect`."""

    ENVELOPES = "envelopes"
    CHAT = "chat"
    FEEDS = "feeds"
    CHANNELS = "channels"


class Query(NamedTuple):
    """What the query of a path asks for.

    Args:
        since: all values of `since`.
        history: the value of `history`.
    """

    since: Sequence[str] = ()
    history: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What a path stands for.

    Args:
        channels: those that are joined there; the first is the default for publishing.
        user_id: the user that the path names, if any; nobody else may join.
        speech: what is spoken there.
    """

    channels: tuple[Channel, ...] = ()
    user_id: str | None = None
    speech: Speech = Speech.ENVELOPES

    @property
    def namespace(self) -> str:
        """The namespace of all its channels; `ANY_NAMESPACE` where clients choose them."""
        return self.channels[0].namespace if self.channels else ANY_NAMESPACE

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
        channels = self.channels_of(identity)
        readable = tuple(one for one in channels if access.may_read(identity, one))
        if not readable:
            access.require_read(identity, channels[0])
        return readable

    def channels_of(self, identity: Identity) -> tuple[Channel, ...]:
        """Return the channels that the path stands for when `identity` connects."""
        own = user_channel(identity.id)
        return tuple(own if channel == _OWN else channel for channel in self.channels)


def _circle(names: Mapping[str, str]) -> Endpoint:
    return Endpoint((Channel("/circles", names["name"]),))


def _workspace(names: Mapping[str, str]) -> Endpoint:
    return Endpoint((Channel("/workspaces", names["id"]),))


def _agent(names: Mapping[str, str]) -> Endpoint:
    return Endpoint((Channel("/agents", names["id"]),))


def _notifications(names: Mapping[str, str]) -> Endpoint:
    user_id = names["user_id"]
    return Endpoint((user_channel(user_id), BROADCAST_CHANNEL), _named(user_id))


def _chat(names: Mapping[str, str]) -> Endpoint:
    name = f"{names['workflow']}/{names['app_id']}/{names['chat_id']}"
    return Endpoint((Channel("/chat", name),), _named(names["user_id"]), Speech.CHAT)


def _named(user_id: str) -> str | None:
    return None if user_id == SELF else user_id


def _feeds(_names: Mapping[str, str]) -> Endpoint:
    return Endpoint((LOGS, EVENTS, STATS), speech=Speech.FEEDS)


def _channels(_names: Mapping[str, str]) -> Endpoint:
    return Endpoint(speech=Speech.CHANNELS)


#: Path, in the form of aiohttp's router → its endpoint.
PATHS: Final[dict[str, Callable[[Mapping[str, str]], Endpoint]]] = {
    "/ws": _feeds,
    "/api/ws": _feeds,
    "/ws/channels": _channels,
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


def read_history(text: str | None) -> int | None:
    """Parse how many of the newest messages to begin with; None if it isn't said.

    Raises:
        Invalid: it is no such number.
    """
    if text is None:
        return None
    if not _HISTORY.fullmatch(text) or int(text) > MAX_PAGE:
        raise Invalid(fields={"history": f"Must be an integer from 0 to {MAX_PAGE}."})
    return int(text)

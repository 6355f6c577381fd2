"""Messages and answers: the protocol's objects, with names and types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypedDict

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Type_co = TypeVar("Type_co", bound=str, covariant=True, default=str)
    Data_co = TypeVar("Data_co", covariant=True, default=Any)
    #: The messages of a channel: a union that `type` tells apart.
    Message_co = TypeVar("Message_co", bound="Message", covariant=True, default="Message")
else:  # a `Message` without parameters is one of any type, for type checkers
    from typing import TypeVar

    Type_co = TypeVar("Type_co", covariant=True)
    Data_co = TypeVar("Data_co", covariant=True)
    Message_co = TypeVar("Message_co", covariant=True)

#: The type of a message that takes the place of missing ones.
DISCONTINUITY: Final = "discontinuity"


class Position(NamedTuple):
    """A position in a channel: an offset, and the epoch that it counts in."""

    offset: int
    epoch: str


class Sender(TypedDict):
    """Who published a message; `kind` is `user`, `agent` or `service`."""

    id: str
    kind: str


class Discontinuity(TypedDict):
    """The data of a `discontinuity`: the channel's position when that was found."""

    offset: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Message(Generic[Type_co, Data_co]):
    """One message of a channel.

    Args:
        type: e.g. `user_message`; `discontinuity` where messages are missing for good.
        channel: its name.
        data: the payload.
        timestamp: when it was published, UTC with milliseconds, as ISO 8601.
        offset: its number in the channel; None if history doesn't keep the type.
        epoch: what the offset counts in; a new one begins when history is lost.
        sender: the publisher, if it is a client of the server.
        action, nonce: the publisher's.
    """

    type: Type_co
    channel: str
    data: Data_co
    timestamp: str
    offset: int | None = None
    epoch: str = ""
    sender: Sender | None = None
    action: str | None = None
    nonce: str | None = None

    @property
    def position(self) -> Position | None:
        """Its position, for the `since` of a later join; None if it has no offset."""
        return None if self.offset is None else Position(self.offset, self.epoch)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement of a publish: the message is in history, and is delivered.

    Args:
        offset, epoch: its position; `offset` is None for types that history doesn't keep.
        timestamp: when it was published.
        duplicate: whether it had been published before, with the same nonce.
    """

    offset: int | None
    epoch: str
    timestamp: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[Message_co]):
    """A page of history, oldest message first.

    Args:
        position: the channel's newest position.
        more: whether history has older messages.
    """

    messages: list[Message_co]
    position: Position
    more: bool


@dataclass(frozen=True, slots=True)
class Member:
    """An identity in a channel, with its number of connections, since `joined_at`."""

    id: str
    kind: str
    connections: int
    joined_at: str


@dataclass(frozen=True, slots=True)
class Presence:
    """The members of a channel: how many identities, and which."""

    count: int
    members: list[Member]


def message(envelope: dict[str, Any], epoch: str) -> Message:
    """Return the message of an envelope, without unknown keys."""
    return Message(
        envelope["type"],
        envelope["channel"],
        envelope["data"],
        envelope["timestamp"],
        envelope.get("offset"),
        epoch,
        envelope.get("sender"),
        envelope.get("action"),
        envelope.get("nonce"),
    )


def page(answer: dict[str, Any]) -> Page[Any]:
    """Return the page in the answer to `history`."""
    epoch = answer["epoch"]
    messages = [message(envelope, epoch) for envelope in answer["messages"]]
    return Page(messages, Position(answer["offset"], epoch), answer["more"])


def presence(answer: dict[str, Any]) -> Presence:
    """Return the presence in the answer to `presence`."""
    members = [
        Member(member["id"], member["kind"], member["connections"], member["joined_at"])
        for member in answer["members"]
    ]
    return Presence(answer["count"], members)


def receipt(answer: dict[str, Any]) -> Receipt:
    """Return the receipt in the acknowledgement of a publish."""
    duplicate = answer.get("duplicate", False)
    return Receipt(answer.get("offset"), answer["epoch"], answer["timestamp"], duplicate)

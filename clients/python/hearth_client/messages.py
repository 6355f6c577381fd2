"""What is handed over and answered: the protocol's objects with names and types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypedDict

#: The type of the message that stands where others are missing.
DISCONTINUITY: Final = "discontinuity"


class Position(NamedTuple):
    """A place in a channel: the offset of its newest message seen, in one epoch."""

    offset: int
    epoch: str


class Sender(TypedDict):
    """Who published a message; `kind` is `user`, `agent` or `service`."""

    id: str
    kind: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a channel.

    Args:
        type: e.g. `user_message`; `discontinuity` where messages are missing for good.
        channel: its name.
        data: the payload.
        timestamp: when it was published, UTC with milliseconds, as ISO 8601.
        offset: its place in the channel; None when history doesn't keep it.
        epoch: the life of the channel that the offset counts in.
        sender: who published it, if anybody did through the server.
        action, nonce: as the publisher gave them.
    """

    type: str
    channel: str
    data: dict[str, Any]
    timestamp: str
    offset: int | None = None
    epoch: str = ""
    sender: Sender | None = None
    action: str | None = None
    nonce: str | None = None

    @property
    def position(self) -> Position | None:
        """Where this message is, to join with as `since` another time; None if nowhere."""
        return None if self.offset is None else Position(self.offset, self.epoch)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a publish is acknowledged with: it is in history and will be delivered.

    Args:
        offset, epoch: its place; `offset` is None for types that history doesn't keep.
        timestamp: when it was published.
        duplicate: whether it had been published before, under the same nonce.
    """

    offset: int | None
    epoch: str
    timestamp: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of history, oldest first.

    Args:
        position: the channel's newest message.
        more: whether older messages are still kept.
    """

    messages: list[Message]
    position: Position
    more: bool


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is in a channel, with so many connections, since `joined_at`."""

    id: str
    kind: str
    connections: int
    joined_at: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is in a channel: how many identities, and which."""

    count: int
    members: list[Member]


def message(envelope: dict[str, Any], epoch: str) -> Message:
    """Return what an envelope says. Keys that are not known are left out."""
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


def page(answer: dict[str, Any]) -> Page:
    """Return what a `history` request was answered."""
    epoch = answer["epoch"]
    messages = [message(envelope, epoch) for envelope in answer["messages"]]
    return Page(messages, Position(answer["offset"], epoch), answer["more"])


def presence(answer: dict[str, Any]) -> Presence:
    """Return what a `presence` request was answered."""
    members = [
        Member(member["id"], member["kind"], member["connections"], member["joined_at"])
        for member in answer["members"]
    ]
    return Presence(answer["count"], members)


def receipt(answer: dict[str, Any]) -> Receipt:
    """Return what a publish was acknowledged with."""
    duplicate = answer.get("duplicate", False)
    return Receipt(answer.get("offset"), answer["epoch"], answer["timestamp"], duplicate)

"""What a client whose connection is lost tells of itself, whichever library it uses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tests.promises.checker import Gap, Journal
from tests.promises.members import LIFETIME_SECONDS, entry_of
from tests.promises.topics import Topic
from tests.support.tokens import token

NAME: Final = "dropped"


class Reconnect(NamedTuple):
    """What a stock client was told when it came back, of one namespace."""

    namespace: str
    recovered: bool
    same_sid: bool


class Client(ABC):
    """A member of some channels, through one URL.

    Args:
        history_size: how many messages of a channel are kept; None: so many that a gap is a fault.
        transports: that it connects with, where its library leaves it the choice.
    """

    def __init__(
        self,
        topics: Sequence[Topic],
        history_size: int | None,
        transports: Sequence[str] = ("websocket",),
    ) -> None:
        self.journals: dict[str, Journal] = {}
        """By topic, once it has joined."""
        self.opened = 0
        """How many transports it has had so far."""
        self.reconnects: list[Reconnect] = []
        self.refusals: list[str] = []
        self.topics = tuple(topics)
        self.token = token(NAME, "user", "*:*:rw", expires_in=LIFETIME_SECONDS)
        self.transports = tuple(transports)
        self._history_size = history_size

    @property
    @abstractmethod
    def up(self) -> bool:
        """Whether it has a connection, and by what it knows is in all its channels."""

    @abstractmethod
    async def start(self, url: str) -> None:
        """Begin to connect."""

    @abstractmethod
    async def close_transport(self) -> None:
        """Close the transport, as an application that wants a new one does."""

    @abstractmethod
    async def stop(self) -> None:
        """End it."""

    @property
    def joined(self) -> bool:
        """Whether it has been in all its channels."""
        return len(self.journals) == len(self.topics)

    def newest(self, topic: Topic) -> int:
        """Return the highest offset that it got."""
        journal = self.journals.get(str(topic))
        if journal is None:
            return 0
        return max((entry.offset for entry in journal.entries), default=journal.start)

    def on_joined(self, topic: str, offset: int, epoch: str) -> None:
        """Note that it is in a channel for the first time."""
        self.journals[topic] = Journal(NAME, topic, epoch, offset)

    def on_event(self, namespace: str, envelope: Any) -> None:
        """Note an event, if it is a message that history keeps."""
        if isinstance(envelope, dict) and "offset" in envelope:
            self.journals[f"{namespace} {envelope['channel']}"].entries.append(entry_of(envelope))

    def on_discontinuity(self, topic: str, offset: int, epoch: str) -> None:
        """Note that it was told of a gap, at a moment when `offset` was the newest."""
        journal = self.journals[topic]
        if self._history_size is None or epoch != journal.epoch:
            journal.troubles.append(f"told of a gap before {offset} of {epoch}")
        else:
            journal.gaps.append(Gap(len(journal.entries), offset - self._history_size + 1))

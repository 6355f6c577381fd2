"""The ledger: what was sent, and what is promised of it (promises 4 to 6 of docs/protocol.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.promises.checker import Sent
from tests.promises.servers import Life

#: Clocks are compared with so much tolerance, in seconds.
TOLERANCE_SECONDS: Final = 0.5
#: What a process has received is ingested after so long at the latest, whatever happens to others.
INGESTED_SECONDS: Final = 15.0


@dataclass
class Published:
    """A client's message: at most once, and exactly once if it was acknowledged.

    Args:
        data: digest of the payload.
        answers: offset and epoch of each ack.
    """

    kind: str
    mark: str
    topic: str
    data: str
    answers: set[tuple[int, str]] = field(default_factory=set)

    @property
    def acked(self) -> bool:
        """Whether it was acknowledged."""
        return bool(self.answers)


class Attempt(NamedTuple):
    """A PUBLISH of a worker.

    Args:
        began, ended: by the event loop's clock.
        receivers: how many connections Redis gave it to; None: there was no answer, and it may
            have been published or not.
    """

    began: float
    ended: float
    receivers: int | None


@dataclass
class Emitted:
    """A worker's message into one channel or several.

    Pub/sub keeps nothing: an emit that no process receives is lost to everybody, and nobody can
    promise otherwise. One that is received by a process that lives on is there exactly once.

    Args:
        data: digest of the payload; None where the server makes the payload.
    """

    kind: str
    mark: str
    topics: tuple[str, ...]
    data: str | None
    attempts: list[Attempt]


class Ledger:
    """All that was sent."""

    def __init__(self) -> None:
        self.published: list[Published] = []
        self.emitted: list[Emitted] = []

    def add(self, sent: Published | Emitted) -> None:
        """Note what is about to be sent."""
        if isinstance(sent, Published):
            self.published.append(sent)
        else:
            self.emitted.append(sent)

    def counts(self) -> Counter[str]:
        """Return how many there are of each kind."""
        everything: list[Published | Emitted] = [*self.published, *self.emitted]
        return Counter(sent.kind for sent in everything)

    def sent(self, lives: Sequence[Life], cuts: Sequence[tuple[float, float]]) -> Iterator[Sent]:
        """Return what the checker is to look for.

        Args:
            lives: of the server processes that have ended.
            cuts: from when to when all subscriptions were cut.
        """
        for one in self.published:
            for answer in one.answers:
                yield Sent(one.mark, one.topic, one.data, 1, 1, answer)
            if not one.answers:
                yield Sent(one.mark, one.topic, one.data, 0, 1)
        for emitted in self.emitted:
            least = sum(is_promised(attempt, lives, cuts) for attempt in emitted.attempts)
            most = sum(attempt.receivers != 0 for attempt in emitted.attempts)
            for topic in emitted.topics:
                yield Sent(emitted.mark, topic, emitted.data, least, most)

    def unpromised(self, lives: Sequence[Life], cuts: Sequence[tuple[float, float]]) -> int:
        """Return how many attempts to emit may be lost."""
        return sum(
            not is_promised(attempt, lives, cuts)
            for emitted in self.emitted
            for attempt in emitted.attempts
        )


def is_promised(
    attempt: Attempt, lives: Sequence[Life], cuts: Sequence[tuple[float, float]]
) -> bool:
    """Tell whether what a worker published has to arrive.

    It has to when a process received it that lived long enough to ingest it. A cut of all
    subscriptions at the same moment may have lost what Redis had not yet written to them.
    """
    if not attempt.receivers:
        return False
    began, ended = attempt.began - TOLERANCE_SECONDS, attempt.ended + TOLERANCE_SECONDS
    if any(cut_began <= ended and cut_ended >= began for cut_began, cut_ended in cuts):
        return False
    died = [
        life
        for life in lives
        if life.born <= ended and life.end_began <= ended + INGESTED_SECONDS and life.ended >= began
    ]
    return attempt.receivers > len(died)

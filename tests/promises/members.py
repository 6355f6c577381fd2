"""Members: each has a connection, comes back whenever it is lost, and notes what it gets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

from tests.promises.checker import Entry, Journal
from tests.promises.connection import Connection, Lost
from tests.promises.topics import Topic, data_digest, digest, mark_of
from tests.support.tokens import token

_PAUSE_SECONDS: Final = 0.3
LIFETIME_SECONDS: Final = 86_400.0


def entry_of(envelope: dict[str, Any]) -> Entry:
    """Return a message as the checker wants it."""
    whole = {key: value for key, value in envelope.items() if key != "prev"}
    data = data_digest(envelope["data"])
    return Entry(envelope["offset"], mark_of(envelope), data, digest(whole))


class Member:
    """One that joins channels of one namespace, through whichever server is there.

    Args:
        kind: of its identity.
        where: returns the URL to connect to, by chance.
        seed: for its choices.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        topics: list[Topic],
        where: Callable[[random.Random], str],
        seed: int,
    ) -> None:
        self.name = name
        self.journals: dict[str, Journal] = {}
        self.deliveries = 0
        self.recoveries = 0
        self.joined = False
        """Whether it is in all its channels at this moment."""
        self._token = token(name, kind, "*:*:rw", expires_in=LIFETIME_SECONDS)  # type: ignore[arg-type]
        self._topics = {topic.channel: topic for topic in topics}
        self.topics = {str(topic) for topic in topics}
        self._where = where
        self._randomly = random.Random(seed)
        self._connection: Connection | None = None
        self._away_seconds = 0.0
        self._newest: dict[str, int] = {}

    def position(self, channel: str) -> int:
        """Return the offset of the newest message that it has."""
        return self._newest.get(channel, 0)

    def go_away(self, seconds: float) -> None:
        """Disconnect, and come back after so many seconds."""
        self._away_seconds = seconds
        if self._connection is not None:
            self._connection.close()

    async def run(self) -> None:
        """Be a member until cancelled."""
        namespace = next(iter(self._topics.values())).namespace
        while True:
            self._connection = Connection(namespace, self._on_event)
            try:
                await self._connection.open(self._where(self._randomly), self._token)
                for channel in self._topics:
                    await self._join(self._connection, channel)
                self.joined = True
                await self._connection.lost.wait()
            except Lost:
                pass
            finally:
                self.joined = False
                self._connection.close()
            pause, self._away_seconds = self._away_seconds or _PAUSE_SECONDS, 0.0
            await asyncio.sleep(self._randomly.uniform(0.5, 1.0) * pause)

    async def _join(self, connection: Connection, channel: str) -> None:
        argument: dict[str, Any] = {"channel": channel}
        if (journal := self.journals.get(channel)) is not None:
            argument["since"] = {"offset": self._newest[channel], "epoch": journal.epoch}
        while True:
            answer = await connection.request("join", argument, self._on_joined)
            if answer["ok"]:
                return
            if answer["error"]["code"] != "unavailable":
                raise RuntimeError(f"{self.name} may not join {channel}: {answer['error']}")
            await asyncio.sleep(_PAUSE_SECONDS)

    def _on_joined(self, answer: dict[str, Any]) -> None:
        if not answer["ok"]:
            return
        channel, epoch = answer["channel"], answer["epoch"]
        journal = self.journals.get(channel)
        if journal is None:
            topic = str(self._topics[channel])
            journal = Journal(self.name, topic, epoch, answer["offset"])
            self.journals[channel] = journal
            self._newest[channel] = answer["offset"]
        else:
            self.recoveries += 1
            if not answer["recovered"] or epoch != journal.epoch:
                journal.troubles.append(f"not recovered from {self._newest[channel]}: {epoch}")
            for envelope in answer["messages"]:
                self._note(journal, channel, envelope)
            if self._newest[channel] != answer["offset"]:
                journal.troubles.append(
                    f"joined at {answer['offset']}, with messages to {self._newest[channel]}"
                )

    def _on_event(self, event: str, envelope: Any) -> None:
        if event == "discontinuity":
            self.journals[envelope["channel"]].troubles.append(f"told of a gap: {envelope}")
        elif isinstance(envelope, dict) and "offset" in envelope:
            channel = envelope["channel"]
            self._note(self.journals[channel], channel, envelope)

    def _note(self, journal: Journal, channel: str, envelope: dict[str, Any]) -> None:
        self.deliveries += 1
        if (prev := envelope.get("prev")) is not None:
            journal.left_out.update(range(prev + 1, envelope["offset"]))
        journal.entries.append(entry_of(envelope))
        self._newest[channel] = max(self._newest[channel], envelope["offset"])

"""Asks a server what is in its channels."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Any, Final

from tests.promises.checker import Journal
from tests.promises.connection import Connection, Lost
from tests.promises.members import LIFETIME_SECONDS, entry_of
from tests.promises.topics import Topic
from tests.support.tokens import token

_PAGE: Final = 1000
PAUSE_SECONDS: Final = 0.5


class Reader:
    """Reads history and presence.

    Args:
        where: returns the URL to connect to, by chance.
        topics: that it reads.
    """

    def __init__(self, where: Callable[[random.Random], str], topics: Iterable[Topic]) -> None:
        self.topics = tuple(topics)
        self._where = where
        self._token = token("auditor", "service", "*:*:rw", expires_in=LIFETIME_SECONDS)
        self._connections: dict[str, Connection] = {}

    async def open(self) -> None:
        """Connect."""
        for namespace in dict.fromkeys(topic.namespace for topic in self.topics):
            connection = Connection(namespace, lambda event, envelope: None)
            await connection.open(self._where(random.Random(namespace)), self._token)
            self._connections[namespace] = connection

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()

    async def head(self, topic: Topic) -> int:
        """Return a channel's newest offset."""
        answer = await self._ask(topic, "history", limit=1)
        return int(answer["offset"])

    async def history(self, topic: Topic) -> Journal:
        """Return all that is kept of a channel."""
        pages: list[list[Any]] = []
        more: dict[str, int] = {}
        while True:
            answer = await self._ask(topic, "history", limit=_PAGE, **more)
            pages.insert(0, answer["messages"])
            if not answer["more"]:
                break
            more = {"before": answer["messages"][0]["offset"]}
        journal = Journal("history", str(topic), answer["epoch"], 0)
        newest = 0
        for page in pages:
            for number, envelope in enumerate(page):
                # The first of a page doesn't say what newer ones stand for before it.
                before = newest if number == 0 else envelope["offset"] - 1
                journal.left_out.update(range(envelope.get("prev", before) + 1, envelope["offset"]))
                journal.entries.append(entry_of(envelope))
                newest = envelope["offset"]
        return journal

    async def present(self, topic: Topic) -> dict[str, int]:
        """Return how many connections each member of a channel has there."""
        answer = await self._ask(topic, "presence")
        return {one["id"]: one["connections"] for one in answer["members"]}

    async def _ask(self, topic: Topic, request: str, **arguments: Any) -> Any:
        argument = {"channel": topic.channel, **arguments}
        return await persist(lambda: self._connections[topic.namespace].request(request, argument))


async def persist(ask: Callable[[], Any]) -> Any:
    """Ask until the answer is no `unavailable`."""
    while True:
        answer = await ask()
        if answer["ok"]:
            return answer
        if answer["error"]["code"] != "unavailable":
            raise Lost(str(answer["error"]))
        await asyncio.sleep(PAUSE_SECONDS)

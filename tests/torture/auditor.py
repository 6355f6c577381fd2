"""Asks the server what is in its channels, when all is over."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from tests.conftest import token
from tests.torture.checker import Journal
from tests.torture.connection import Connection, Lost
from tests.torture.members import LIFETIME_SECONDS, Member, entry_of
from tests.torture.servers import Servers
from tests.torture.topics import NAMESPACES, TOPICS, Topic

_PAGE: Final = 1000
_PAUSE_SECONDS: Final = 0.5


class Auditor:
    """Reads history and presence, through any server."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._token = token("auditor", "service", "*:*:rw", expires_in=LIFETIME_SECONDS)
        self._connections: dict[str, Connection] = {}

    async def open(self) -> None:
        """Connect."""
        for namespace in NAMESPACES:
            connection = Connection(namespace, lambda event, envelope: None)
            await connection.open(self._servers.any_url(random.Random(namespace)), self._token)
            self._connections[namespace] = connection

    def close(self) -> None:
        """Let go of the connections."""
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
        entries = [entry_of(envelope) for page in pages for envelope in page]
        return Journal("history", str(topic), answer["epoch"], 0, entries)

    async def present(self, topic: Topic) -> dict[str, int]:
        """Return how many connections each member of a channel has there."""
        answer = await self._ask(topic, "presence")
        return {one["id"]: one["connections"] for one in answer["members"]}

    async def settled(self, members: list[Member], quiet_seconds: float, limit: float) -> bool:
        """Wait until nothing more comes for a while, and everybody has it all.

        Returns:
            False when that is not so after `limit` seconds.
        """
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                before, since = await self._state(members), loop.time()
                while not before[1] or loop.time() - since < quiet_seconds:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    now = await self._state(members)
                    if now != before:
                        before, since = now, loop.time()
                return True
        return False

    async def _state(self, members: list[Member]) -> tuple[list[int], bool]:
        heads = [await self.head(topic) for topic in TOPICS]
        caught_up = all(
            member.joined
            and all(
                member.position(topic.channel) == head
                for topic, head in zip(TOPICS, heads, strict=True)
                if str(topic) in member.topics
            )
            for member in members
        )
        return heads, caught_up

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
        await asyncio.sleep(_PAUSE_SECONDS)

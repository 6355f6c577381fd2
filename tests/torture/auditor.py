"""Asks the server what is in its channels, when all is over."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.promises.members import Member
from tests.promises.reader import PAUSE_SECONDS, Reader
from tests.promises.servers import Servers
from tests.promises.topics import TOPICS


class Auditor(Reader):
    """Reads history and presence, through any server."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers.any_url, TOPICS)

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
                    await asyncio.sleep(PAUSE_SECONDS)
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

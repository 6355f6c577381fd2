"""Clients that send, and retry until they are acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final, cast

from app.core.identity import Kind
from tests.promises.connection import Connection, Lost
from tests.promises.ledger import Ledger, Published
from tests.promises.members import LIFETIME_SECONDS
from tests.promises.topics import Topic, data_digest, payload
from tests.support.tokens import token

_PAUSE_SECONDS: Final = 0.2
#: Who was held up sends so many seconds' messages at once, at most.
_LATE_SECONDS: Final = 1.0


class Publisher:
    """One that sends messages until it is told to stop.

    Args:
        name: like no other's.
        mean_pause: seconds between its messages.
    """

    def __init__(self, name: str, ledger: Ledger, seed: int, mean_pause: float) -> None:
        self.name = name
        self.ledger = ledger
        self.randomly = random.Random(seed)
        self.stopping = asyncio.Event()
        self._mean_pause = mean_pause
        self._number = 0

    async def run(self) -> None:
        """Send until `stopping` is set and the last one is done with."""
        try:
            loop = asyncio.get_running_loop()
            due = loop.time()
            while not self.stopping.is_set():
                self._number += 1
                await self.send(f"{self.name}-{self._number}")
                # From one to the next, however long sending took, so that the rate is as asked.
                due += self.randomly.uniform(0, 2 * self._mean_pause)
                due = max(due, loop.time() - _LATE_SECONDS)
                await asyncio.sleep(due - loop.time())
        finally:
            await self.close()

    def padding(self) -> str:
        """Return some text, mostly short."""
        return "x" * int(self.randomly.paretovariate(1.0) * 20 % 3000)

    async def send(self, mark: str) -> None:
        """Send one message."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close its connections."""


class ClientPublisher(Publisher):
    """A Socket.IO client: a nonce, and again and again until there is an ack.

    Args:
        where: returns the URL to connect to, by chance.
        moodiness: how often it gives up at the first failure, and how often it repeats, on another
            connection, what was acknowledged.
    """

    def __init__(
        self,
        topic: Topic,
        where: Callable[[random.Random], str],
        *common: Any,
        moodiness: float = 0.05,
    ) -> None:
        super().__init__(*common)
        self._topic = topic
        self._where = where
        self._moodiness = moodiness
        kind = cast("Kind", topic.kind)
        self._token = token(self.name, kind, "*:*:rw", expires_in=LIFETIME_SECONDS, agent_id=7)
        self._connection: Connection | None = None

    async def send(self, mark: str) -> None:
        data = payload(self._topic.type, mark, self.padding())
        sent = Published("client", mark, str(self._topic), data_digest(data))
        self.ledger.add(sent)
        message = {"channel": self._topic.channel, "data": data, "nonce": mark}
        gives_up = self.randomly.random() < self._moodiness
        repeats = self.randomly.random() < self._moodiness
        while not sent.acked or repeats:
            if sent.acked:
                repeats = False
                await self.close()  # to another server, perhaps
            try:
                answer = await (await self._connected()).request(self._topic.type, message)
            except Lost:
                answer = {"ok": False, "error": {"code": "unavailable"}}
            if answer["ok"]:
                sent.answers.add((answer["offset"], answer["epoch"]))
            elif answer["error"]["code"] != "unavailable":
                raise RuntimeError(f"{mark} was refused: {answer['error']}")
            elif gives_up:
                return
            else:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.lost.is_set():
            await self.close()
            self._connection = Connection(self._topic.namespace, _ignore)
            await self._connection.open(self._where(self.randomly), self._token)
        return self._connection


def _ignore(_event: str, _envelope: Any) -> None: ...

"""The bystander: two members of another circle, who exchange a message every 50 ms."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from bench.attack.speech import event
from bench.attack.wire import Closed, WebSocket
from tests.support.tokens import token

EVERY_SECONDS: Final = 0.05
CIRCLE: Final = "bystanders"
_PATH: Final = "/socket.io/?EIO=4&transport=websocket"
_NAMES: Final = ("ann", "ben")
_PATIENCE_SECONDS: Final = 60.0


class Felt(NamedTuple):
    """What a bystander felt in some time.

    Args:
        sent: messages.
        lost: those that never came.
        refused: those that were acknowledged with an error; they are lost too.
        p50_ms: the half of those that came took less.
        p99_ms: nearly all took less.
        worst_ms: all took less.
    """

    sent: int
    lost: int
    refused: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


class Bystander:
    """Two connections that take turns to publish; each awaits what the other sends."""

    def __init__(self) -> None:
        self.closed = 0  # connections
        self.refused: set[int] = set()
        self._sent: list[float] = []
        self._came: dict[int, float] = {}
        self._sockets: list[WebSocket] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._all_came = asyncio.Event()

    async def begin(self, port: int) -> None:
        """Connect, join, and exchange messages from now on."""
        for name in _NAMES:
            one = await WebSocket.open(port)
            await one.shake(_PATH)
            auth = {"token": token(name, "user", f"circles:{CIRCLE}:rw")}
            await one.text(f"40/circles,{json.dumps(auth)}")
            await one.starting('42/circles,["connection_ack"')
            await one.text(event("/circles", "join", {"channel": CIRCLE}, 0))
            await one.starting("43/circles,0")
            self._sockets.append(one)
        self._tasks = [
            asyncio.create_task(self._listen(number)) for number in range(len(self._sockets))
        ]
        self._tasks.append(asyncio.create_task(self._talk()))

    def mark(self) -> int:
        """Return how many were sent by now; `felt` tells of what lies between two marks."""
        return len(self._sent)

    async def end(self) -> None:
        """Say no more, and wait until everything has come that comes."""
        self._stopping = True
        self._look()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._all_came.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in self._sockets:
            one.close()

    def felt(self, first: int, last: int) -> Felt:
        """Return what was felt of the messages from one mark to another."""
        numbers = range(first, last)
        took = sorted(
            (self._came[number] - self._sent[number]) * 1000
            for number in numbers
            if number in self._came
        )
        return Felt(
            sent=len(numbers),
            lost=len(numbers) - len(took),
            refused=len(self.refused.intersection(numbers)),
            p50_ms=_quantile(took, 0.5),
            p99_ms=_quantile(took, 0.99),
            worst_ms=_quantile(took, 1.0),
        )

    async def _talk(self) -> None:
        began = time.monotonic()
        while not self._stopping:
            number = len(self._sent)
            due = began + number * EVERY_SECONDS
            await asyncio.sleep(due - time.monotonic())
            self._sent.append(time.monotonic())
            message = {"channel": CIRCLE, "data": {"content": f"{number} {'x' * 100}"}}
            packet = event("/circles", "user_message", message, number + 1)
            try:
                # A full socket must not make one wait with the next.
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._sockets[number % len(self._sockets)].text(packet)
            except OSError:
                self.closed += 1
                return

    async def _listen(self, number: int) -> None:
        one = self._sockets[number]
        try:
            while True:
                packet = await one.next()
                if packet == "2":
                    await one.text("3")
                elif packet.startswith('42/circles,["user_message"'):
                    said = int(json.loads(packet[11:])[1]["data"]["content"].split()[0])
                    if said % len(self._sockets) != number:
                        self._came.setdefault(said, time.monotonic())
                elif packet.startswith("43/circles,"):
                    ack, _, answer = packet[11:].partition("[")
                    if not json.loads(f"[{answer}")[0]["ok"]:
                        self.refused.add(int(ack) - 1)
                elif packet.startswith("41"):
                    raise Closed
                self._look()
        except OSError:
            self.closed += 1
            self._look()

    def _look(self) -> None:
        if self._stopping and (
            self.closed or len(self._came) + len(self.refused) >= len(self._sent)
        ):
            self._all_came.set()


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

"""What goes wrong, by chance, but the same for each seed."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tests.promises.members import Member
from tests.promises.servers import Server, Servers
from tests.promises.stage import Say
from tests.support.links import COMMANDS, KINDS, SUBSCRIPTIONS, Links
from tests.support.redis import RedisServer

#: How often each comes in one round; in which order is chance.
ROUND: Final = {
    "kill a server": 2,
    "end a server": 1,
    "stop a server": 2,
    "freeze Redis": 2,
    "cut subscriptions": 2,
    "cut commands": 2,
    "begin late": 1,
    "cut a connection": 2,
    "freeze a connection": 2,
    "forget scripts": 1,
    "restart members": 3,
}


class Fault(NamedTuple):
    """One that comes `wait` seconds after the one before.

    Args:
        choice: between 0 and 1: whom it hits.
        seconds: how long it lasts, where it lasts.
    """

    wait: float
    kind: str
    choice: float
    seconds: float


def plan(seed: int, mean_wait: float, rounds: int | None = None) -> Iterator[Fault]:
    """Return the faults of one round after the other.

    Args:
        mean_wait: seconds from one to the next.
        rounds: how many; None: without end.
    """
    randomly = random.Random(seed)
    for _ in itertools.count() if rounds is None else range(rounds):
        kinds = [kind for kind, count in ROUND.items() for _ in range(count)]
        randomly.shuffle(kinds)
        for kind in kinds:
            wait = randomly.uniform(0.1, 2 * mean_wait)
            yield Fault(wait, kind, randomly.random(), randomly.uniform(0.5, 5.0))


class Faults:
    """Does them, several at a time if they last.

    Args:
        say: is told what happens.
    """

    def __init__(
        self, servers: Servers, redis_server: RedisServer, members: Sequence[Member], say: Say
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.cuts: list[tuple[float, float]] = []
        """From when to when each cut of the subscriptions took, by the event loop's clock."""
        self._servers = servers
        self._redis = redis_server
        self._members = members
        self._say = say
        self._admin = redis.asyncio.Redis.from_url(redis_server.url, retry=Retry(NoBackoff(), 0))
        self._frozen = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._acts: dict[str, Callable[[Fault], Awaitable[bool]]] = {
            "kill a server": lambda fault: self._end_server(fault, signal.SIGKILL),
            "end a server": lambda fault: self._end_server(fault, signal.SIGTERM),
            "stop a server": self._stop_server,
            "freeze Redis": self._freeze,
            "begin late": self._begin_late,
            "cut a connection": self._cut_connection,
            "freeze a connection": self._freeze_connection,
            "cut subscriptions": self._cut_subscriptions,
            "cut commands": lambda fault: self._command("CLIENT", "KILL", "TYPE", "normal"),
            "forget scripts": lambda fault: self._command("SCRIPT", "FLUSH"),
            "restart members": self._restart_members,
        }

    async def run(self, faults: Iterator[Fault]) -> None:
        """Go on until there are no more, or until cancelled."""
        for fault in faults:
            await asyncio.sleep(fault.wait)
            task = asyncio.create_task(self._do(fault))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Wait until what lasts is over."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
        await self._admin.aclose()

    async def _do(self, fault: Fault) -> None:
        if await self._acts[fault.kind](fault):
            self.counts[fault.kind] += 1

    async def _end_server(self, fault: Fault, signum: int) -> bool:
        running = self._servers.running()
        if len(running) < 2:
            return False
        server = running[int(fault.choice * len(running))]
        self._say(f"{fault.kind}: {server.number}")
        await server.end(signum)
        await server.start()
        self._say(f"server {server.number} is back")
        return True

    async def _begin_late(self, fault: Fault) -> bool:
        """Have a new process receive what is published, long before it can ask anything."""
        running = self._servers.running()
        if len(running) < 2:
            return False
        server = running[int(fault.choice * len(running))]
        links, seconds = _links(server), 2 * fault.seconds
        self._say(f"{fault.kind}: {server.number}, {seconds:.1f} s after it subscribes")
        await server.end(signal.SIGKILL)
        links.hold(COMMANDS)
        try:
            await server.start()
            await asyncio.sleep(seconds)
        finally:
            links.release(COMMANDS)
        return True

    def _connection(self, fault: Fault) -> tuple[Server, str]:
        """Return a server, and which of its two connections fails."""
        number = int(fault.choice * len(self._servers.all) * len(KINDS))
        server, kind = divmod(number, len(KINDS))
        return self._servers.all[server], KINDS[kind]

    async def _cut_connection(self, fault: Fault) -> bool:
        server, kind = self._connection(fault)
        self._say(f"{fault.kind}: {kind} of {server.number}")
        began = asyncio.get_running_loop().time()
        _links(server).cut(kind)
        if kind == SUBSCRIPTIONS:
            server.note_deaf(began)
        return True

    async def _freeze_connection(self, fault: Fault) -> bool:
        server, kind = self._connection(fault)
        self._say(f"{fault.kind}: {kind} of {server.number}, for {fault.seconds:.1f} s")
        _links(server).hold(kind)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            _links(server).release(kind)
        return True

    async def _stop_server(self, fault: Fault) -> bool:
        running = self._servers.running()
        if len(running) < 2:
            return False
        server = running[int(fault.choice * len(running))]
        self._say(f"{fault.kind}: {server.number}, for {fault.seconds * 1.5:.1f} s")
        await server.stop_for(fault.seconds * 1.5)
        return True

    async def _freeze(self, fault: Fault) -> bool:
        if self._frozen:
            return False
        self._frozen = True
        self._say(f"{fault.kind} for {fault.seconds:.1f} s")
        self._redis.freeze()
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            self._redis.thaw()
            self._frozen = False
        return True

    async def _cut_subscriptions(self, _fault: Fault) -> bool:
        began = asyncio.get_running_loop().time()
        done = await self._command("CLIENT", "KILL", "TYPE", "pubsub")
        self.cuts.append((began, asyncio.get_running_loop().time()))
        return done

    async def _command(self, *command: str) -> bool:
        self._say(" ".join(command))
        try:
            answer: Any = await self._admin.execute_command(*command)  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            return False
        return answer is not None

    async def _restart_members(self, fault: Fault) -> bool:
        count = max(1, len(self._members) // 4)
        first = int(fault.choice * len(self._members))
        for member in [*self._members, *self._members][first : first + count]:
            member.go_away(fault.seconds / 2)
        self._say(f"{fault.kind}: {count}, away for {fault.seconds / 2:.1f} s")
        return True


def _links(server: Server) -> Links:
    assert server.links is not None
    return server.links

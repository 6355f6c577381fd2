"""One run: a client joins, its connection is lost again and again, and what it got is checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.drops.client import Client
from tests.drops.drops import PATIENCE_SECONDS, Drops
from tests.drops.node_client import HearthClient, StockClient
from tests.drops.plan import plan
from tests.drops.python_client import PythonClient
from tests.drops.report import Report
from tests.promises.checker import Finding, Journal, check
from tests.promises.ledger import Ledger
from tests.promises.members import Member
from tests.promises.publishers import ClientPublisher
from tests.promises.reader import Reader
from tests.promises.servers import Servers
from tests.promises.stage import Say, perform
from tests.promises.topics import TOPICS
from tests.support.proxy import Proxy
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer

#: One that nothing happens to, and two that the client is sent to.
SERVERS: Final = 3
CHANNELS: Final = tuple(
    topic for topic in TOPICS if topic.channel in {"dev-team", "ops", "flow/app/1"}
)
PUBLISHERS_OF_EACH: Final = 2
CLIENTS: Final[dict[str, type[Client]]] = {
    "stock": StockClient,
    "hearth-js": HearthClient,
    "python": PythonClient,
}
_MOODINESS: Final = 0.005
_QUIET_SECONDS: Final = 1.0
_ALL_KEPT: Final = 1_000_000


class Options(NamedTuple):
    """How to run.

    Args:
        client: one of `CLIENTS`.
        drops: how many.
        rate: messages per second, in all channels together.
        window: RECOVERY_SECONDS of the servers.
        away: from how many seconds to how many each drop keeps the client away.
        history_size: HISTORY_SIZE of the servers; None: all is kept, so that nothing may be lost.
        transports: that clients in Node connect with.
    """

    client: str
    drops: int = 200
    seed: int = 1
    rate: float = 200.0
    window: float = 120.0
    away: tuple[float, float] = (0.0, 1.0)
    history_size: int | None = None
    transports: tuple[str, ...] = ("websocket",)


async def run(options: Options, say: Say) -> Report:
    """Run, and return what came of it.

    Args:
        say: is told what happens.
    """
    began = time.monotonic()

    async def act(servers: Servers, _redis: RedisServer, say: Say) -> Report:
        return await _run(options, servers, say)

    settings = {
        "RECOVERY_SECONDS": f"{options.window:g}",
        "HISTORY_SIZE": str(options.history_size or _ALL_KEPT),
        # So that who is half open notices soon.
        "PING_SECONDS": "1",
        "PING_TIMEOUT_SECONDS": "1",
    }
    report = await perform(act, SERVERS, say, settings, "tests.support.closing")
    report.seconds = time.monotonic() - began
    return report


async def _run(options: Options, servers: Servers, say: Say) -> Report:
    for server in servers.all:
        await until_status(server.url)
    steady, *others = servers.all
    witnesses = _witnesses(steady.url)
    client = CLIENTS[options.client](CHANNELS, options.history_size, options.transports)
    proxy = await Proxy(others[0].url).start()
    drops = Drops(proxy, others, client, say)
    being = [asyncio.create_task(one.run(), name=one.name) for one in witnesses]
    reader = Reader(lambda _randomly: steady.url, CHANNELS)
    findings: list[Finding] = []
    try:
        await client.start(proxy.url)
        await until(lambda: client.joined and all(one.joined for one in witnesses), 60.0)
        ledger = Ledger()
        publishers = _publishers(options, servers, ledger)
        sending = [asyncio.create_task(one.run(), name=one.name) for one in publishers]
        try:
            await drops.run(plan(options.seed, options.drops, options.away))
        except TimeoutError:
            findings.append(Finding("unsettled", f"it never came back: {client.refusals}"))
        for publisher in publishers:
            publisher.stopping.set()
        await asyncio.gather(*sending)
        await drops.end()
        say("drops are over, publishers stop")

        await reader.open()
        findings += await _settle(reader, client, witnesses)
        truth = _journals(witnesses)
        journals = list(client.journals.values())
        if options.history_size is None:
            journals += [await reader.history(topic) for topic in CHANNELS]
        findings += check(ledger.sent([], []), truth, journals)
        return Report(options.client, options.seed, findings, drops.counts, client, truth)
    finally:
        reader.close()
        await client.stop()
        for task in being:
            task.cancel()
        await asyncio.gather(*being, return_exceptions=True)
        await proxy.close()


def _journals(witnesses: Sequence[Member]) -> dict[str, Journal]:
    return {one.topic: one for witness in witnesses for one in witness.journals.values()}


def _witnesses(url: str) -> list[Member]:
    """Return members of all channels, whose connections nothing happens to: they have the truth."""
    return [
        Member(
            f"witness{namespace.replace('/', '-')}",
            "user",
            [topic for topic in CHANNELS if topic.namespace == namespace],
            lambda _randomly: url,
            seed=0,
        )
        for namespace in dict.fromkeys(topic.namespace for topic in CHANNELS)
    ]


def _publishers(options: Options, servers: Servers, ledger: Ledger) -> list[ClientPublisher]:
    count = len(CHANNELS) * PUBLISHERS_OF_EACH
    return [
        ClientPublisher(
            CHANNELS[number % len(CHANNELS)],
            servers.any_url,
            *(f"client-{number}", ledger, options.seed * 1000 + number, count / options.rate),
            moodiness=_MOODINESS,
        )
        for number in range(count)
    ]


async def _settle(reader: Reader, client: Client, witnesses: Sequence[Member]) -> list[Finding]:
    """Wait until everybody has everything, and a bit, for what may come twice."""
    heads = {topic: await reader.head(topic) for topic in CHANNELS}

    def is_settled() -> bool:
        return all(client.newest(topic) >= head for topic, head in heads.items()) and all(
            witness.position(topic.channel) >= heads[topic]
            for witness in witnesses
            for topic in CHANNELS
            if str(topic) in witness.topics
        )

    try:
        await until(is_settled, PATIENCE_SECONDS)
    except TimeoutError:
        behind = {str(topic): (client.newest(topic), head) for topic, head in heads.items()}
        return [Finding("unsettled", f"it never caught up: {behind}; {client.refusals}")]
    await asyncio.sleep(_QUIET_SECONDS)
    return []

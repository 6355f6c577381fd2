"""One run: everything is started, goes wrong for a while, settles and is checked."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Final, NamedTuple

from tests.promises.checker import Finding, check
from tests.promises.ledger import Ledger
from tests.promises.members import Member
from tests.promises.publishers import ClientPublisher, Publisher
from tests.promises.servers import Servers
from tests.promises.stage import Say, perform
from tests.promises.topics import NAMESPACES, TOPICS, topics_of
from tests.support.ready import until, until_status
from tests.support.redis import RedisServer
from tests.torture.auditor import Auditor
from tests.torture.faults import Faults, plan
from tests.torture.report import Report
from tests.torture.workers import BusPublisher, EmitPublisher

SERVERS: Final = 3
EMITTERS: Final = 3
SETTLE_SECONDS: Final = 120.0
_KINDS: Final = ("user", "agent", "user", "service")


class Options(NamedTuple):
    """How to run.

    Args:
        seconds: how long faults go on at most.
        rounds: of faults, at most; None: as many as there is time for.
        members: how many there are in each namespace.
        mean_wait: seconds from one fault to the next.
        mean_pause: seconds between the messages of each publisher.
        quiet_seconds: for how long nothing may come before all is over.
    """

    seconds: float = 600.0
    seed: int = 1
    rounds: int | None = None
    members: int = 7
    mean_wait: float = 1.5
    mean_pause: float = 0.2
    quiet_seconds: float = 12.0

    @property
    def arguments(self) -> str:
        """What to say on the command line to have the same again."""
        return (
            f"--seconds {self.seconds:g} --seed {self.seed} --members {self.members} "
            f"--wait {self.mean_wait:g} --pause {self.mean_pause:g}"
        )


async def run(options: Options, say: Say) -> Report:
    """Run, and return what came of it.

    Args:
        say: is told what happens.
    """

    async def act(servers: Servers, redis_server: RedisServer, say: Say) -> Report:
        return await _run(options, servers, redis_server, say)

    return await perform(act, SERVERS, say, apart=True)


async def _run(
    options: Options,
    servers: Servers,
    redis_server: RedisServer,
    say: Say,
) -> Report:
    for server in servers.all:
        await until_status(server.url)
    ledger = Ledger()
    seeds = itertools.count(options.seed * 1000)
    members = [
        Member(
            f"member-{number}-of{namespace.replace('/', '-')}",
            _KINDS[number % len(_KINDS)],
            topics_of(namespace),
            servers.any_url,
            next(seeds),
        )
        for namespace in NAMESPACES
        for number in range(options.members)
    ]
    publishers = _publishers(options, servers, redis_server, ledger, seeds)
    faults = Faults(servers, redis_server, members, say)
    findings: list[Finding] = []

    say(f"{len(members)} members join")
    being = [asyncio.create_task(member.run(), name=member.name) for member in members]
    await until(lambda: all(member.joined for member in members), SETTLE_SECONDS)
    say(f"{len(publishers)} publishers begin")
    sending = [asyncio.create_task(one.run(), name=one.name) for one in publishers]
    harm = asyncio.create_task(faults.run(plan(options.seed, options.mean_wait, options.rounds)))
    await asyncio.wait(
        [harm, *being, *sending],
        timeout=options.seconds,
        return_when=asyncio.FIRST_COMPLETED,
    )
    harm.cancel()
    say("faults end, publishers stop")
    await faults.end()
    for publisher in publishers:
        publisher.stopping.set()
    await asyncio.wait(sending, timeout=SETTLE_SECONDS)

    auditor = Auditor(servers)
    await auditor.open()
    if not await auditor.settled(members, options.quiet_seconds, SETTLE_SECONDS):
        findings.append(Finding("unsettled", _behind(members)))
    say("all is quiet")
    history = {str(topic): await auditor.history(topic) for topic in TOPICS}
    lives = [life for server in servers.all for life in server.lives]
    sent = list(ledger.sent(lives, faults.cuts))
    journals = [journal for member in members for journal in member.journals.values()]
    findings += await _check_presence(auditor, members)
    findings += check(sent, history, journals)  # may take longer than a pong is waited for
    findings += await _end(being, sending)
    auditor.close()
    return Report(
        options.arguments,
        findings,
        sent=ledger.counts(),
        acked=sum(one.acked for one in ledger.published),
        unpromised=ledger.unpromised(lives, faults.cuts),
        kept=sum(len(one.entries) for one in history.values()),
        deliveries=sum(member.deliveries for member in members),
        recoveries=sum(member.recoveries for member in members),
        faults=faults.counts,
    )


def _publishers(
    options: Options,
    servers: Servers,
    redis_server: RedisServer,
    ledger: Ledger,
    seeds: itertools.count[int],
) -> list[Publisher]:
    def common(name: str) -> tuple[Any, ...]:
        return name, ledger, next(seeds), options.mean_pause

    publishers: list[Publisher] = [
        ClientPublisher(topic, servers.any_url, *common(f"client-{number}"))
        for number, topic in enumerate(TOPICS)
    ]
    publishers += [
        EmitPublisher(redis_server.url, *common(f"emitter-{number}")) for number in range(EMITTERS)
    ]
    publishers.append(BusPublisher(redis_server.url, *common("bus")))
    return publishers


def _behind(members: list[Member]) -> str:
    positions = {
        member.name: {topic: member.position(topic) for topic in member.journals}
        for member in members
    }
    return f"not in: {[one.name for one in members if not one.joined]}; at: {positions}"


async def _check_presence(auditor: Auditor, members: list[Member]) -> list[Finding]:
    findings = []
    for topic in TOPICS:
        expected = {member.name: 1 for member in members if str(topic) in member.topics}
        present = await auditor.present(topic)
        if present != expected:
            wrong = set(present.items()) ^ set(expected.items())
            findings.append(Finding("misplaced", f"{topic}: {sorted(wrong)}"))
    return findings


async def _end(being: list[asyncio.Task[None]], sending: list[asyncio.Task[None]]) -> list[Finding]:
    """End members and publishers, and return which have not done what they should."""
    findings = [
        Finding("unsettled", f"{task.get_name()} waits") for task in sending if not task.done()
    ]
    for task in [*being, *sending]:
        task.cancel()
    for task, result in zip(
        [*being, *sending],
        await asyncio.gather(*being, *sending, return_exceptions=True),
        strict=True,
    ):
        if isinstance(result, Exception):
            findings.append(Finding("broken", f"{task.get_name()}: {result!r}"))
    return findings

"""What stays in Redis, and for how long, is what `app/broker/keys.py` says."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from app.broker import keys as keys_module
from app.broker.contract import Fence
from app.broker.keys import LEAST_HISTORY_SECONDS, PRESENCE_SECONDS
from app.core.history import HistoryOptions
from tests.fixtures.redis import StartBackend
from tests.support.backends import RunningBackend
from tests.support.messages import OTHER, TEAM, message, somebody
from tests.support.redis import RedisServer

ALICE = somebody("alice")
AGENT = somebody("agent-7", "agent")
PERMANENT = {
    "hearth:format",
    "hearth:sequence",
    "hearth:inbox",
    "hearth:inbox:bytes",
    "hearth:rejected",
}
# What a name ends with → the longest that it may live, in seconds.
AGES = {
    r"head|log": LEAST_HISTORY_SECONDS,
    r"nonce:.*": 361,
    r"connections|joined|of:.*|announced|announcing": PRESENCE_SECONDS,
    r"turn": 1,
    r"processes|process:.*": PRESENCE_SECONDS,
    r"emits:taken": 600,
}


async def use_everything(running: RunningBackend) -> None:
    """Do whatever leaves something in Redis."""
    broker = running.broker
    await broker.subscribe(TEAM)
    sent = replace(message("a", time.time(), nonce_key="alice 1"), for_workers=True)
    await broker.publish(TEAM, sent)
    await broker.publish(TEAM, message("typing", time.time(), kept=False))
    await broker.publish(OTHER, message("typing", time.time(), kept=False))
    await broker.recover(OTHER, None, None)
    await running.presence.enter(TEAM, "a1", ALICE)
    await running.announcements.arrive(TEAM, AGENT, 5)
    await running.statuses.claim(TEAM, 1.0)
    await running.commands.send("SET", "hearth:emits:holder", "p", "PX", 3000)
    await broker.publish_all([(TEAM, message("b", time.time()))], Fence("p", b"digest"))
    await running.commands.send("DEL", "hearth:emits:holder")


async def test_every_key_expires_but_those_that_say_they_do_not(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    await use_everything(await start_backend(history=HistoryOptions(seconds=60)))
    seen = set()
    for key in redis_server.ask("KEYS", "*"):
        left = redis_server.ask("PTTL", key) / 1000
        if key in PERMANENT:
            assert left < 0, key
            continue
        (pattern,) = [one for one in AGES if re.search(f"[:}}]({one})$", key)]
        assert 0 < left <= AGES[pattern], key
        seen.add(pattern)
    assert seen == set(AGES)


async def test_what_has_members_is_renewed(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    await use_everything(running)
    presence = ("joined", "connections", "announced", f"of:{running.process}")
    renewed = {"head": 600, "log": 600} | dict.fromkeys(presence, 3600)
    for name in renewed:
        redis_server.ask("EXPIRE", f"hearth:{{/circles:dev-team}}:{name}", 5)
    await running.renew()
    for name, seconds in renewed.items():
        left = redis_server.ask("TTL", f"hearth:{{/circles:dev-team}}:{name}")
        assert seconds - 5 <= left <= seconds, name
    # It is done often enough for the shortest expiry that a key may have.
    assert keys_module.RENEW_SECONDS * 3 < LEAST_HISTORY_SECONDS


async def test_what_lives_longer_is_not_shortened(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend()
    await use_everything(running)
    await running.renew()
    assert redis_server.ask("TTL", "hearth:{/circles:dev-team}:head") > 80_000


async def test_what_is_kept_for_ever_is_not_made_to_expire(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    running = await start_backend(history=HistoryOptions(seconds=0))
    await use_everything(running)
    await running.renew()
    for name in ("head", "log"):
        assert redis_server.ask("TTL", f"hearth:{{/circles:dev-team}}:{name}") == -1


async def test_names_are_read_back(start_backend: StartBackend) -> None:
    running = await start_backend(prefix="my:app")
    await running.broker.subscribe(TEAM)
    assert await running.broker.channels("/circles") == [TEAM]
    assert await running.broker.channels("/feeds") == []

"""Wherever `REDIS_URL` may point: TLS, a user, another database, a Unix socket, Sentinels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from app.core.errors import Unavailable
from tests.fixtures.redis import StartBackend
from tests.redis.conftest import CertificatePair
from tests.support.backends import RunningBackend
from tests.support.messages import TEAM, message, somebody
from tests.support.ports import free_port
from tests.support.ready import until, until_members
from tests.support.redis import RedisServer
from tests.support.sentinel import SentinelledRedis


async def talk(running: RunningBackend) -> None:
    """Publish and receive, a little and much."""
    listener = running.listener
    await running.broker.subscribe(TEAM)
    for text in ("a", "x" * 1_000_000, "b"):
        await running.broker.publish(TEAM, message(text, time.time()))
    await until(lambda: len(listener.received) == 3)


async def test_tls(
    start_backend: StartBackend, redis_server: RedisServer, certificate_pair: CertificatePair
) -> None:
    key, certificate = certificate_pair
    port = free_port()
    redis_server.stop()
    server = f"--tls-port {port} --tls-auth-clients no --tls-cert-file {certificate}"
    keys = f"--tls-key-file {key} --tls-ca-cert-file {certificate}"
    redis_server.start(*server.split(), *keys.split())
    url = f"rediss://localhost:{port}/0"
    running = await start_backend(f"{url}?ssl_ca_certs={certificate}")
    await talk(running)
    for kind in ("pubsub", "normal"):
        redis_server.ask("CLIENT", "KILL", "TYPE", kind)
    await until(lambda: not running.broker.ready)
    await until(lambda: running.broker.ready)
    # A certificate that nobody vouches for is refused.
    with capture_logs() as logs:
        stranger = await start_backend(url, wait=False)
        await until(lambda: bool(logs))
    with pytest.raises(Unavailable):
        await stranger.broker.publish(TEAM, message("a", time.time()))


async def test_a_unix_socket(start_backend: StartBackend, redis_server: RedisServer) -> None:
    path = redis_server.directory / "redis.sock"
    redis_server.stop()
    redis_server.start("--unixsocket", str(path))
    await talk(await start_backend(f"unix://{path}?db=2"))


async def test_a_user_and_another_database(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.ask("ACL", "SETUSER", "hearth", "on", ">secret", "~*", "&*", "+@all")
    await talk(await start_backend(f"redis://hearth:secret@127.0.0.1:{redis_server.port}/5"))
    assert redis_server.ask("DBSIZE") == 0


@pytest.mark.parametrize("url", ["redis://no..such.host:1/0", "redis://127.0.0.1:1/0"])
async def test_a_host_that_is_not_there(start_backend: StartBackend, url: str) -> None:
    with capture_logs() as logs:
        running = await start_backend(url, wait=False)
        await until(lambda: any(line["log_level"] == "error" for line in logs))
        await asyncio.sleep(0.5)
        errors = [line for line in logs if line.get("event", "").startswith("Redis can't")]
    assert len(errors) == 1
    assert not running.broker.ready
    assert len(running.commands._tasks) == 1


async def test_too_many_clients(start_backend: StartBackend, redis_server: RedisServer) -> None:
    redis_server.ask("CONFIG", "SET", "maxclients", "1")
    running = await start_backend(wait=False)
    await asyncio.sleep(0.5)
    assert not running.broker.ready
    await running.close()  # gives its one connection free
    redis_server.ask("CONFIG", "SET", "maxclients", "100")
    await talk(await start_backend())


@pytest.fixture
def sentinelled() -> Iterator[SentinelledRedis]:
    servers = SentinelledRedis()
    servers.start()
    yield servers
    servers.close()


async def test_sentinel_fails_over(
    start_backend: StartBackend, sentinelled: SentinelledRedis
) -> None:
    here, there = [await start_backend(sentinelled.url) for _ in range(2)]
    await here.broker.subscribe(TEAM)
    await here.presence.enter(TEAM, "a1", somebody("alice"))
    first = await there.broker.publish(TEAM, message("a", time.time()))
    await here.settle()
    # What the master has told its replica; an ack doesn't wait for that.
    sentinelled.master.ask("WAIT", 1, 2000)
    sentinelled.master.stop()
    await until(lambda: not here.ready)
    await until(lambda: here.ready and there.ready, 30)
    second = await there.broker.publish(TEAM, message("b", time.time()))
    await until(lambda: here.listener.texts() == ["a", "b"])
    assert (second.offset, second.epoch) == (2, first.epoch)
    await until_members(there.presence, TEAM, "alice")

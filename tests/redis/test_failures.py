"""What the log says of a Redis that `REDIS_URL` doesn't fit: the cause, what would mend it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fixtures.redis import StartBackend
from tests.redis.conftest import CertificatePair
from tests.support.ports import free_port
from tests.support.ready import until
from tests.support.redis import RedisServer

Told = Callable[[str], Awaitable[str]]
PASSWORD = "hunter2"


@pytest.fixture
def told(start_backend: StartBackend) -> Told:
    """Return a function that returns what is told about a URL that leads nowhere."""

    async def reason_of(url: str) -> str:
        def failures() -> list[Any]:
            return [line for line in logs if line["event"].startswith("Redis can't be reached")]

        with capture_logs() as logs:
            running = await start_backend(url, wait=False)
            await until(lambda: bool(failures()))
            assert not running.ready
            await running.close()
        assert PASSWORD not in str(logs)
        assert len({line["error"] for line in failures()}) == len(failures())
        return str(failures()[0]["reason"])

    return reason_of


@pytest.fixture
def tls_port(redis_server: RedisServer, certificate_pair: CertificatePair) -> int:
    """Make `redis_server` speak TLS at another port of its own."""
    key, certificate = certificate_pair
    port = free_port()
    redis_server.stop()
    server = f"--tls-port {port} --tls-auth-clients no --tls-cert-file {certificate}"
    keys = f"--tls-key-file {key} --tls-ca-cert-file {certificate}"
    redis_server.start(*server.split(), *keys.split())
    return port


async def test_a_certificate_that_nobody_signed(told: Told, tls_port: int) -> None:
    reason = await told(f"rediss://localhost:{tls_port}/0")
    assert "self-signed certificate" in reason
    assert "ssl_ca_certs" in reason
    assert "ssl_cert_reqs=none" in reason


async def test_a_certificate_of_another_name(
    told: Told, tls_port: int, certificate_pair: CertificatePair
) -> None:
    _key, certificate = certificate_pair
    reason = await told(f"rediss://127.0.0.1:{tls_port}/0?ssl_ca_certs={certificate}")
    assert "127.0.0.1" in reason


async def test_a_certificate_that_nobody_looks_at(
    start_backend: StartBackend, tls_port: int
) -> None:
    assert (await start_backend(f"rediss://localhost:{tls_port}/0?ssl_cert_reqs=none")).ready


async def test_a_file_of_certificates_that_is_not_there(
    told: Told, tls_port: int, tmp_path: Path
) -> None:
    reason = await told(f"rediss://localhost:{tls_port}/0?ssl_ca_certs={tmp_path}/no.pem")
    assert "ssl_ca_certs" in reason
    assert str(tmp_path) not in reason


async def test_no_tls_where_it_is_spoken(told: Told, tls_port: int) -> None:
    assert "rediss://" in await told(f"redis://:{PASSWORD}@localhost:{tls_port}/0")


async def test_tls_where_it_is_not_spoken(told: Told, redis_server: RedisServer) -> None:
    assert "redis://" in await told(redis_server.url.replace("redis:", "rediss:"))


async def test_a_database_that_is_not_there(told: Told, redis_server: RedisServer) -> None:
    redis_server.stop()
    redis_server.start("--databases", "4")
    reason = await told(f"redis://127.0.0.1:{redis_server.port}/15")
    assert "database" in reason
    assert "REDIS_URL" in reason


@pytest.mark.parametrize("user", ["", "ann"])
async def test_a_wrong_password(told: Told, redis_server: RedisServer, user: str) -> None:
    redis_server.ask("CONFIG", "SET", "requirepass", "right-one")
    reason = await told(redis_server.url.replace("://", f"://{user}:{PASSWORD}@"))
    assert "password" in reason
    assert "REDIS_URL" in reason


async def test_a_password_where_there_is_none(told: Told, redis_server: RedisServer) -> None:
    reason = await told(redis_server.url.replace("://", f"://:{PASSWORD}@"))
    assert "without any password configured" in reason


async def test_no_password_where_there_is_one(
    start_backend: StartBackend, redis_server: RedisServer
) -> None:
    redis_server.ask("CONFIG", "SET", "requirepass", "right-one")
    with capture_logs() as logs:
        await start_backend(wait=False)
        await until(lambda: any("NOAUTH" in str(line) for line in logs))
        await until(lambda: any("see the line before" in str(line) for line in logs))


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("redis://127.0.0.1:1/0", "nothing listens there"),
        ("redis://no..such.host:1/0", ""),
        ("redis://no-such-host.invalid:1/0", "can't be resolved"),
        ("unix:///no/such/redis.sock", "socket"),
        ("redis+sentinel://127.0.0.1:1/0/hearth", "Sentinel"),
    ],
)
async def test_nobody_there(told: Told, url: str, named: str) -> None:
    assert named in await told(url)


async def test_a_redis_where_sentinels_are_expected(told: Told, redis_server: RedisServer) -> None:
    reason = await told(f"redis+sentinel://127.0.0.1:{redis_server.port}/0/hearth")
    assert "redis+sentinel://" in reason

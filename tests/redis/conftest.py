"""Fixtures: a hub on the test's own Redis, and a proxy before it."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.hub.hub import Hub
from tests.fixtures.proxies import Through
from tests.support.backends import RunningBackend
from tests.support.hubs import running_hub
from tests.support.members import RecordingFanOut
from tests.support.proxy import Proxy
from tests.support.ready import until
from tests.support.redis import RedisServer

CertificatePair = tuple[Path, Path]


@pytest.fixture
def fanout() -> RecordingFanOut:
    """The members of `shared_hub`."""
    return RecordingFanOut()


@pytest.fixture
async def shared_hub(redis_server: RedisServer, fanout: RecordingFanOut) -> AsyncIterator[Hub]:
    """A hub on `redis_server`, as one process has it."""
    backend = RunningBackend(redis_server.url)
    await backend.connect()
    async with running_hub(fanout, backend.broker, backend.presence) as hub:
        await until(lambda: hub.ready)
        yield hub
    await backend.close()


@pytest.fixture
async def proxy(redis_server: RedisServer, through: Through) -> Proxy:
    """The way to `redis_server`."""
    return await through(redis_server.url)


@pytest.fixture
def certificate_pair(tmp_path: Path) -> CertificatePair:
    """Return a key and the certificate for localhost that it has signed itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    subject = "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run(
        [*request.split(), *subject.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return key, certificate

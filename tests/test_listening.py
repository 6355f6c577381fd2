"""`HOST` and `PORT`: where `python -m app` listens, and what it says of that."""

from __future__ import annotations

import signal
import socket
import stat
from pathlib import Path

import aiohttp
import pytest

from tests.fixtures.processes import Run
from tests.support.tokens import ALICE

pytestmark = pytest.mark.processes


async def talk(url: str, connector: aiohttp.BaseConnector | None = None) -> None:
    """Ask a server for what aiohttp answers, and for what the fast path does."""
    async with aiohttp.ClientSession(connector=connector) as session:
        async with session.get(f"{url}/healthz") as response:
            assert response.status == 200
        async with session.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket") as engine:
            assert (await engine.receive_str()).startswith("0{")
        async with session.ws_connect(f"{url}/ws/circles/hall?token={ALICE}") as plain:
            assert (await plain.receive_json())["type"] == "connection_ack"


@pytest.mark.parametrize("host", ["::", "[::]"])
async def test_the_ipv6_wildcard_serves_both_families(run: Run, host: str) -> None:
    process = await run(HOST=host)
    assert process.url.startswith("http://[::]:")
    port = process.url.rpartition(":")[2]
    for name in ("127.0.0.1", "[::1]"):
        await talk(f"http://{name}:{port}")


async def test_an_ipv4_address_is_logged_as_one(run: Run) -> None:
    process = await run(HOST="::")
    port = process.url.rpartition(":")[2]
    async with aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/ws/circles/hall?token=none"
        async with session.ws_connect(url) as plain:
            assert (await plain.receive_json())["data"]["code"] == "unauthorized"
    assert (await process.logged("refused"))["address"] == "127.0.0.1"


@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_the_address_has_brackets_where_a_url_needs_them(run: Run, host: str) -> None:
    process = await run(HOST=host)
    assert process.url.startswith("http://[::1]:")
    await talk(process.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_other_hosts_have_none(run: Run, host: str) -> None:
    process = await run(HOST=host)
    assert process.url.startswith(f"http://{host}:")
    await talk(process.url)


async def test_an_empty_host_listens_on_this_machine_only(run: Run) -> None:
    process = await run(HOST="")
    assert process.url.startswith("http://127.0.0.1:")
    await talk(process.url)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hearth.sock"


async def test_a_unix_socket(run: Run, path: Path) -> None:
    process = await run(HOST=str(path))
    assert process.url == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    await talk("http://hearth", aiohttp.UnixConnector(str(path)))
    assert await process.stop() == 0
    assert not path.exists()


async def test_a_socket_that_a_killed_process_left_is_replaced(run: Run, path: Path) -> None:
    killed = await run(HOST=str(path))
    await killed.stop(signal.SIGKILL)
    assert path.is_socket()
    await run(HOST=str(path))
    await talk("http://hearth", aiohttp.UnixConnector(str(path)))


async def test_a_socket_in_use_is_left_to_whom_it_belongs(run: Run, path: Path) -> None:
    await run(HOST=str(path))
    with pytest.raises(AssertionError, match="Address already in use"):
        await run(HOST=str(path))
    await talk("http://hearth", aiohttp.UnixConnector(str(path)))


async def test_a_socket_that_another_process_put_there_stays(run: Run, path: Path) -> None:
    process = await run(HOST=str(path))
    path.unlink()
    with socket.socket(socket.AF_UNIX) as anothers:
        anothers.bind(str(path))
        await process.stop()
        assert path.is_socket()


async def test_a_file_of_that_name_is_not_removed(run: Run, path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(AssertionError, match=r"can't listen on .*hearth\.sock"):
        await run(HOST=str(path))
    assert path.read_text() == "precious"


async def test_a_path_that_is_too_long_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"too long.*HOST"):
        await run(HOST=str(tmp_path / ("x" * 108)))

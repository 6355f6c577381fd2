"""What `docs/protocol.md` says of plain WebSockets is what happens."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from aiohttp.test_utils import TestServer

from app.plain.closing import _CODES
from app.plain.paths import PATHS
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch
from tests.support.process import ROOT
from tests.support.tokens import ALICE, BOB

SECTION = (ROOT / "docs/protocol.md").read_text().partition("## Plain WebSockets\n")[2]
SECTION = SECTION.partition("\n## ")[0]


async def test_the_example_runs(
    server: TestServer, connect: Connect, launch: Launch, tmp_path: Path
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    (tmp_path / "example.py").write_text(code)
    url = str(server.make_url("")).rstrip("/")
    example = await launch(sys.executable, tmp_path / "example.py", HEARTH_URL=url, TOKEN=ALICE)
    assert example.stdout is not None
    async with asyncio.timeout(20):
        assert await example.stdout.readline() == b"alice Hello\n"
        bob = await connect(token=BOB)
        message = {"channel": "dev-team", "data": {"content": "Hello, Alice"}}
        await bob.request("user_message", message)
        assert await example.stdout.readline() == b"bob Hello, Alice\n"


def test_every_path_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`/.*?`) \|", SECTION, re.MULTILINE)
    assert {path for row in rows for path in re.findall(r"`(.*?)`", row)} == set(PATHS)


def test_every_close_code_is_in_the_table() -> None:
    rows = re.findall(r"^\| (\d{4}) \| ([^|]*)\|", SECTION, re.MULTILINE)
    table = {error: int(code) for code, errors in rows for error in re.findall("`(.*?)`", errors)}
    assert table == _CODES | {"internal": 1011}

"""What `docs/protocol.md` says of plain WebSockets is what happens."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from app.core.closing import Closing
from app.core.errors import HearthError
from app.plain.paths import PATHS
from app.transport.frames import NORMAL
from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch
from tests.support.process import ROOT
from tests.support.tokens import ALICE, BOB

SECTION = (ROOT / "docs/protocol.md").read_text().partition("## Plain WebSockets\n")[2]
SECTION = SECTION.partition("\n## ")[0]
#: Codes, the errors that come before them, and whether to come back.
CLOSE_CODES: list[tuple[str, str, str]] = re.findall(
    r"^\| (\d{4}[\d, ]*) \| ([^|]*)\| [^|]* \| ([^|]*) \|$", SECTION, re.MULTILINE
)


async def test_the_example_runs(
    server: TestServer, connect: Connect, launch: Launch, tmp_path: Path
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    (tmp_path / "example.py").write_text(code)
    url = str(server.make_url("")).rstrip("/")
    example = await launch(sys.executable, tmp_path / "example.py", HEARTH_URL=url, TOKEN=ALICE)
    assert example.stdout is not None
    async with asyncio.timeout(30):
        assert await example.stdout.readline() == b"alice Hello\n"
        bob = await connect(token=BOB)
        message = {"channel": "dev-team", "data": {"content": "Hello, Alice"}}
        await bob.request("user_message", message)
        assert await example.stdout.readline() == b"bob Hello, Alice\n"


def test_every_path_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`/.*?`) \|", SECTION, re.MULTILINE)
    assert {path for row in rows for path in re.findall(r"`(.*?)`", row)} == set(PATHS)


@pytest.mark.parametrize("closing", [one for one in Closing if one.code != NORMAL])
def test_every_close_code_is_in_the_table(closing: Closing) -> None:
    [come_back] = [answer for codes, _error, answer in CLOSE_CODES if str(closing.code) in codes]
    assert come_back.startswith("yes" if closing.comes_back else "no")


def test_every_error_that_ends_a_connection_is_in_the_table() -> None:
    table = {
        error: int(codes)
        for codes, errors, _come_back in CLOSE_CODES
        for error in re.findall("`(.*?)`", errors)
    }
    of_requests_alone = {"too_large"}
    assert table == {
        error.code: Closing.because_of(error()).code
        for error in HearthError.__subclasses__()
        if error.code not in of_requests_alone
    }

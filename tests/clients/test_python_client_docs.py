"""What docs/clients-python.md shows is what runs."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import hearth_client
from aiohttp.test_utils import TestServer

from tests.fixtures.processes import Launch
from tests.support.process import ROOT
from tests.support.tokens import AGENT, BOB

PAGE = (ROOT / "docs/clients-python.md").read_text()


async def test_the_program_on_the_page_runs(
    server: TestServer, launch: Launch, tmp_path: Path
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "agent.py").write_text(program)
    url = str(server.make_url(""))
    agent = await launch(sys.executable, tmp_path / "agent.py", HEARTH_URL=url, TOKEN=AGENT)
    assert agent.stdout is not None
    async with hearth_client.connect(url, token=BOB) as bob, asyncio.timeout(30):
        circle = await bob.circle("dev-team", history=10)
        async for message in circle:
            if message.type == "agent_joined" and message.data["agent_id"] == "agent-7":
                await circle.publish("user_message", {"content": "Hi"})
            if message.type == "agent_message":
                assert message.data == {"agent_id": "agent-7", "content": "You said: Hi"}
                break
        assert await agent.stdout.readline() == f"answered as number {message.offset}\n".encode()


def test_every_public_name_is_on_the_page() -> None:
    for name in (
        "Channel",
        "Message",
        "Receipt",
        "Page",
        "Presence",
        "HearthError",
        "DISCONTINUITY",
    ):
        assert name in hearth_client.__all__
        assert name in PAGE
    for owner in (hearth_client.Hearth, hearth_client.Channel):
        hidden = {"join", "on_message", "on_lost", "on_end", "wait_joined", "name"}
        for name in {name for name in vars(owner) if not name.startswith("_")} - hidden:
            assert f"{name}" in PAGE, name

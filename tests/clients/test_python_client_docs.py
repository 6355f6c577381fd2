"""What docs/clients-python.md shows is what runs."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import hearth_realtime
import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.processes import Launch
from tests.fixtures.servers import Serve
from tests.support.agents import take
from tests.support.process import ROOT
from tests.support.tokens import AGENT, ALICE, BOB

PAGE = (ROOT / "docs/clients-python.md").read_text()


@pytest.fixture
def programs(tmp_path: Path) -> tuple[Path, ...]:
    """The agent, the user and the streaming agent of the page."""
    paths = tuple(tmp_path / f"{name}.py" for name in ("agent", "user", "streaming"))
    for path, program in zip(
        paths, re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL), strict=True
    ):
        path.write_text(program)
    return paths


async def test_the_programs_on_the_page_need_no_tokens_in_development(
    serve: Serve, launch: Launch, programs: tuple[Path, ...]
) -> None:
    url = str((await serve(auth_mode="none", auth_secret=None)).make_url(""))
    agent = await launch(sys.executable, programs[0], HEARTH_URL=url)
    assert agent.stdout is not None
    assert b"developer" in await agent.stdout.readline()
    user = await launch(sys.executable, programs[1], HEARTH_URL=url)
    told, errors = await user.communicate()
    assert errors == b""
    assert told == b"here: developer\nagent developer: You said: Hello\n"


async def test_the_programs_on_the_page_talk_to_each_other(
    server: TestServer, launch: Launch, programs: tuple[Path, ...]
) -> None:
    url = str(server.make_url(""))
    agent = await launch(sys.executable, programs[0], HEARTH_URL=url, TOKEN=AGENT)
    assert agent.stdout is not None
    joined = b"joined dev-team as {'id': 'agent-7', 'kind': 'agent'}\n"
    assert await agent.stdout.readline() == joined
    async with hearth_realtime.connect(url, token=ALICE) as alice, asyncio.timeout(60):
        circle = await alice.circle("dev-team")
        await circle.publish("user_message", {"content": "Good morning"})
        *_, first = await take(circle, 4)  # with its answer, and that the agent was typing
        user = await launch(sys.executable, programs[1], HEARTH_URL=url, TOKEN=BOB)
        told, errors = await user.communicate()
        assert errors == b""
        here, before, answer = told.decode().splitlines()
        assert here.startswith("here: ")
        assert set(here.removeprefix("here: ").split(", ")) >= {"agent-7", "alice"}
        assert before == "before: Good morning"
        assert answer == "agent agent-7: You said: Hello"
        hello, *typing, said = await take(circle, 4)
        assert (hello.type, said.type) == ("user_message", "agent_message")
        assert [message.data["typing"] for message in typing] == [True, False]
        for answered in (first, said):
            line = await agent.stdout.readline()
            assert line == f"answered as number {answered.offset}\n".encode()


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
        assert name in hearth_realtime.__all__
        assert name in PAGE
    for owner in (hearth_realtime.Hearth, hearth_realtime.Channel):
        hidden = {"join", "on_message", "on_lost", "on_end", "wait_joined", "name"}
        for name in {name for name in vars(owner) if not name.startswith("_")} - hidden:
            assert f"{name}" in PAGE, name


async def test_the_agent_on_the_page_streams(
    server: TestServer, launch: Launch, programs: tuple[Path, ...]
) -> None:
    url = str(server.make_url(""))
    agent = await launch(sys.executable, programs[2], HEARTH_URL=url, TOKEN=AGENT)
    assert agent.stdout is not None
    assert await agent.stdout.readline() == b"joined writer/app-1/chat-1\n"
    async with hearth_realtime.connect(url, token=ALICE) as alice, asyncio.timeout(60):
        chat = await alice.chat("writer/app-1/chat-1")
        await chat.publish("user_message", {"content": "Good morning"})
        said: list[hearth_realtime.Message] = []
        while not said or said[-1].type != "chat_message":
            said.append(await anext(aiter(chat)))
        _question, *tokens, whole = said
        assert [one.type for one in tokens] == ["chat_token"] * 4
        assert [one.data["index"] for one in tokens] == [0, 1, 2, 3]
        assert whole.type == "chat_message"
        assert "".join(one.data["delta"] for one in tokens) == whole.data["content"]
        assert whole.data["content"] == "You said: Good morning"
        assert {one.data["message_id"] for one in (*tokens, whole)} == {whole.data["message_id"]}

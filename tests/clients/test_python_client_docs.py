"""What docs/clients-python.md shows is what runs."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import hearth_realtime
import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.processes import Launch
from tests.fixtures.servers import Serve
from tests.support.agents import take
from tests.support.process import ROOT
from tests.support.tokens import AGENT, ALICE, BOB, token

PAGE = (ROOT / "docs/clients-python.md").read_text()


@pytest.fixture
def programs(tmp_path: Path) -> tuple[Path, ...]:
    """The agent, the user, the streaming agent and the one that notifies, of the page."""
    names = ("agent", "user", "streaming", "notifying")
    paths = tuple(tmp_path / f"{name}.py" for name in names)
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


async def test_a_restarted_agent_ends_what_it_had_begun(server: TestServer) -> None:
    """As the page says: the question comes again, and no piece is published twice."""
    url, path = str(server.make_url("")), "writer/app-1/chat-1"
    asked = {"content": "Good morning"}

    def piece(question: hearth_realtime.Message, index: int) -> tuple[dict[str, Any], str]:
        answer = f"answer-{question.epoch}-{question.offset}"
        return {"message_id": answer, "index": index, "delta": "x"}, f"{answer}-{index}"

    async with (
        asyncio.timeout(60),
        hearth_realtime.connect(url, token=ALICE) as alice,
    ):
        page = await alice.chat(path)
        async with hearth_realtime.connect(url, token=AGENT) as agent:
            chat = await agent.chat(path)
            for _ in range(2):
                await page.publish("user_message", asked)
            finished, unfinished = await take(chat, 2)
            data, nonce = piece(unfinished, 0)
            await chat.publish("chat_token", data, nonce=nonce)
        async with hearth_realtime.connect(url, token=AGENT) as agent:
            assert finished.position is not None
            since = hearth_realtime.Position(*finished.position)
            chat = await agent.chat(path, since=since)
            again, begun = [await anext(aiter(chat)) for _ in range(2)]
            assert (again.offset, begun.type) == (unfinished.offset, "chat_token")
            for index in range(2):
                data, nonce = piece(again, index)
                receipt = await chat.publish("chat_token", data, nonce=nonce)
                assert receipt.duplicate is (index == 0)


async def test_the_agent_on_the_page_notifies(
    server: TestServer, launch: Launch, programs: tuple[Path, ...]
) -> None:
    url = str(server.make_url(""))
    (grants,) = re.findall(r"GRANTS='(circles:\S+,notifications:\S+)'", PAGE)
    notifier = token("agent-7", "agent", *grants.split(","))
    async with hearth_realtime.connect(url, token=ALICE) as alice, asyncio.timeout(60):
        mine = await alice.notifications()
        program = await launch(sys.executable, programs[3], HEARTH_URL=url, TOKEN=notifier)
        told, errors = await program.communicate()
        assert (told, errors) == (b"notified as number 1\n", b"")
        notified = await anext(aiter(mine))
        assert notified.type == "notification"
        await mine.mark_read(notified.data["id"])
        read = await anext(aiter(mine))
        assert read.data == {"ids": ["report-7"]}

"""What docs/tokens.md shows is what runs: tokens of PyJWT and jose, and of an identity provider."""

from __future__ import annotations

import re
import shutil
import sys
import time
from pathlib import Path

import jwt
import pytest
from aiohttp.test_utils import TestServer

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch, Run
from tests.support.process import ROOT
from tests.support.tokens import SECRET

PAGE = (ROOT / "docs/tokens.md").read_text()
LINES = 5


def block(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


@pytest.mark.parametrize(
    ("language", "command", "name"),
    [("python", sys.executable, "mint.py"), ("js", shutil.which("node"), "mint.mjs")],
)
async def test_a_token_in_five_lines(
    server: TestServer,
    launch: Launch,
    connect: Connect,
    tmp_path: Path,
    language: str,
    command: str,
    name: str,
) -> None:
    assert len([line for line in block(language).splitlines() if line]) <= LINES
    (tmp_path / name).write_text(block(language))
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    program = await launch(command, tmp_path / name, AUTH_SECRET=SECRET)
    stdout, stderr = await program.communicate()
    assert (program.returncode, stderr) == (0, b"")
    token = stdout.decode().strip()
    ann = await connect(token=token)
    await ann.join("hall")
    await ann.say("Hello", channel="hall")
    message = await ann.next("user_message")
    assert message["sender"] == {"id": "ann", "kind": "user"}
    assert jwt.decode(token, SECRET, ["HS256"])["exp"] > time.time()


async def test_a_token_that_knows_nothing_of_hearth(run: Run, connect: Connect) -> None:
    (example,) = re.findall(r"USER_GRANTS='(.*?)' make run", PAGE)
    process = await run(USER_GRANTS=example)
    claims = {
        "iss": "https://tenant.eu.auth0.com/",
        "sub": "auth0|5f7c1e",
        "aud": ["https://api.example.com", "https://tenant.eu.auth0.com/userinfo"],
        "iat": int(time.time()) + 3,
        "exp": int(time.time()) + 86_400,
        "azp": "client",
        "scope": "openid profile email",
    }
    token = jwt.encode(claims, SECRET, "HS256")
    chat = await connect("/chat", token, process.url)
    mine = {"channel": "support/auth0|5f7c1e/1"}
    assert (await chat.request("join", mine))["ok"] is True
    assert (await chat.request("user_message", mine | {"data": {"content": "Hi"}}))["ok"] is True
    others = await chat.request("join", {"channel": "support/auth0|5f7c1f/1"})
    assert others["error"]["code"] == "forbidden"
    inbox = await connect("/notifications", token, process.url)
    assert (await inbox.next("connection_ack"))["data"]["user_id"] == "auth0|5f7c1e"
    assert (await inbox.request("history", {"channel": "user:auth0|5f7c1e"}))["ok"] is True

"""`clients/js`: its types are the schemas', its own tests pass, and its page of docs is true."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Run
from tests.support.package import PACKAGE, make_package, output
from tests.support.process import ROOT, clean_environment
from tests.support.tokens import AGENT, ALICE

DOCS = (ROOT / "docs/clients-js.md").read_text()
MAX_LINES = 300
GENERATE = "python -m schemas.json_schema | node clients/js/scripts/generate-types.mjs"


@pytest.fixture(autouse=True)
async def package() -> None:
    await make_package()


async def test_the_types_are_made_of_the_schemas() -> None:
    written = await output("bash", "-o", "pipefail", "-c", GENERATE.replace("python", "$PYTHON", 1))
    committed = (PACKAGE / "src/generated/payloads.ts").read_text()
    assert written == committed, "the schemas have changed: make types-js"


async def test_sources_and_tests_are_well_typed() -> None:
    await output("npm", "run", "--silent", "types", directory=PACKAGE)


@pytest.mark.timeout(300)
async def test_its_own_tests_pass() -> None:
    await output("npm", "test", "--silent", directory=PACKAGE)


async def test_the_program_of_the_docs_talks(run: Run, connect: Connect, tmp_path: Path) -> None:
    (program,) = re.findall(r"```js\n(.*?)```", DOCS, re.DOTALL)
    assert 10 <= len(program.splitlines()) <= 20
    (tmp_path / "program.mjs").write_text(program)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/hearth-client").symlink_to(PACKAGE)
    server = await run()
    agent = await connect(url=server.url, token=AGENT)
    await agent.request("join", {"channel": "dev-team"})
    node = shutil.which("node")
    assert node
    process = await asyncio.create_subprocess_exec(
        *(node, tmp_path / "program.mjs"),
        env=clean_environment(HEARTH_URL=server.url, TOKEN=ALICE),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert (await agent.next("user_message"))["data"] == {"content": "Hello"}
    answer = {"channel": "dev-team", "data": {"agent_id": 7, "content": "Hello back"}}
    await agent.request("agent_message", answer)
    published = re.compile(r"published as \d+")
    lines: list[str] = []
    async with asyncio.timeout(20):
        while "agent 7: Hello back" not in lines or not any(map(published.fullmatch, lines)):
            lines.append((await process.stdout.readline()).decode().rstrip())
    assert lines[0] == "dev-team is live"
    process.terminate()
    await process.wait()


def test_no_source_is_too_long() -> None:
    sources = [
        path for name in ("src", "tests", "scripts") for path in PACKAGE.glob(f"{name}/**/*.*")
    ]
    assert sources
    for path in sources:
        assert len(path.read_text().splitlines()) <= MAX_LINES, path

"""`clients/js`: its types are the schemas', its own tests pass, and its page of docs is true."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.fixtures.clients import Connect
from tests.fixtures.processes import Launch, Run
from tests.support.package import PACKAGE, output, see_that_it_is_made
from tests.support.process import ROOT
from tests.support.tokens import AGENT, ALICE, token

DOCS = (ROOT / "docs/clients-js.md").read_text()
PROGRAMS = re.findall(r"```js\n(.*?)```", DOCS, re.DOTALL)
MAX_LINES = 300
GENERATE = "python -m schemas.json_schema | node clients/js/scripts/generate-types.mjs"


@pytest.fixture
def package() -> Path:
    """Where the package is."""
    see_that_it_is_made()
    return PACKAGE


@pytest.mark.processes
async def test_the_types_are_made_of_the_schemas() -> None:
    written = await output("bash", "-o", "pipefail", "-c", GENERATE.replace("python", "$PYTHON", 1))
    committed = (PACKAGE / "src/generated/payloads.ts").read_text()
    assert written == committed, "the schemas have changed: make types-js"


@pytest.mark.processes
async def test_nothing_stray_is_in_the_tarball(package: Path) -> None:
    packed = json.loads(
        await output("npm", "pack", "--dry-run", "--json", "--ignore-scripts", directory=package)
    )
    paths = {one["path"] for one in packed[0]["files"]}
    built = {path for path in paths if re.fullmatch(r"dist/[\w/-]+(\.js|\.d\.ts|\.js\.map)", path)}
    expected = {"LICENSE", "README.md", "package.json", "react/package.json"}
    assert paths - built == expected | {"dist/cjs/package.json"}
    for folder in ("dist", "dist/cjs"):
        assert f"{folder}/react/index.js" in built
        assert f"{folder}/generated/payloads.d.ts" in built


@pytest.mark.processes
@pytest.mark.parametrize("entry", ["", "/react"])
async def test_it_is_found_without_exports(package: Path, tmp_path: Path, entry: str) -> None:
    # As Jest and Metro do, and TypeScript with `node10`: by `main` and `types` of a package.json.
    name = {"": "connect", "/react": "useChannel"}[entry]
    found = await output("node", "-p", f'typeof require("{package}{entry}").{name}')
    assert found.strip() == "function"
    modules = tmp_path / "node_modules"
    modules.mkdir()
    (modules / "hearth-realtime").symlink_to(package)
    source = f'import {{ {name} }} from "hearth-realtime{entry}";\n'
    (tmp_path / "page.ts").write_text(source + f"export const found: string = {name};\n")
    tsc = package / "node_modules/typescript-5/bin/tsc"
    options = ("--module", "esnext", "--moduleResolution", "node10", "--skipLibCheck", "--noEmit")
    with pytest.raises(AssertionError, match="is not assignable to type 'string'"):
        await output("node", tsc, *options, tmp_path / "page.ts", directory=tmp_path)


@pytest.mark.processes
async def test_sources_and_tests_are_well_typed(package: Path) -> None:
    await output("npm", "run", "--silent", "types", directory=package)


@pytest.mark.processes
@pytest.mark.timeout(600)
async def test_its_own_tests_pass(package: Path) -> None:
    await output("npm", "test", "--silent", directory=package)


async def test_the_program_of_the_docs_talks(
    package: Path, run: Run, launch: Launch, connect: Connect, tmp_path: Path
) -> None:
    program, _notifying = PROGRAMS
    assert 10 <= len(program.splitlines()) <= 20
    file = _installed(program, package, tmp_path)
    server = await run()
    agent = await connect(url=server.url, token=AGENT)
    await agent.join()
    process = await launch(_node(), file, HEARTH_URL=server.url, TOKEN=ALICE)
    assert process.stdout is not None
    assert (await agent.next("user_message"))["data"] == {"content": "Hello"}
    answer = {"channel": "dev-team", "data": {"agent_id": 7, "content": "Hello back"}}
    await agent.request("agent_message", answer)
    published = re.compile(r"published as \d+")
    lines: list[str] = []
    async with asyncio.timeout(30):
        while "agent 7: Hello back" not in lines or not any(map(published.fullmatch, lines)):
            lines.append((await process.stdout.readline()).decode().rstrip())
    assert lines[0] == "dev-team is live"


async def test_the_agent_of_the_docs_notifies(
    package: Path, run: Run, launch: Launch, connect: Connect, tmp_path: Path
) -> None:
    talking, notifying = PROGRAMS
    file = _installed(talking.splitlines()[0] + "\n" + notifying, package, tmp_path)
    server = await run()
    ann = await connect("/notifications", token("ann"), url=server.url)
    agent = token("writer", "agent", "notifications:user:*:w")
    process = await launch(_node(), file, HEARTH_URL=server.url, AGENT_TOKEN=agent)
    assert (await ann.next("notification"))["data"]["id"] == "report-7"
    assert await process.wait() == 0  # it is closed, and nothing keeps the program


def _installed(program: str, package: Path, directory: Path) -> Path:
    """Return a program of the docs where it finds the client."""
    (directory / "node_modules").mkdir()
    (directory / "node_modules/hearth-realtime").symlink_to(package)
    file = directory / "program.mjs"
    file.write_text(program)
    return file


def _node() -> str:
    node = shutil.which("node")
    assert node
    return node


def test_no_source_is_too_long() -> None:
    sources = [
        path for name in ("src", "tests", "scripts") for path in PACKAGE.glob(f"{name}/**/*.*")
    ]
    assert sources
    for path in sources:
        assert len(path.read_text().splitlines()) <= MAX_LINES, path

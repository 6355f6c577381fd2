"""`clients/python` as a package: what its wheel holds, and what type checkers make of it."""

from __future__ import annotations

import re
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.package import output
from tests.support.process import ROOT

PACKAGE = ROOT / "clients" / "python"
GENERATE = "$PYTHON -m schemas.json_schema | $PYTHON clients/python/scripts/generate_types.py"

pytestmark = pytest.mark.processes


@pytest.fixture
async def wheel(tmp_path: Path) -> Path:
    """The wheel, built without the network."""
    await output(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
        *("--no-build-isolation", "--wheel-dir", tmp_path, PACKAGE),
    )
    return tmp_path / "hearth_realtime-0.1.0-py3-none-any.whl"


async def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(one for one in names if one.endswith("/METADATA"))).decode()
        licence = archive.read(next(one for one in names if one.endswith("/LICENSE"))).decode()
    sources = {f"hearth_realtime/{path.name}" for path in PACKAGE.glob("hearth_realtime/*.py")}
    about = {"METADATA", "WHEEL", "RECORD", "licenses/LICENSE"}
    info = {f"hearth_realtime-0.1.0.dist-info/{name}" for name in about}
    assert names == sources | info | {"hearth_realtime/py.typed"}
    assert "Name: hearth-realtime\n" in metadata
    assert "License-Expression: MIT\n" in metadata
    assert re.findall(r"Requires-Dist: (\S+?)[>\n]", metadata) == ["aiohttp"]
    assert "The Hearth authors" in licence


async def test_it_installs_into_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    await output(sys.executable, "-m", "venv", fresh)
    python = fresh / "bin/python"
    await output(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
    # What it depends on is that of the tests; `.pth` files aren't read there.
    elsewhere = {"PYTHONPATH": sysconfig.get_path("purelib")}
    program = "import hearth_realtime as h; print(h.__file__, h.connect('http://localhost:1'))"
    written = await output(python, "-c", program, directory=tmp_path, **elsewhere)
    assert written.startswith(str(fresh))
    assert "Hearth object" in written


async def test_the_types_are_made_of_the_schemas() -> None:
    written = await output("bash", "-o", "pipefail", "-c", GENERATE)
    committed = (PACKAGE / "hearth_realtime/payloads.py").read_text()
    assert written == committed, "the schemas have changed: make types-python"


USED = """\
import hearth_realtime
from hearth_realtime import Channel, Message


async def main(hearth: hearth_realtime.Hearth) -> None:
    circle = await hearth.circle("dev-team")
    async for message in circle:
        if message.type == "user_message":
            reveal_type(message.data["content"])
            message.data["contents"]
        elif message.type == hearth_realtime.DISCONTINUITY:
            reveal_type(message.data["offset"])
        message.type == "user_mesage"
    for earlier in (await circle.history()).messages:
        if earlier.type == "circle_status":
            reveal_type(earlier.data["online"])
    async for one in await hearth.channel("/chat", "flow/app/1"):
        if one.type == "chat.input_request":
            reveal_type(one.data)
    await see(await hearth.agent("agent-7"))


async def see(channel: Channel) -> Message:
    return await anext(channel)
"""


@pytest.mark.timeout(300)
async def test_type_checkers_know_the_payload_of_each_type(tmp_path: Path) -> None:
    (tmp_path / "used.py").write_text(USED)
    told = await check(tmp_path, tmp_path / "used.py")
    overlap = next(text for line, text in told if line == 13)
    assert overlap.startswith("Non-overlapping equality check")
    assert told == [
        (9, 'Revealed type is "str"'),
        (10, 'TypedDict "UserMessage" has no key "contents"  [typeddict-item]'),
        (10, 'Did you mean "content"?'),
        (12, 'Revealed type is "int"'),
        (13, overlap),
        (16, 'Revealed type is "int"'),
        (19, 'Revealed type is "Any"'),
    ]


@pytest.mark.timeout(300)
async def test_what_the_pages_show_is_well_typed(tmp_path: Path) -> None:
    pages = [ROOT / "docs/clients-python.md", PACKAGE / "README.md"]
    shown = [re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL) for page in pages]
    paths = [tmp_path / f"program_{number}.py" for number in range(sum(map(len, shown)))]
    for path, program in zip(paths, [one for each in shown for one in each], strict=True):
        path.write_text(program)
    assert len(paths) == 5
    assert await check(tmp_path, *paths) == []


async def check(directory: Path, *programs: Path) -> list[tuple[int, str]]:
    """Return the lines that mypy finds fault with, and what it says of them."""
    mypy = f"{sys.executable} -m mypy --strict --no-error-summary --cache-dir {directory / 'cache'}"
    command = " ".join([mypy, *map(str, programs), "|| true"])
    told = await output("bash", "-c", command, directory=PACKAGE)
    return [(int(line), text) for line, text in re.findall(r"py:(\d+): (?:note|error): (.*)", told)]

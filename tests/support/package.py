"""The TypeScript client and the page that shows it, as `make js` makes them."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.process import ROOT, clean_environment

PACKAGE = ROOT / "clients" / "js"
PAGE = ROOT / "examples" / "react" / "dist"


async def output(*command: str | Path, directory: Path = ROOT, **environment: str) -> str:
    """Run a program to its end and return what it wrote; raise when it fails."""
    program = shutil.which(command[0])
    assert program is not None, f"{command[0]} is missing"
    process = await asyncio.create_subprocess_exec(
        *(program, *command[1:]),
        cwd=directory,
        env=clean_environment(PYTHON=sys.executable, **environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    written, _ = await process.communicate()
    assert process.returncode == 0, written.decode()
    return written.decode()


def see_that_it_is_made() -> None:
    """Raise when something isn't made yet, or has changed since."""
    made = subprocess.run(["make", "--question", "js"], cwd=ROOT, check=False)
    assert made.returncode == 0, "run `make js` first"

"""A Node program that is told what to do, and tells what happens, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from tests.support.process import ROOT

_LONGEST_LINE_BYTES: Final = 16_000_000


class NodeProcess:
    """One of them; it ends with its stdin.

    Args:
        on_line: is handed each line of its output.
    """

    def __init__(self, script: Path, on_line: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._script = script
        self._on_line = on_line
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.Task[None]

    async def start(self) -> None:
        """Start Node."""
        node = shutil.which("node")
        assert node is not None, "these tests need Node 20 or newer"
        assert (ROOT / "node_modules" / "socket.io-client").is_dir(), "run `make console` first"
        self._process = await asyncio.create_subprocess_exec(
            *(node, str(self._script)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE_BYTES,
        )
        self._reader = asyncio.create_task(self._read())

    def tell(self, command: dict[str, Any]) -> None:
        """Hand it a command; it takes them in order."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def close(self) -> None:
        """End the process, whatever state it is in."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            await self._on_line(json.loads(line))

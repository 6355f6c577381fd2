"""A headless Chromium that any number of tests connect to, each with a context of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

ARGUMENTS: Final = (
    *("--headless", "--remote-debugging-port=0", "--no-sandbox", "--disable-gpu"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-background-timer-throttling"),
    *("--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"),
)
#: The first is the same engine without a browser's window, and takes half the time.
EXECUTABLES: Final = ("chromium-headless-shell", "chromium")
START_SECONDS: Final = 60.0  # on a machine that has other things to do


class Chromium:
    """A running one; `url` is where it is driven from."""

    def __init__(self) -> None:
        executable = next(filter(None, map(shutil.which, EXECUTABLES)), None)
        assert executable is not None, "these tests need chromium: scripts/install-system"
        self._directory = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [executable, f"--user-data-dir={self._directory.name}", *ARGUMENTS],
            stderr=subprocess.DEVNULL,
        )
        self.url = self._wait_until_it_listens()

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        self._directory.cleanup()

    def _wait_until_it_listens(self) -> str:
        told = Path(self._directory.name, "DevToolsActivePort")
        give_up = time.monotonic() + START_SECONDS
        while not (told.exists() and len(lines := told.read_text().splitlines()) == 2):
            assert self._process.poll() is None, "chromium has ended"
            assert time.monotonic() < give_up, "chromium doesn't start"
            time.sleep(0.01)
        port, path = lines
        return f"ws://127.0.0.1:{port}{path}"

"""Scripts in Lua, each in a file of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple


class Script(NamedTuple):
    """A script's source, and its digest for `EVALSHA`."""

    source: bytes
    sha: str


def load_script(directory: Path, *names: str) -> Script:
    """Read `<name>.lua`; of several, each one's functions are there for those after it."""
    source = b"".join((directory / f"{name}.lua").read_bytes() for name in names)
    return Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest())

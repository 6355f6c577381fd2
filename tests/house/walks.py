"""The walks of docs/design.md: the stops that are written there, and those that a run makes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

from tests.house.docs import DESIGN
from tests.house.source import PACKAGES, ROOT

_SECTION: Final = re.compile(r"^### (.+?)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_STOP: Final = re.compile(r"^\d+\. `([\w/]+\.py)` `([\w.]+)`", re.MULTILINE)


class Stop(NamedTuple):
    """A function that a walk comes by.

    Args:
        path: of its file, from the root of the repository.
        name: with its class.
    """

    path: str
    name: str

    @property
    def room(self) -> str:
        """The folder that it lies in."""
        return str(Path(self.path).parent)


def walks() -> dict[str, list[Stop]]:
    """Return the stops of each walk, by its title."""
    text = DESIGN.read_text().partition("\n## Three walks\n")[2].partition("\n## ")[0]
    return {
        title: [Stop(*stop) for stop in _STOP.findall(body)]
        for title, body in _SECTION.findall(text)
    }


@contextmanager
def recorded() -> Iterator[list[Stop]]:
    """Record every function of ours that is called, in order, until the block ends."""
    stops: list[Stop] = []
    root = f"{ROOT}/"
    ours = tuple(f"{root}{package}/" for package in PACKAGES)

    def on_call(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(ours):
            path = frame.f_code.co_filename.removeprefix(root)
            stops.append(Stop(path, frame.f_code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(on_call)
    try:
        yield stops
    finally:
        sys.setprofile(before)


def missing(written: list[Stop], made: list[Stop]) -> list[Stop]:
    """Return what of a written walk a run didn't come by, in that order."""
    left = list(written)
    for stop in made:
        if left and stop == left[0]:
            del left[0]
    return left

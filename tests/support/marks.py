"""The mark `processes` of tests that start something beside pytest itself.

`make check` leaves these tests out. A test gets the mark by the fixtures that it uses; one that
starts a process by itself says so, or it fails.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import Any, Final

import pytest

STARTERS: Final = frozenset({"browser", "launch", "node", "late_redis", "run"})

_running: pytest.Item | None = None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests; have those run first that take long, so that no worker is left with them."""
    for item in items:
        if STARTERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.processes)
    items.sort(key=lambda item: (-_allowed_seconds(item), not _may_start(item)))


def pytest_xdist_auto_num_workers() -> int:
    """Have more workers than cores: tests wait more than they compute."""
    return 3 * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Know which test it is that starts a process."""
    global _running  # noqa: PLW0603 - an audit hook has no other way to know
    _running = item
    try:
        return (yield)
    finally:
        _running = None


def _allowed_seconds(item: pytest.Item) -> float:
    """Return the time-out that a test asks for, 0 for one that is content with the usual one."""
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


def _may_start(item: pytest.Item) -> bool:
    return item.get_closest_marker("processes") is not None


def _on_audit(event: str, _arguments: object) -> None:
    if event == "subprocess.Popen" and _running is not None and not _may_start(_running):
        raise RuntimeError("a test that starts a process is marked: @pytest.mark.processes")


sys.addaudithook(_on_audit)

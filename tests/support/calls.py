"""Work, counted in calls of functions, Python's and C's: no clock says the same twice."""

from __future__ import annotations

import sys
from collections.abc import Callable


def calls(work: Callable[[], object], *expected: type[Exception]) -> int:
    """Return how many functions are called meanwhile, also if one of these exceptions ends it."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    except expected:
        pass
    finally:
        sys.setprofile(None)
    return count

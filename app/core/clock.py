"""Instants in the wire format. Reading the clock is up to the caller."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

LATEST: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the last that RFC 3339 can write


def isoformat(now: float) -> str:
    """Return an instant as RFC 3339 in UTC with milliseconds: `2026-11-20T12:00:00.000Z`.

    Args:
        now: seconds since 1970.
    """
    return _millisecond(round(now * 1_000_000) // 1000)  # 1.001 s is a little less as a float


@lru_cache(maxsize=1024)  # much is published in one, and members' join times are listed again
def _millisecond(milliseconds: int) -> str:
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"

"""Sizes of what is kept at this moment."""

from __future__ import annotations

from typing import NamedTuple


class Sizes(NamedTuple):
    """How much there is, in bytes; None where asking for it would cost much."""

    history: int | None = None
    inbox: int | None = None

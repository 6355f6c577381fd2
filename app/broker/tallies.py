"""Interface of tallies; see `app.broker.contract` for what holds of all such interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.core.quota import Tally


class TallyEvents(Protocol):
    """Callbacks of tallies. They neither block nor raise."""

    def on_tallies(self, process: str, tallies: Mapping[str, Tally]) -> None:
        """Take in what another process tells, by name of the quota."""

    def on_gone(self, process: str) -> None:
        """Forget what another process has told: it is gone."""

    def on_anew(self, process: str) -> None:
        """Forget what another process has told, and tell it what is heavy: it begins anew."""

    def on_missed(self) -> None:
        """Forget what all have told, and tell everything again: some of it may be missed."""


class Tallies(Protocol):
    """Tallies: what processes tell each other of the quotas that they share.

    Each hears what others tell, in the order of telling, within a moment; never its own.
    """

    def start(self, events: TallyEvents) -> None:
        """Begin to call `events`."""

    async def tell(self, tallies: Mapping[str, Tally]) -> None:
        """Tell all other processes; called again and again, by which they know that it lives."""

    def close(self) -> None:
        """Have all other processes forget what this one has told. Doesn't wait for that."""

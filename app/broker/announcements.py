"""Interface of announcements: which agents the members of a channel believe to be there.

As the interfaces of `app.broker.contract`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from app.core.channel import Channel
from app.core.identity import Identity


class Arrival(NamedTuple):
    """What members are to be told of an agent that is there, in this order. Each may be ''.

    Args:
        untold: mark of an earlier arrival, which may not be published.
        left: mark of the departure after that.
        mark: names this arrival to all processes.
    """

    untold: str
    left: str
    mark: str


class Departure(NamedTuple):
    """An agent that has left, as members are to be told.

    Args:
        mark: names this departure to all processes.
        untold: mark of its arrival, if that may not be published; else ''.
    """

    identity: Identity
    mark: str
    untold: str = ""


class Departures(NamedTuple):
    """Departures of one channel.

    Args:
        due: those that members are to be told of.
        wait: seconds until the next one is due; 0: there is none.
    """

    due: list[Departure]
    wait: float


class Announcements(Protocol):
    """Announcements: which agents the members of a channel believe to be there.

    Members don't learn of a short absence, whichever processes an agent leaves and comes back to.
    """

    async def arrive(self, channel: Channel, identity: Identity, absence: float) -> Arrival | None:
        """Note that an agent is there; only it is announced again that was away for `absence`.

        Returns:
            None if members know that it is there.
        """

    async def confirm(self, channel: Channel, identity: Identity, mark: str) -> None:
        """Note that an arrival is published; until then, others may have to do it."""

    async def depart(self, channel: Channel, identity: Identity) -> None:
        """Note that an agent has left with its last connection; one that nobody knows hasn't."""

    async def departures(
        self, channel: Channel, absence: float, told: Sequence[Departure] = ()
    ) -> Departures:
        """Return who has been away for `absence` seconds, of whom members aren't told yet.

        Args:
            told: those that members have been told of by now.
        """

    async def overdue(self, seconds: float) -> list[Channel]:
        """Return some channels with departures that nobody has looked at for `seconds`.

        No other caller gets them for another `seconds`.
        """

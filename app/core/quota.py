"""Quotas: what an identity, or an address, has open and asks for, over all processes.

A process counts its own at once, and what others have by their tallies, which come a moment later:
so it decides without asking anybody.

The requests that an identity may send in a second are its budget. Each of its connections has an
equal share of that, and those that have just been opened have one together; whatever shares leave
over is for whoever asks first. So who sends little is never refused because another one floods, and
a connection that is closed and opened again brings nothing along.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Final, NamedTuple

#: After so many seconds a connection that was one too many is tried again: when one is closed can't
#: be known, but what a process had that was killed is forgotten by then.
RETRY_SECONDS: Final = 5.0
#: Requests for which a new connection may use the share of those that were just opened.
FIRST_REQUESTS: Final = 20
#: Requests are counted in parts of so many of a share, at most `_MOST_CREDIT` at a time.
_PARTS_OF_SHARE: Final = 10
_MOST_CREDIT: Final = 50
# What other processes have admitted beyond the budget, before they knew of each other, is made up
# for: but for so many seconds at most.
_MOST_DEBT_SECONDS: Final = 5.0


class Tally(NamedTuple):
    """What one process tells the others of a quota.

    Args:
        connections: those that are open there.
        used: requests that it has admitted since its last tally.
        wants: whether it has refused any since then.
        left: of the budget, as far as it knows.
        heavy: whether others are to remember it although they have no part of it.
    """

    connections: int
    used: int = 0
    wants: bool = False
    left: int = 0
    heavy: bool = False


# For memory: most identities are connected to one process, and all of them have this.
_NOBODY: Final[dict[str, Tally]] = {}


class Quota:
    """What one identity, or one address, has.

    Args:
        name: the same in all processes.
        rate: its budget, in requests per second; 0: none is kept.
        due: where it notes that others are to be told of it.
        heavy_from: connections to one process from which all others remember it; 0: they don't.
        now: seconds of any origin, here and below.
    """

    __slots__ = (
        "_at",
        "_burst",
        "_due",
        "_fraction",
        "_heavy_from",
        "_here",
        "_left",
        "_others",
        "_used",
        "_wanted",
        "_wants",
        "connections",
        "credit_at_once",
        "name",
        "newcomers",
        "rate",
        "share",
    )

    def __init__(
        self, name: str, rate: float, due: dict[Quota, None], now: float, heavy_from: int = 0
    ) -> None:
        self.name = name
        self._heavy_from = heavy_from
        self.rate = rate
        #: Connections to this process.
        self.connections = 0
        self._others = _NOBODY
        self._due = due
        self._at = now
        self._burst = max(1.0, rate)
        # The budget as far as it is known, and the part of it that this process may take until it
        # hears of the others again.
        self._left = self._here = self._burst
        #: What those that were just opened may still take.
        self.newcomers = 0.0
        self._used = 0
        # Whether requests were refused since the last tally, and before it.
        self._wants = self._wanted = False
        self._weigh()

    @property
    def total(self) -> int:
        """The number of connections to all processes."""
        return self.connections + sum(one.connections for one in self._others.values())

    @property
    def shared(self) -> bool:
        """Whether another process has a part of it."""
        return bool(self._others)

    @property
    def heavy(self) -> bool:
        """Whether all others are to remember what it has here."""
        return 0 < self._heavy_from <= self.connections

    def heavy_elsewhere(self) -> dict[str, Tally]:
        """Return what other processes have told that is to be remembered, by process."""
        return {process: tally for process, tally in self._others.items() if tally.heavy}

    def is_over(self, now: float) -> bool:
        """Return whether nothing would be different if it was forgotten."""
        self.refill(now)
        return not self.connections and self._left >= self._burst

    def add(self, connections: int, now: float) -> None:
        """Count so many more connections to this process, or fewer."""
        self.refill(now)
        was_heavy = self.heavy
        self.connections += connections
        if self._others or self.connections <= 1 or was_heavy or self.heavy:
            self._due[self] = None
        self._weigh()
        if self.connections == connections:  # before its first one it had no part of the budget
            self._here = self._fraction * self._left

    # Other processes

    def tally(self, now: float) -> Tally:
        """Return what others are to know, and begin anew to count."""
        self.refill(now)
        left = floor(self._left)
        tally = Tally(self.connections, self._used, self._wants, left, self.heavy)
        self._used = 0
        self._wanted, self._wants = self._wants, False
        if self._wanted:  # they are to hear when that is over
            self._due[self] = None
        self._weigh()
        self._here = self._fraction * self._left
        return tally

    def hear(self, process: str, tally: Tally, now: float) -> None:
        """Take in what another process tells."""
        self.refill(now)
        left = self._left - tally.used
        if not self._others:  # what was used long before isn't for others to know
            self._used = min(self._used, ceil(self._burst - self._left))
        if process not in self._others:
            left = min(left, tally.left)
            self._due[self] = None  # for it doesn't know of this process yet
        if tally.connections or tally.left < floor(self._burst):
            self._others = self._others or {}
            self._others[process] = tally
        else:  # it is over there
            self._others.pop(process, None)
        self._left = max(left, -_MOST_DEBT_SECONDS * self.rate)
        self._weigh()
        self._here = min(self._here, self._fraction * self._left)

    def forget(self, process: str, now: float) -> None:
        """Forget what another process has told."""
        self.refill(now)
        self._others.pop(process, None)
        self._weigh()

    def _weigh(self) -> None:
        """Divide the budget between connections, and what they leave between processes."""
        self.share = self.rate / (max(1, self.total) + 1)
        self.credit_at_once = min(_MOST_CREDIT, max(1, int(self.share / _PARTS_OF_SHARE)))
        # Once all know who wants more than its share, nobody else is left anything for nothing.
        others = sum(
            one.connections for one in self._others.values() if one.wants or not self._wanted
        )
        self._fraction = self.connections / (self.connections + others) if others else 1.0

    # Requests

    def refill(self, now: float) -> None:
        """Add what has come up by now."""
        passed = max(0.0, now - self._at)
        self._at = now
        self._left = min(self._burst, self._left + passed * self.rate)
        here = self._burst * self._fraction
        self._here = min(max(1.0, here), self._here + passed * self.rate * self._fraction)
        newcomers = self.share / (len(self._others) + 1)  # they come to any process
        self.newcomers = min(max(1.0, newcomers), self.newcomers + passed * newcomers)

    @property
    def spare(self) -> float:
        """What any connection to this process may take beyond its share."""
        return min(self._left, self._here)

    def spare_in(self) -> float:
        """Return after how many seconds there is one more."""
        by_budget = (1 - self._left) / self.rate
        return max(by_budget, (1 - self._here) / (self.rate * self._fraction))

    def take(self, requests: int) -> None:
        """Count requests that are admitted; fewer than 0 were counted in vain."""
        self._left -= requests
        self._here -= requests
        self._used += requests
        if self._others:
            self._due[self] = None

    def want(self) -> None:
        """Note that a request was refused."""
        self._wants = True
        if self._others:
            self._due[self] = None


class Share:
    """One connection's share of the budget: a request takes what `spend` or else `draw` gives.

    Args:
        other: the same connection's share of another identity's budget.
    """

    __slots__ = ("_at", "_credit", "_first", "_left", "other", "quota")

    def __init__(self, quota: Quota, now: float, other: Share | None = None) -> None:
        self.quota = quota
        self.other = other
        # Drawn, and not spent yet.
        self._credit = 0
        self._first = FIRST_REQUESTS
        # Empty, or who reconnects again and again would have a new one each time.
        self._left = 0.0
        self._at = now

    def spend(self) -> bool:
        """Take a request that was drawn before, if there is one: the usual case."""
        if self._credit:
            self._credit -= 1
            return True
        return False

    def draw(self, now: float) -> float:
        """Take one request, and perhaps more, to be spent by the next ones.

        Returns:
            0 if it is admitted, else the seconds until one is.
        """
        quota = self.quota
        quota.refill(now)
        share = quota.share
        self._left = min(max(1.0, share), self._left + max(0.0, now - self._at) * share)
        self._at = now
        if self._left >= 1:
            drawn = min(quota.credit_at_once, int(self._left))
            self._left -= drawn
        elif quota.spare >= 1:
            drawn = min(quota.credit_at_once, int(quota.spare))
        elif self._first > 0 and quota.newcomers >= 1:
            drawn = 1
            quota.newcomers -= 1
        else:
            quota.want()
            return min((1 - self._left) / share, quota.spare_in())
        self._first -= drawn
        self._credit = drawn - 1
        quota.take(drawn)
        return 0.0

    def give_back(self) -> None:
        """Give back what was drawn and not spent."""
        self.quota.take(-self._credit)
        self._credit = 0

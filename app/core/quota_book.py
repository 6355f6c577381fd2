"""The book of quotas: those that this process has connections of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import islice

from app.core.quota import Quota, Tally


class QuotaBook:
    """The quotas by name, and what other processes are to be told of them.

    What another process tells is kept only where this one has connections too: who opens the first
    one tells of it, and is answered by all that have some. But of what is heavy all know, so that
    the first one is judged rightly too.
    """

    def __init__(self) -> None:
        self._quotas: dict[str, Quota] = {}
        self._due: dict[Quota, None] = {}
        # Those without connections, until they are over and others know.
        self._left: dict[Quota, None] = {}
        self._told_by: defaultdict[str, set[Quota]] = defaultdict(set)
        # What is heavy in other processes and not here, by process and name.
        self._elsewhere: defaultdict[str, dict[str, Tally]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._quotas)

    def total(self, name: str) -> int:
        """Return the number of connections to all processes, as far as it is known."""
        quota = self._quotas.get(name)
        if quota is not None:
            return quota.total
        told = [tallies.get(name) for tallies in self._elsewhere.values()]
        return sum(tally.connections for tally in told if tally is not None)

    def enter(self, name: str, rate: float, now: float, heavy_from: int = 0) -> Quota:
        """Count one more connection to this process; `rate` and `heavy_from` as `Quota`'s."""
        quota = self._quotas.get(name)
        if quota is None:
            quota = self._quotas[name] = Quota(name, rate, self._due, now, heavy_from)
            for process, tallies in self._elsewhere.items():
                if (tally := tallies.pop(name, None)) is not None:
                    # What is left of the budget there, the process tells when it answers.
                    self._hear(process, quota, Tally(tally.connections, left=int(rate)), now)
        self._left.pop(quota, None)
        quota.add(1, now)
        return quota

    def leave(self, quota: Quota, now: float) -> None:
        """Undo `enter`."""
        quota.add(-1, now)
        if not quota.connections:
            self._left[quota] = None

    # Other processes

    def tallies(self, most: int, now: float) -> dict[str, Tally]:
        """Return what others are to be told now, of at most so many quotas; the rest comes next.

        What is over is forgotten.
        """
        for quota in [one for one in self._left if one.is_over(now)]:
            del self._left[quota], self._quotas[quota.name]
            if quota.shared:
                self._due[quota] = None
            for process, tally in quota.heavy_elsewhere().items():
                self._elsewhere[process][quota.name] = tally
            for told in self._told_by.values():
                told.discard(quota)
        due = list(islice(self._due, most))
        for quota in due:
            del self._due[quota]
        return {quota.name: quota.tally(now) for quota in due}

    def hear(self, process: str, tallies: Mapping[str, Tally], now: float) -> None:
        """Take in what another process tells."""
        for name, tally in tallies.items():
            quota = self._quotas.get(name)
            if quota is not None:
                self._hear(process, quota, tally, now)
            elif tally.heavy:
                self._elsewhere[process][name] = tally
            else:
                self._elsewhere[process].pop(name, None)

    def _hear(self, process: str, quota: Quota, tally: Tally, now: float) -> None:
        quota.hear(process, tally, now)
        self._told_by[process].add(quota)

    def forget(self, process: str, now: float) -> None:
        """Forget what another process has told: it is gone, or begins anew."""
        self._elsewhere.pop(process, None)
        for quota in self._told_by.pop(process, ()):
            quota.forget(process, now)

    def tell_heavy(self) -> None:
        """Tell what is heavy here again: somebody doesn't know it yet."""
        self._due.update({quota: None for quota in self._quotas.values() if quota.heavy})

    def begin_anew(self, now: float) -> None:
        """Forget what all others have told, and tell them everything: something was missed."""
        for process in {*self._told_by, *self._elsewhere}:
            self.forget(process, now)
        self._due.update(dict.fromkeys(self._quotas.values()))

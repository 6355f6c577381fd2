"""The book of quotas: those that this process has connections of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import islice

from app.core.quota import Quota, Tally


class QuotaBook:
    """The quotas by name, and what other processes are to be told of them.

    What another process tells is kept only where this one has connections too: who opens the first
    one tells of it, and is answered by all that have some.
    """

    def __init__(self) -> None:
        self._quotas: dict[str, Quota] = {}
        self._due: dict[Quota, None] = {}
        # Those without connections, until they are over and others know.
        self._left: dict[Quota, None] = {}
        self._told_by: defaultdict[str, set[Quota]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._quotas)

    def total(self, name: str) -> int:
        """Return the number of connections to all processes, as far as it is known."""
        quota = self._quotas.get(name)
        return 0 if quota is None else quota.total

    def enter(self, name: str, rate: float, now: float) -> Quota:
        """Count one more connection to this process; `rate` as `Quota`'s."""
        quota = self._quotas.get(name)
        if quota is None:
            quota = self._quotas[name] = Quota(name, rate, self._due, now)
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
                quota.hear(process, tally, now)
                self._told_by[process].add(quota)

    def forget(self, process: str, now: float) -> None:
        """Forget what another process has told: it is gone, or begins anew."""
        for quota in self._told_by.pop(process, ()):
            quota.forget(process, now)

    def begin_anew(self, now: float) -> None:
        """Forget what all others have told, and tell them everything: something was missed."""
        for process in list(self._told_by):
            self.forget(process, now)
        self._due.update(dict.fromkeys(self._quotas.values()))

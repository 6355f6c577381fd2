"""What came of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from tests.drops.client import Client
from tests.promises.checker import KINDS, Finding, Journal, check_journal

_SHOWN: Final = 15


class Report:
    """The counts of a run.

    Args:
        findings: all that is wrong.
        drops: how often each kind happened.
        truth: all that was published, by topic.
    """

    def __init__(
        self,
        name: str,
        seed: int,
        findings: list[Finding],
        drops: Counter[str],
        client: Client,
        truth: Mapping[str, Journal],
    ) -> None:
        self.name = name
        self.seed = seed
        self.drops = drops
        self.seconds = 0.0
        self.client = client
        self.truth = truth
        self.findings = findings + list(_not_recovered(client))
        self.recovered = Counter(one.recovered for one in client.reconnects)
        self.discontinuities = sum(len(one.gaps) for one in client.journals.values())

    def lines(self) -> Iterator[str]:
        """Return the report, line by line."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.drops.items()))
        yield f"client           {self.name}, seed {self.seed}"
        yield f"drops            {sum(self.drops.values())}: {kinds}"
        yield f"transports       {self.client.opened}"
        for topic, kept in self.truth.items():
            yield f"{topic}: {self._of_channel(topic, kept)}"
        if self.client.reconnects:
            true, false = self.recovered[True], self.recovered[False]
            yield f"recovered        {true} true, {false} false (one of each namespace)"
        yield f"discontinuities  {self.discontinuities}"
        yield f"seconds          {self.seconds:.0f}"
        for kind in KINDS:
            some = [finding for finding in self.findings if finding.kind == kind]
            if some:
                yield f"{kind} {len(some)} ({KINDS[kind]})"
            yield from (f"  {finding.text}" for finding in some[:_SHOWN])
        yield "WRONG" if self.findings else "all is right"

    def _of_channel(self, topic: str, kept: Journal) -> str:
        journal = self.client.journals.get(topic)
        if journal is None:
            return f"{len(kept.entries)} published, never joined"
        wrong = Counter(finding.kind for finding in check_journal(journal, kept))
        return (
            f"{len(kept.entries)} published, {len(journal.entries)} received, "
            f"{wrong['lost']} lost, {wrong['doubled']} doubled, {wrong['swapped']} out of order, "
            f"{len(journal.excused())} missing as told"
        )


def _not_recovered(client: Client) -> Iterator[Finding]:
    for number, reconnect in enumerate(client.reconnects, 1):
        if not (reconnect.recovered and reconnect.same_sid):
            yield Finding("unrecovered", f"reconnect {number}: {reconnect}")
    for refusal in client.refusals:
        yield Finding("unrecovered", f"refused: {refusal}")

"""What came of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.promises.checker import KINDS, Finding

_SHOWN: Final = 15


@dataclass
class Report:
    """The counts of a run.

    Args:
        again: the arguments that it was run with.
        findings: all that is wrong.
        sent: messages by the kind of who sent them.
        acked: those of clients that were acknowledged.
        unpromised: attempts to emit that perhaps no process received.
        kept: messages in history at the end.
        deliveries: messages that members got.
        recoveries: how often one came back and joined with `since`.
        faults: how often each happened.
    """

    again: str
    findings: list[Finding]
    sent: Counter[str]
    acked: int
    unpromised: int
    kept: int
    deliveries: int
    recoveries: int
    faults: Counter[str]

    def lines(self) -> Iterator[str]:
        """Return the report, line by line."""
        yield f"sent         {sum(self.sent.values())}: {_counted(self.sent)}"
        yield f"acked        {self.acked} of {self.sent['client']}"
        yield f"unpromised   {self.unpromised} attempts to emit"
        yield f"kept         {self.kept}"
        yield f"delivered    {self.deliveries}"
        yield f"recovered    {self.recoveries} times"
        yield f"faults       {sum(self.faults.values())}: {_counted(self.faults)}"
        for kind, meaning in KINDS.items():
            some = [finding for finding in self.findings if finding.kind == kind]
            yield f"{kind:12} {len(some)}" + (f" ({meaning})" if some else "")
            for finding in some[:_SHOWN]:
                yield f"  {finding.text}"
            if len(some) > _SHOWN:
                yield f"  and {len(some) - _SHOWN} more"
        verdict = "WRONG" if self.findings else "all is right"
        yield f"{verdict}; again: make torture ARGS='{self.again}'"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))

"""One round of every fault, as `make torture` does many."""

from __future__ import annotations

import pytest

from tests.torture.faults import ROUND
from tests.torture.run import Options, run


@pytest.mark.processes
@pytest.mark.timeout(400)
async def test_one_round_of_faults_breaks_no_promise() -> None:
    said: list[str] = []
    options = Options(
        seconds=120.0, seed=4, rounds=1, members=2, mean_wait=0.5, mean_pause=0.3, quiet_seconds=3.0
    )
    report = await run(options, said.append)
    assert not report.findings, "\n".join([*said, *report.lines()])
    assert set(report.faults) <= set(ROUND)
    assert report.acked > 0
    assert report.deliveries > report.kept

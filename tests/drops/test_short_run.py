"""One round of every kind of drop, as `make drops` does many."""

from __future__ import annotations

import pytest

from tests.drops.plan import DROPS_IN_ROUND, ROUND
from tests.drops.report import Report
from tests.drops.run import Options, run
from tests.support.package import see_that_it_is_made

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]


def too_late(client: str, drops: int, seed: int, history_size: int | None = None) -> Options:
    """Return a run whose client never is back before the recovery window has passed."""
    return Options(client, drops, seed, window=0.1, away=(0.2, 0.4), history_size=history_size)


async def right(options: Options) -> Report:
    """Return the report of a run in which no promise broke."""
    if options.client == "hearth-js":
        see_that_it_is_made()
    said: list[str] = []
    report = await run(options, said.append)
    assert not report.findings, "\n".join([*said, *report.lines()])
    assert sum(report.drops.values()) == options.drops
    assert report.client.opened > options.drops
    for topic, kept in report.truth.items():
        assert 0 < len(report.client.journals[topic].entries) <= len(kept.entries)
    return report


async def test_a_stock_client_has_everything_back_within_the_window() -> None:
    report = await right(Options("stock", DROPS_IN_ROUND, seed=2, away=(0.0, 0.3)))
    assert report.drops == ROUND
    assert set(report.recovered) == {True}  # and `sid` was the same, or the report would be wrong
    assert report.discontinuities == 0
    for topic, kept in report.truth.items():
        assert len(report.client.journals[topic].entries) == len(kept.entries)


@pytest.mark.parametrize("client", ["hearth-js", "python"])
async def test_who_joins_again_after_the_window_gets_every_message_once(client: str) -> None:
    report = await right(too_late(client, DROPS_IN_ROUND, seed=3))
    assert report.drops == ROUND
    assert report.discontinuities == 0
    for topic, kept in report.truth.items():
        assert len(report.client.journals[topic].entries) == len(kept.entries)


@pytest.mark.parametrize("client", ["hearth-js", "python"])
async def test_who_missed_more_than_is_kept_is_told(client: str) -> None:
    report = await right(too_late(client, 4, seed=5, history_size=5))
    assert report.discontinuities > 0

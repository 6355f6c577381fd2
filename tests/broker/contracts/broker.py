"""What every broker promises."""

from __future__ import annotations

from tests.broker.contracts.bounds import BoundsContract
from tests.broker.contracts.publishing import PublishingContract
from tests.broker.contracts.reading import ReadingContract
from tests.broker.contracts.watching import WatchingContract


class BrokerContract(BoundsContract, PublishingContract, ReadingContract, WatchingContract):
    """Tests of one implementation; see `BrokerFixtures`."""

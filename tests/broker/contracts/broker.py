"""What every broker promises."""

from __future__ import annotations

from tests.broker.contracts.publishing import PublishingContract
from tests.broker.contracts.reading import ReadingContract


class BrokerContract(PublishingContract, ReadingContract):
    """Tests of one implementation; see `BrokerFixtures`."""

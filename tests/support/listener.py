"""What a broker hands over, remembered."""

from __future__ import annotations

from app.broker.base import Broker
from app.core.channel import Channel
from app.core.message import Publication
from tests.support.messages import TEAM, texts_of


class Listener:
    """Remembers what a broker hands to `receive`."""

    def __init__(self, broker: Broker) -> None:
        self.received: list[tuple[Channel, Publication]] = []
        self._broker = broker
        broker.receive = lambda channel, publication: self.received.append((channel, publication))

    async def settle(self, *channels: Channel) -> None:
        """Wait until all that was published and is kept has been received."""
        for channel in channels or (TEAM,):
            await self._broker.recover(channel, None, None)

    def texts(self, channel: Channel = TEAM) -> list[str]:
        return texts_of([one for where, one in self.received if where == channel])

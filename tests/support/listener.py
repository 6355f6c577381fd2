"""Listener: records the events of a broker and a presence store."""

from __future__ import annotations

from collections import Counter

from app.broker.contract import Broker
from app.core.channel import Channel
from app.core.identity import Identity
from app.core.message import Publication
from tests.support.messages import TEAM, texts_of


class Listener:
    """`BrokerEvents` and `PresenceEvents`; `changes` counts who has joined and left."""

    def __init__(self) -> None:
        self.received: list[tuple[Channel, Publication]] = []
        self.changes: Counter[tuple[Channel, str, bool]] = Counter()

    def on_publication(self, channel: Channel, publication: Publication) -> None:
        self.received.append((channel, publication))

    async def on_presence(self, channel: Channel, identity: Identity, joined: bool) -> None:
        self.changes[channel, identity.id, joined] += 1

    def texts(self, channel: Channel = TEAM) -> list[str]:
        """Return the texts of what was received in a channel."""
        return texts_of([one for where, one in self.received if where == channel])


async def settle(broker: Broker, channel: Channel = TEAM) -> None:
    """Wait until everything that history has of a channel has been received."""
    await broker.recover(channel, None, None)

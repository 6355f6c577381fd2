"""The namespace of notifications to all devices; channels are user:<id> and broadcast."""

from __future__ import annotations

from app.core.channel import BROADCAST_CHANNEL, user_channel
from app.hub.member import Member
from namespaces.base import ChannelNamespace


class NotificationsNamespace(ChannelNamespace):
    path = "/notifications"

    async def welcome(self, member: Member) -> None:
        """Join the member to its channels, without a request (docs/protocol.md).

        By its CONNECT reply it has joined: what is published from then on reaches it.
        """
        channels = [BROADCAST_CHANNEL]
        if member.identity.kind == "user":
            channels.append(user_channel(member.identity.id))
        try:
            for channel in channels:
                await self.hub.memberships.enter(member, channel)
        except BaseException:
            await self.hub.memberships.disconnect(member)
            raise

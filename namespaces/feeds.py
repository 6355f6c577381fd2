"""The namespace of log feeds; a channel is a feed's name, like codeworm:logs."""

from __future__ import annotations

from namespaces.base import ChannelNamespace


class FeedsNamespace(ChannelNamespace):
    path = "/feeds"

"""The namespace of circles, where agents and people talk; a channel is a circle's name."""

from __future__ import annotations

from namespaces.base import ChannelNamespace


class CirclesNamespace(ChannelNamespace):
    path = "/circles"

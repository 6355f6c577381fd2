"""The namespace of agents' activity; a channel is an agent's id."""

from __future__ import annotations

from namespaces.base import ChannelNamespace


class AgentsNamespace(ChannelNamespace):
    path = "/agents"

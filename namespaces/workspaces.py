"""The namespace of workspaces, whose files and git change; a channel is a workspace's id."""

from __future__ import annotations

from namespaces.base import ChannelNamespace


class WorkspacesNamespace(ChannelNamespace):
    path = "/workspaces"

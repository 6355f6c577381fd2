"""The Socket.IO namespaces, one class each: requests in, verbs of the Hub out."""

from __future__ import annotations

from namespaces.agents import AgentsNamespace
from namespaces.base import ChannelNamespace
from namespaces.chat import ChatNamespace
from namespaces.circles import CirclesNamespace
from namespaces.feeds import FeedsNamespace
from namespaces.notifications import NotificationsNamespace
from namespaces.workspaces import WorkspacesNamespace

NAMESPACES: tuple[type[ChannelNamespace], ...] = (
    CirclesNamespace,
    WorkspacesNamespace,
    AgentsNamespace,
    NotificationsNamespace,
    ChatNamespace,
    FeedsNamespace,
)

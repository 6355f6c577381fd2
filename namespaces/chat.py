"""The namespace of AI chats that stream tokens; a channel is <workflow>/<app_id>/<chat_id>."""

from __future__ import annotations

from namespaces.base import ChannelNamespace


class ChatNamespace(ChannelNamespace):
    path = "/chat"

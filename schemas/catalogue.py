"""Catalogue of the built-in types of messages, and of a plugin's.

A plugin's type is one more line in `CUSTOM_TYPES`: its name, its namespace, its payload (a
marshmallow schema, or `Payload()` for any object) and the kinds of identity that may publish it.
Source: docs/protocol.md, "Namespaces and types".
"""

from __future__ import annotations

from typing import Final

from app.core.channel import BROADCAST, id_problem, name_problem
from schemas import payloads
from schemas.payloads import Payload
from schemas.registry import MessageType, NamespaceRules, Registry

_USERS: Final = frozenset({"user"})
_AGENTS: Final = frozenset({"agent"})
_SERVICES: Final = frozenset({"service"})


def _notifications_problem(name: str) -> str | None:
    if name == BROADCAST:
        return None
    prefix, colon, user_id = name.partition(":")
    return id_problem(user_id) if prefix + colon == "user:" else "Must begin with user:."


def _chat_problem(name: str) -> str | None:
    parts = name.split("/")
    if len(parts) != 3:
        return f"Must have 3 parts between slashes; has {len(parts)}."
    return next((problem for part in parts if (problem := id_problem(part))), None)


NAMESPACES: Final = (
    NamespaceRules("/circles", "names of circles"),
    NamespaceRules("/workspaces", "workspace ids"),
    NamespaceRules("/agents", "agent ids"),
    NamespaceRules("/notifications", "user:<id> and broadcast", _notifications_problem, _SERVICES),
    NamespaceRules("/chat", "<workflow>/<app_id>/<chat_id>", _chat_problem, _AGENTS | _SERVICES),
    NamespaceRules("/feeds", "names of feeds, like codeworm:logs", name_problem),
)


CUSTOM_TYPES: Final = (MessageType("my_plugin_update", "/notifications", Payload(), _SERVICES),)


def _standard_types() -> list[MessageType]:
    user_message, tool_call = payloads.UserMessage(), payloads.ToolCall()
    file_change, agent_presence = payloads.FileChange(), payloads.AgentPresence()
    tool_result, chat_message = payloads.ToolResult(), payloads.ChatMessage()
    workspace_publishers = agent_publishers = _AGENTS | _SERVICES
    return [
        MessageType("user_message", "/circles", user_message, _USERS | _AGENTS),
        MessageType("agent_message", "/circles", payloads.AgentMessage(), _AGENTS),
        MessageType("agent_joined", "/circles", agent_presence),
        MessageType("agent_left", "/circles", agent_presence),
        MessageType("circle_status", "/circles", payloads.CircleStatus(), kept=False),
        MessageType(
            "typing", "/circles", payloads.Typing(), _USERS | _AGENTS, kept=False, for_workers=False
        ),
        MessageType("file_changed", "/workspaces", file_change, workspace_publishers),
        MessageType("file_created", "/workspaces", file_change, workspace_publishers),
        MessageType("file_deleted", "/workspaces", file_change, workspace_publishers),
        MessageType("git_status", "/workspaces", payloads.GitStatus(), workspace_publishers),
        MessageType("agent_status", "/agents", payloads.AgentStatus(), agent_publishers),
        MessageType("agent_activity", "/agents", payloads.AgentActivity(), agent_publishers),
        MessageType("tool_call", "/agents", tool_call, agent_publishers),
        MessageType("tool_result", "/agents", tool_result, agent_publishers),
        MessageType("notification", "/notifications", payloads.Notification(), _AGENTS | _SERVICES),
        MessageType("task_update", "/notifications", payloads.TaskUpdate(), _AGENTS | _SERVICES),
        MessageType(
            "notification_read", "/notifications", payloads.NotificationRead(), _USERS | _SERVICES
        ),
        MessageType(
            "system_announcement", "/notifications", payloads.SystemAnnouncement(), _SERVICES
        ),
        MessageType("user_message", "/chat", user_message, _USERS),
        # What agents write there isn't for workers: a streamed text is many messages.
        *(
            MessageType(name, "/chat", payload, _AGENTS, for_workers=False)
            for name, payload in (
                ("chat_message", chat_message),
                ("chat_token", payloads.ChatToken()),
                ("tool_call", tool_call),
                ("tool_output", tool_result),
                ("chat_status", payloads.ChatStatus()),
            )
        ),
        MessageType("chat_cancel", "/chat", payloads.ChatCancel(), _USERS),
        *(MessageType(name, "/feeds", Payload(), _SERVICES) for name in ("log", "event", "stats")),
    ]


def standard_registry(*, open_types: bool = True) -> Registry:
    """Return a new registry of all the standard types and `CUSTOM_TYPES`.

    Args:
        open_types: as `Registry` takes it.
    """
    return Registry(NAMESPACES, [*_standard_types(), *CUSTOM_TYPES], open_types=open_types)

"""The payloads of every type of message, and the messages of each namespace.

Made from schemas/*.py by `make types-python`; don't edit. Payloads may have further keys.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from hearth_realtime.messages import Discontinuity, Message


class MemberIdentity(TypedDict):
    id: str
    kind: Literal["user", "agent", "service"]


class UserMessage(TypedDict):
    content: str


class AgentMessage(TypedDict):
    agent_id: int | str
    content: str


class AgentPresence(TypedDict):
    """`agent_joined` and `agent_left`."""

    agent_id: int | str
    name: NotRequired[str]


class CircleStatus(TypedDict):
    online: int
    members: list[MemberIdentity]


class Typing(TypedDict):
    typing: bool


class FileChange(TypedDict):
    """`file_changed`, `file_created` and `file_deleted`."""

    path: str
    agent_id: NotRequired[int | str]
    size_bytes: NotRequired[int]


class GitStatus(TypedDict):
    branch: str
    ahead: NotRequired[int]
    behind: NotRequired[int]
    changed: NotRequired[list[str]]


class AgentStatus(TypedDict):
    status: Literal["idle", "busy", "offline", "error"]
    detail: NotRequired[str]


class AgentActivity(TypedDict):
    activity: str


class ToolCall(TypedDict):
    call_id: int | str
    tool: str
    arguments: NotRequired[dict[str, Any]]


class ToolResult(TypedDict):
    """`tool_result` and `tool_output`."""

    call_id: int | str
    output: NotRequired[Any]
    error: NotRequired[Any]


class Notification(TypedDict):
    title: str
    message: str
    id: NotRequired[int | str]
    level: NotRequired[str]


class TaskUpdate(TypedDict):
    task_id: int | str
    title: NotRequired[str]


class NotificationRead(TypedDict):
    """What a user has read on one device, for all of them: some notifications, or all so far."""

    ids: NotRequired[list[int | str]]
    all: NotRequired[bool]


class SystemAnnouncement(TypedDict):
    message: str


class ChatMessage(TypedDict):
    content: str
    message_id: NotRequired[int | str]
    agent: NotRequired[str]


class ChatToken(TypedDict):
    message_id: int | str
    index: int
    delta: str


class ChatStatus(TypedDict):
    status: Literal["started", "finished", "cancelled", "failed"]
    run_id: NotRequired[int | str]
    detail: NotRequired[str]


class ChatCancel(TypedDict):
    run_id: NotRequired[int | str]
    message_id: NotRequired[int | str]


#: A message in `/circles`.
InCircles = (
    Message[Literal["user_message"], UserMessage]
    | Message[Literal["agent_message"], AgentMessage]
    | Message[Literal["agent_joined"], AgentPresence]
    | Message[Literal["agent_left"], AgentPresence]
    | Message[Literal["circle_status"], CircleStatus]
    | Message[Literal["typing"], Typing]
    | Message[Literal["discontinuity"], Discontinuity]
)
#: A message in `/workspaces`.
InWorkspaces = (
    Message[Literal["file_changed"], FileChange]
    | Message[Literal["file_created"], FileChange]
    | Message[Literal["file_deleted"], FileChange]
    | Message[Literal["git_status"], GitStatus]
    | Message[Literal["discontinuity"], Discontinuity]
)
#: A message in `/agents`.
InAgents = (
    Message[Literal["agent_status"], AgentStatus]
    | Message[Literal["agent_activity"], AgentActivity]
    | Message[Literal["tool_call"], ToolCall]
    | Message[Literal["tool_result"], ToolResult]
    | Message[Literal["discontinuity"], Discontinuity]
)
#: A message in `/notifications`.
InNotifications = (
    Message[Literal["notification"], Notification]
    | Message[Literal["task_update"], TaskUpdate]
    | Message[Literal["notification_read"], NotificationRead]
    | Message[Literal["system_announcement"], SystemAnnouncement]
    | Message[Literal["my_plugin_update"], dict[str, Any]]
    | Message[Literal["discontinuity"], Discontinuity]
)
#: A message in `/chat`.
InChat = (
    Message[Literal["user_message"], UserMessage]
    | Message[Literal["chat_message"], ChatMessage]
    | Message[Literal["chat_token"], ChatToken]
    | Message[Literal["tool_call"], ToolCall]
    | Message[Literal["tool_output"], ToolResult]
    | Message[Literal["chat_status"], ChatStatus]
    | Message[Literal["chat_cancel"], ChatCancel]
    | Message[Literal["discontinuity"], Discontinuity]
)
#: A message in `/feeds`.
InFeeds = (
    Message[Literal["log"], dict[str, Any]]
    | Message[Literal["event"], dict[str, Any]]
    | Message[Literal["stats"], dict[str, Any]]
    | Message[Literal["discontinuity"], Discontinuity]
)

"""Payloads: the `data` of each message type (docs/protocol.md, "Namespaces and types").

A payload keeps keys that its schema doesn't know, so that workers can evolve. `MessageType.check`
makes sure that they are plain JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, validate, validates_schema

from schemas.fields import Boolean, Integer, IntegerOrText, JsonObject, JsonValue, ShortText, Text
from schemas.nesting import List, Nested
from schemas.schema import Schema


class Payload(Schema):
    """Any object; the base of all payloads."""

    class Meta:
        unknown = INCLUDE


class UserMessage(Payload):
    content = Text(required=True)


class AgentMessage(Payload):
    agent_id = IntegerOrText(required=True)
    content = Text(required=True)


class AgentPresence(Payload):
    """`agent_joined` and `agent_left`."""

    agent_id = IntegerOrText(required=True)
    name = ShortText()


class MemberIdentity(Schema):
    id = ShortText(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["user", "agent", "service"]))


class CircleStatus(Payload):
    online = Integer(required=True, minimum=0)
    members = List(Nested(MemberIdentity), required=True)


class Typing(Payload):
    typing = Boolean(required=True)


class FileChange(Payload):
    """`file_changed`, `file_created` and `file_deleted`."""

    path = ShortText(required=True, max_length=4096)
    agent_id = IntegerOrText()
    size_bytes = Integer(minimum=0)


class GitStatus(Payload):
    branch = ShortText(required=True)
    ahead = Integer(minimum=0)
    behind = Integer(minimum=0)
    changed = List(ShortText(max_length=4096))


class AgentStatus(Payload):
    status = fields.String(
        required=True, validate=validate.OneOf(["idle", "busy", "offline", "error"])
    )
    detail = Text()


class AgentActivity(Payload):
    activity = Text(required=True)


class ToolCall(Payload):
    call_id = IntegerOrText(required=True)
    tool = ShortText(required=True)
    arguments = JsonObject()


class ToolResult(Payload):
    """`tool_result` and `tool_output`."""

    call_id = IntegerOrText(required=True)
    output = JsonValue(allow_none=True)
    error = JsonValue()

    @validates_schema
    def has_outcome(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if "output" not in data and "error" not in data:
            raise ValidationError("Either output or error is required.", "output")


class Notification(Payload):
    title = ShortText(required=True)
    message = Text(required=True)
    id = IntegerOrText()
    level = ShortText()


class TaskUpdate(Payload):
    task_id = IntegerOrText(required=True)
    title = ShortText()


class NotificationRead(Payload):
    """What a user has read on one device, for all of them: some notifications, or all so far."""

    ids = List(IntegerOrText())
    all = Boolean()

    @validates_schema
    def has_one(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        if "ids" not in data and "all" not in data:
            raise ValidationError("Either ids or all is required.", "ids")
        if data.get("all") is False:
            raise ValidationError("Must be true.", "all")


class SystemAnnouncement(Payload):
    message = Text(required=True)


class ChatMessage(Payload):
    content = Text(required=True)
    message_id = IntegerOrText()
    agent = ShortText()


class ChatToken(Payload):
    message_id = IntegerOrText(required=True)
    index = Integer(required=True, minimum=0)
    delta = Text(required=True)


class ChatStatus(Payload):
    status = fields.String(
        required=True, validate=validate.OneOf(["started", "finished", "cancelled", "failed"])
    )
    run_id = IntegerOrText()
    detail = Text()


class ChatCancel(Payload):
    run_id = IntegerOrText()
    message_id = IntegerOrText()

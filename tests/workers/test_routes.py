"""What routes make of messages of the event bus (docs/protocol.md, "Event bus")."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.channel import Channel
from app.hub.draft import Draft
from app.workers.routes import ROUTES
from schemas.catalogue import standard_registry
from schemas.errors import SchemaError
from tests.support.documented import TYPES

MESSAGE = {"agent_id": 7, "content": "Hi"}
HALL = Channel("/circles", "hall")


def route(source: str, message: Any) -> Draft:
    """Return the draft of a message, given as JSON text or as what is to become that."""
    data = message if isinstance(message, str) else json.dumps(message)
    return ROUTES[source](data.encode())


def reason(source: str, message: Any) -> str:
    """Return why a route rejects a message."""
    with pytest.raises(SchemaError) as caught:
        route(source, message)
    return str(caught.value)


def test_the_table() -> None:
    message = {"circle_name": "a", "workspace_id": "a", "agent_id": "a"}
    table = {
        source: (*route(source, message).channel, route(source, message).type) for source in ROUTES
    }
    assert table == {
        "agent.message": ("/circles", "a", "agent_message"),
        "agent.status": ("/agents", "a", "agent_status"),
        "agent.activity": ("/agents", "a", "agent_activity"),
        "workspace.file_changed": ("/workspaces", "a", "file_changed"),
        "workspace.file_created": ("/workspaces", "a", "file_created"),
        "workspace.file_deleted": ("/workspaces", "a", "file_deleted"),
        "workspace.git_status": ("/workspaces", "a", "git_status"),
        "codeworm:logs": ("/feeds", "codeworm:logs", "log"),
        "codeworm:events": ("/feeds", "codeworm:events", "event"),
        "codeworm:stats": ("/feeds", "codeworm:stats", "stats"),
    }
    types = {(row.namespace, row.name) for row in TYPES}
    assert {(namespace, event) for namespace, _name, event in table.values()} <= types


def test_a_message_is_the_payload_as_it_is() -> None:
    message = MESSAGE | {"circle_name": "hall", "type": "agent.message", "at": [1, None]}
    assert route("agent.message", message) == Draft(HALL, "agent_message", message)


def test_an_id_may_be_an_integer() -> None:
    message = {"workspace_id": 0, "path": "a.py"}
    assert route("workspace.file_changed", message).channel == Channel("/workspaces", "0")


@pytest.mark.parametrize(
    "envelope",
    [
        {"circle_name": "hall", "data": MESSAGE},
        {"circle_name": "hall", "channel": "hall", "data": MESSAGE},
        {"channel": "hall", "data": MESSAGE},
        {"data": MESSAGE | {"circle_name": "hall"}},
        {"channel": "hall", "data": MESSAGE | {"circle_name": "hall"}},
    ],
)
def test_an_envelope_keeps_what_it_says(envelope: dict[str, Any]) -> None:
    sender = {"id": "agent-7", "kind": "agent"}
    known = {"type": "agent_message", "action": "said", "nonce": "n1", "sender": sender}
    draft = route("agent.message", envelope | known)
    expected = Draft(HALL, "agent_message", envelope["data"], sender, "said", "n1")
    assert draft == expected


def test_an_envelopes_further_keys_are_kept_in_its_data() -> None:
    envelope = {"type": "agent_message", "channel": "hall", "data": MESSAGE, "colour": 1}
    assert route("agent.message", envelope) == Draft(HALL, "agent_message", MESSAGE | {"colour": 1})


def test_half_an_emoji_is_for_the_hub_to_mend() -> None:
    draft = route("agent.message", r'{"circle_name": "hall", "content": "\ud83d"}')
    assert draft.data["content"] == "\ud83d"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("", "message: Not JSON: "),
        ("{", "message: Not JSON: "),
        ("[" * 100_000, "message: Not JSON: "),
        ("[]", "message: Must be an object."),
        ("7", "message: Must be an object."),
        ("null", "message: Must be an object."),
        (MESSAGE, "circle_name: "),
        (MESSAGE | {"circle_name": None}, "circle_name: "),
        (MESSAGE | {"circle_name": True}, "circle_name: "),
        (MESSAGE | {"circle_name": 7.5}, "circle_name: "),
        (MESSAGE | {"circle_name": ["hall"]}, "circle_name: "),
        ({"type": "agent_message", "data": MESSAGE}, "circle_name: "),
        ({"type": "agent_message", "data": 7}, "circle_name: "),
        ({"type": "agent_message", "data": 7, "channel": "hall"}, "data: "),
        ({"type": "agent_message", "data": {}, "channel": "hall", "circle_name": "x"}, "channel: "),
    ],
)
def test_what_leads_nowhere_says_why(message: Any, expected: str) -> None:
    assert reason("agent.message", message).startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain text",
        "{",
        "7",
        "null",
        "[1, 2]",
        '"a"',
        '{"cpu": NaN}',
        r'{"a": "\ud800"}',
        "[" * 100_000,
        '{"a": ' * 100 + "1" + "}" * 100,
    ],
)
def test_a_feed_passes_on_as_text_what_is_no_object(text: str) -> None:
    draft = route("codeworm:logs", text)
    assert draft == Draft(Channel("/feeds", "codeworm:logs"), "log", {"raw": text})
    standard_registry().require("/feeds", "log").load(draft.data)


def test_a_feed_passes_on_bytes_that_are_no_text() -> None:
    assert ROUTES["codeworm:stats"](b"\xff\x00a").data == {"raw": "\ufffd\x00a"}


def test_a_feed_takes_an_object_for_what_it_is() -> None:
    for message in ({}, {"type": "event", "data": {"a": 1}}, {"type": "event", "data": 7, "id": 1}):
        assert route("codeworm:events", message).data == message

"""The channels that messages go through, and what a message in each looks like."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

import orjson

#: Types that the server itself publishes into history; they bear no mark.
OWN_TYPES: Final = frozenset({"agent_joined", "agent_left"})


class Topic(NamedTuple):
    """One channel.

    Args:
        type: what clients publish here.
        kind: of the identity that may.
        emitted: the type that workers emit here.
    """

    namespace: str
    channel: str
    type: str
    kind: str
    emitted: str

    def __str__(self) -> str:
        return f"{self.namespace} {self.channel}"


TOPICS: Final = (
    Topic("/circles", "dev-team", "user_message", "user", "agent_message"),
    Topic("/circles", "ops", "user_message", "user", "agent_message"),
    Topic("/workspaces", "ws-1", "file_changed", "agent", "file_changed"),
    Topic("/workspaces", "ws-2", "file_changed", "agent", "file_changed"),
    Topic("/agents", "agent-7", "agent_activity", "service", "agent_activity"),
    Topic("/chat", "flow/app/1", "chat_token", "agent", "chat_token"),
    Topic("/feeds", "codeworm:logs", "log", "service", "log"),
)
NAMESPACES: Final = tuple(dict.fromkeys(topic.namespace for topic in TOPICS))


def topics_of(namespace: str) -> list[Topic]:
    """Return the channels of one namespace."""
    return [topic for topic in TOPICS if topic.namespace == namespace]


def payload(kind: str, mark: str, padding: str) -> dict[str, Any]:
    """Return `data` of a message of type `kind`, by whose `mark` it is known again."""
    needed: dict[str, dict[str, Any]] = {
        "user_message": {"content": padding},
        "agent_message": {"agent_id": 7, "content": padding},
        "file_changed": {"path": padding or "/"},
        "agent_activity": {"activity": padding},
        "chat_token": {"message_id": mark, "index": 0, "delta": padding},
        "log": {"line": padding},
    }
    return {**needed[kind], "mark": mark}


def mark_of(envelope: dict[str, Any]) -> str:
    """Return the mark of a message; nothing for one of the server's own."""
    mark = envelope["data"].get("mark")
    if mark is not None:
        return str(mark)
    return "" if envelope["type"] in OWN_TYPES else f"? {envelope['type']}"


def digest(value: Any) -> str:
    """Return a short name of a JSON value: equal ones have equal names."""
    encoded = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def data_digest(data: dict[str, Any]) -> str:
    """Return the digest of a payload, without the agent that the server names in it."""
    return digest({key: value for key, value in data.items() if key != "agent_id"})

"""The protocol's table of types and payloads (docs/protocol.md), written out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

LONG: Final = "x" * 1_000_000


@dataclass(frozen=True)
class Kind:
    """What a key of a payload holds.

    Args:
        good: values that are of this kind.
        bad: values that are not, none of them JSON's fault; null is one of them unless it says
            something.
    """

    good: tuple[Any, ...]
    bad: tuple[Any, ...]


_NO_TEXT: Final = (5, 5.0, True, None, ["a"], {"a": "b"})
_NO_INTEGER: Final = ("5", 5.0, 5.5, True, False, None, [5], {"a": 5}, 2**53 + 1)

TEXT: Final = Kind(("Hello", "", "ü\n\x00", LONG), _NO_TEXT)
NAME: Final = Kind(("a", "Ünder way"), (*_NO_TEXT, "", LONG))
COUNT: Final = Kind((0, 7), (*_NO_INTEGER, -1))
ID: Final = Kind((7, "agent-7"), (5.0, True, None, ["a"], {"a": "b"}, "", LONG, 2**53 + 1))
BOOLEAN: Final = Kind((True, False), (1, 0, "true", "yes", 1.0, None, [], {}))
OBJECT: Final = Kind(({}, {"a": [1, None]}), ("a", 5, True, None, [], [["a", 1]]))
ANY: Final = Kind(("done", 5, 0.5, True, [1], {"a": 1}), ())
OUTPUT: Final = Kind((*ANY.good, None), ())
TRUE: Final = Kind((True,), BOOLEAN.bad)
IDS: Final = Kind(([], [7, "a"]), ("a", 5, True, None, {"a": 1}))


def one_of(*texts: str) -> Kind:
    """One of these texts, and no other."""
    return Kind(texts, (*_NO_TEXT, "", "nothing", texts[0].upper(), f"{texts[0]}\n"))


LISTS: Final = (*_NO_TEXT[:4], "a", {"a": "b"})
PATHS: Final = Kind(([], ["a.py", "b/c.py"]), LISTS)
MEMBERS: Final = Kind(([], [{"id": "alice", "kind": "user"}, {"id": "a", "kind": "agent"}]), LISTS)


@dataclass(frozen=True)
class Documented:
    """One row of the table.

    Args:
        publishers: kinds of identity, separated by spaces.
    """

    namespace: str
    name: str
    publishers: str
    required: dict[str, Kind] = field(default_factory=dict)
    optional: dict[str, Kind] = field(default_factory=dict)
    kept: bool = True

    def __str__(self) -> str:
        return f"{self.namespace}-{self.name}"

    @property
    def minimal(self) -> dict[str, Any]:
        """The least payload that is valid."""
        return {key: kind.good[0] for key, kind in self.required.items()}

    @property
    def keys(self) -> dict[str, Kind]:
        """Required and optional ones."""
        return self.required | self.optional


_FILE: Final = ({"path": NAME}, {"agent_id": ID, "size_bytes": COUNT})
_CALL: Final = ({"call_id": ID, "tool": NAME}, {"arguments": OBJECT})
_RESULT: Final = ({"call_id": ID, "output": OUTPUT}, {"error": ANY})

TYPES: Final = (
    Documented("/circles", "user_message", "user agent", {"content": TEXT}),
    Documented("/circles", "agent_message", "agent", {"agent_id": ID, "content": TEXT}),
    Documented("/circles", "agent_joined", "", {"agent_id": ID}, {"name": NAME}),
    Documented("/circles", "agent_left", "", {"agent_id": ID}, {"name": NAME}),
    Documented("/circles", "circle_status", "", {"online": COUNT, "members": MEMBERS}, kept=False),
    Documented("/circles", "typing", "user agent", {"typing": BOOLEAN}, kept=False),
    Documented("/workspaces", "file_changed", "agent service", *_FILE),
    Documented("/workspaces", "file_created", "agent service", *_FILE),
    Documented("/workspaces", "file_deleted", "agent service", *_FILE),
    Documented(
        *("/workspaces", "git_status", "agent service"),
        {"branch": NAME},
        {"ahead": COUNT, "behind": COUNT, "changed": PATHS},
    ),
    Documented(
        *("/agents", "agent_status", "agent service"),
        {"status": one_of("idle", "busy", "offline", "error")},
        {"detail": TEXT},
    ),
    Documented("/agents", "agent_activity", "agent service", {"activity": TEXT}),
    Documented("/agents", "tool_call", "agent service", *_CALL),
    Documented("/agents", "tool_result", "agent service", *_RESULT),
    Documented(
        *("/notifications", "notification", "agent service"),
        {"title": NAME, "message": TEXT},
        {"id": ID, "level": NAME},
    ),
    Documented("/notifications", "task_update", "agent service", {"task_id": ID}, {"title": NAME}),
    Documented("/notifications", "notification_read", "user service", {"ids": IDS}, {"all": TRUE}),
    Documented("/notifications", "system_announcement", "service", {"message": TEXT}),
    Documented("/notifications", "my_plugin_update", "service"),
    Documented("/chat", "user_message", "user", {"content": TEXT}),
    Documented(
        *("/chat", "chat_message", "agent"), {"content": TEXT}, {"message_id": ID, "agent": NAME}
    ),
    Documented("/chat", "chat_token", "agent", {"message_id": ID, "index": COUNT, "delta": TEXT}),
    Documented("/chat", "tool_call", "agent", *_CALL),
    Documented("/chat", "tool_output", "agent", *_RESULT),
    Documented(
        *("/chat", "chat_status", "agent"),
        {"status": one_of("started", "finished", "cancelled", "failed")},
        {"run_id": ID, "detail": TEXT},
    ),
    Documented("/chat", "chat_cancel", "user", {}, {"run_id": ID, "message_id": ID}),
    Documented("/feeds", "log", "service"),
    Documented("/feeds", "event", "service"),
    Documented("/feeds", "stats", "service"),
)

"""The table of rooms, top to bottom: docs/design.md shows it, and the tests beside it hold it."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.house.source import MODULES


class Room(NamedTuple):
    """A module or package of ours.

    Args:
        names: its modules; the longest name that fits is a module's room.
        what: what lives there.
        may_import: rooms further down, by any of their names.
    """

    names: tuple[str, ...]
    what: str
    may_import: tuple[str, ...]


EVERYTHING: Final = ("*",)

ROOMS: Final[tuple[Room, ...]] = (
    Room(
        ("app.__main__", "app.token", "app.usage", "app.start_warnings", "app.listening"),
        "what is run: `python -m app` serves, `python -m app.token` makes a token",
        EVERYTHING,
    ),
    Room(
        ("app.runner",),
        "aiohttp's runner, with our listener in front",
        ("app.app_keys", "app.engine", "app.transport"),
    ),
    Room(("app.application",), "the parts, wired; a table of contents", EVERYTHING),
    Room(("app.app_keys",), "what handlers find in the aiohttp application", EVERYTHING),
    Room(("app.redis_wiring",), "the parts that stand on Redis, wired", EVERYTHING),
    Room(
        ("namespaces",),
        "the way in by Socket.IO: clients' events are requests, which become verbs of the Hub",
        ("app.requests", "app.hub", "app.realtime", "app.auth", "app.core", "schemas"),
    ),
    Room(
        ("app.plain",),
        "the way in by WebSockets without Socket.IO: paths, tokens, frames",
        (
            "app.requests",
            "app.hub",
            "app.transport",
            "app.auth",
            "app.core",
            "schemas",
        ),
    ),
    Room(
        ("app.workers",),
        "the way in through Redis: emits of stock managers, the event bus",
        ("app.hub", "app.broker", "app.redis", "app.tasks", "app.core", "schemas"),
    ),
    Room(
        ("app.web",),
        "the way in by HTTP: health, metrics, the console",
        ("app.hub", "app.settings", "app.core", "schemas"),
    ),
    Room(
        ("app.requests",),
        "what ways in share: answers, authentication and its expiry, coming back",
        ("app.hub", "app.transport", "app.auth", "app.tasks", "app.core", "schemas"),
    ),
    Room(
        ("app.hub",),
        "the verbs: publishing, joining, leaving; who receives what; who is there",
        ("app.transport", "app.broker", "app.tasks", "app.core", "schemas"),
    ),
    Room(
        ("app.realtime",),
        "Socket.IO: packets, clients, the server, its managers",
        ("app.engine", "app.transport", "app.redis", "app.tasks", "app.core"),
    ),
    Room(
        ("app.engine",),
        "Engine.IO: the listener, the server, its sessions",
        ("app.transport", "app.core"),
    ),
    Room(
        ("app.transport",),
        "what all connections share: the gate, frames, flow control, rooms, pings, handlers' work",
        ("app.tasks", "app.origins", "app.core"),
    ),
    Room(
        ("app.broker",),
        "what all processes share, in memory or in Redis: order, history, presence, sessions",
        ("app.redis", "app.tasks", "app.core"),
    ),
    Room(
        ("app.redis",),
        "connections to Redis, scripts, subscriptions, the canary",
        ("app.tasks", "app.core"),
    ),
    Room(("app.auth",), "tokens to identities", ("app.settings", "app.core")),
    Room(
        ("app.logs", "app.log_sampling", "app.log_writer"),
        "how logs are sampled and written",
        ("app.settings", "app.core"),
    ),
    Room(
        ("app.settings", "app.variables"), "the environment, checked", ("app.origins", "app.core")
    ),
    Room(("app.origins",), "origins of pages, in a browser's form", ()),
    Room(("app.tasks",), "tasks: named, waited for, logged when they fail", ("app.core",)),
    Room(
        ("schemas",), "envelope, payloads and requests, and what is made from them", ("app.core",)
    ),
    Room(("app.core",), "rules without I/O and without a clock", ()),
)


def markdown() -> str:
    """Return the table as docs/design.md has it."""
    lines = ["| room | what lives there | may import |", "|---|---|---|"]
    for room in ROOMS:
        names = ", ".join(f"`{path_of(name)}`" for name in room.names)
        may = ", ".join(name.removeprefix("app.") for name in room.may_import)
        if room.may_import == EVERYTHING:
            may = "everything"
        lines.append(f"| {names} | {room.what} | {may or 'nothing of ours'} |")
    return "\n".join(lines) + "\n"


def path_of(name: str) -> str:
    """Return where a module or package lies, from the root of the repository."""
    path = MODULES[name]
    return f"{path.parent}/" if path.name == "__init__.py" else str(path)

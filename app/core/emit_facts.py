"""Facts of an emit for the log: where to and as what, in few bytes, and nothing of its payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.channel import listed
from app.core.shown import shown

_MOST_BYTES: Final = 64
_MOST_ROOMS: Final = 3


def emit_facts(emit: Mapping[str, Any]) -> dict[str, str]:
    """Return `namespace`, `room` and `type` of an emit in the form in which managers write it.

    What it has not, or in another form, is left out.
    """
    rooms = emit.get("room")
    names = [] if isinstance(rooms, dict) else listed(rooms)
    told = [text for name in names[:_MOST_ROOMS] if (text := _text(name))]
    if len(names) > _MOST_ROOMS:
        told.append(f"{len(names) - _MOST_ROOMS} more")
    facts = {
        "namespace": _text(emit.get("namespace") or "/"),
        "room": ", ".join(told),
        "type": _text(emit.get("event")),
    }
    return {name: text for name, text in facts.items() if text}


def _text(value: Any) -> str:
    """Return a name as it is shown; empty for what can't be one."""
    return shown(str(value), _MOST_BYTES) if isinstance(value, str | int) else ""

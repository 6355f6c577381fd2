"""Facts of what a worker has sent, for the log of what is rejected."""

from __future__ import annotations

from typing import Final

import orjson

from app.core.emit_facts import emit_facts
from app.workers.routes import ROUTES

# Reading more takes too long for what it tells.
_MOST_READ_BYTES: Final = 4_000_000


def facts_of(source: str, data: bytes) -> dict[str, str]:
    """Return `namespace`, `room` and `type` of an emit or an event, as far as it can be read.

    Args:
        source: the Redis channel it was received on.
        data: as received.
    """
    if len(data) > _MOST_READ_BYTES:
        return {}
    try:
        if (route := ROUTES.get(source)) is not None:
            channel, event = (draft := route(data)).channel, draft.type
            return emit_facts(
                {"namespace": channel.namespace, "room": channel.name, "event": event}
            )
        emit = orjson.loads(data)
    except Exception:  # noqa: BLE001 - that it can't be read is why it is rejected
        return {}
    return emit_facts(emit) if isinstance(emit, dict) else {}

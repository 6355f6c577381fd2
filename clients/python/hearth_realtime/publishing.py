"""Publishing: a message with one nonce, sent until it is acknowledged."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from hearth_realtime import messages
from hearth_realtime.connection import encode
from hearth_realtime.errors import InvalidArgument
from hearth_realtime.link import Link
from hearth_realtime.messages import Receipt

#: The default time-out of a request with all its attempts.
PATIENCE_SECONDS: Final = 60.0
# The server remembers a nonce for five minutes: a repeat after that could publish twice.
LONGEST_PATIENCE_SECONDS: Final = 240.0


async def publish(
    link: Link,
    channel: str,
    type: str,  # noqa: A002 - the protocol's word
    data: Mapping[str, Any],
    action: str | None,
    nonce: str | None,
    timeout: float,  # noqa: ASYNC109 - several attempts share it
) -> Receipt:
    """Publish into a channel, joined or not; see `Channel.publish`."""
    if not 0 < timeout <= LONGEST_PATIENCE_SECONDS:
        most = f"{LONGEST_PATIENCE_SECONDS:.0f} s"
        raise InvalidArgument(f"A timeout is more than 0 s and at most {most}, not {timeout}.")
    size = len(encode(data).encode())
    request: dict[str, Any] = {"channel": channel, "data": data, "nonce": nonce or uuid.uuid4().hex}
    if action is not None:
        request["action"] = action
    return await link.ask(type, request, messages.receipt, timeout, size)
